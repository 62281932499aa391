"""Commands of `python -m hnn` and of the Makefile."""
