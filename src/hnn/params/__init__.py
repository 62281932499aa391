"""params.yaml to validated objects."""
