"""params.yaml -> a mark that it is valid, which the first stages wait for: bad parameters stop before any out is touched."""

from pathlib import Path

from stages import run

from hnn import config, io


def validate() -> None:
    """Check all of params.yaml; the mark is always the same, so that a change of parameters re-runs no more than it must."""
    config.load()
    io.write_text(Path("data/params.valid"), "params.yaml is valid\n")


if __name__ == "__main__":
    run(validate)
