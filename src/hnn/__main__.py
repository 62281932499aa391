"""python -m hnn: what a person asks of a finished run."""

import argparse
import sys
from pathlib import Path

from hnn import io, report, reproduction, tables
from hnn.errors import Refused

HEADLINE = ["test_loss", "energy_error", "coordinate_error", "valid_time"]


def show() -> None:
    """Print where the report is and its headline table."""
    path = io.METRICS / "report.md"
    if not path.is_file():
        raise Refused(f"{path} is not there yet: run `make repro`")
    print(tables.terminal_table(io.read_rows(io.METRICS / "summary.csv"), HEADLINE))
    print(f"\nMeans with 95 % intervals. The whole report: {path.resolve()}")


def readme() -> None:
    """Put the results of the report into README.md."""
    path = Path("README.md")
    text, results = path.read_text(encoding="utf-8"), report.extract((io.METRICS / "report.md").read_text(encoding="utf-8"))
    io.write_text(path, text.replace(report.extract(text), results))


def check() -> None:
    """Hold the metrics against the committed ones."""
    if not reproduction.check():
        raise Refused("the run does not reproduce the committed results")


COMMANDS = {"report": show, "readme": readme, "check": check}


def main() -> None:
    """Run one command."""
    parser = argparse.ArgumentParser(prog="python -m hnn", description="What a person asks of a finished run.")
    commands = parser.add_subparsers(required=True, metavar="command")
    for name, command in COMMANDS.items():
        commands.add_parser(name, help=(command.__doc__ or "").rstrip(".").lower()).set_defaults(command=command)
    try:
        parser.parse_args().command()
    except Refused as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
