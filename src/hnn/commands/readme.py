"""`python -m hnn readme`: copy what a run has given into README.md: the results, and the output of commands on experiments."""

import os
import shlex
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from hnn.commands import summaries
from hnn.core.errors import Refused
from hnn.files import formats, paths
from hnn.files.reading import read_text
from hnn.reporting.report import BEGIN, END, extract

__all__ = ["COMPARISONS", "EXPERIMENT", "HEADLINE", "readme", "replaced", "sample"]

README = Path("README.md")
EXPERIMENT = "narrow"
"""The experiment of these commands: `dvc exp run --name narrow -S model.hidden=64`."""

HEADLINE = {"dvc metrics show": 60}
"""The command on a run, and the number of lines that README shows."""

COMPARISONS = {
    f"dvc metrics diff HEAD {EXPERIMENT}": 12,
    f"python -m hnn diff HEAD {EXPERIMENT}": 16,
    "python -m hnn experiments": 40,
}
"""The commands on two runs, and the number of lines of each that README shows."""


def readme() -> None:
    """Write the results of metrics/report.md into README.md, and the output of commands.

    That of commands on two runs stays as it is where the experiment is missing. Raises `Refused` without a report.
    """
    if not paths.REPORT.is_file():
        raise Refused(f"{paths.REPORT} is not there yet: run `make repro`")
    text = read_text(README)
    text = text.replace(marked(README, text), marked(paths.REPORT, read_text(paths.REPORT)))
    text = replaced(text, "headline", HEADLINE)
    formats.write_text(README, replaced(text, "comparisons", COMPARISONS) if summaries.experiment(EXPERIMENT) else text)


def marked(path: Path, text: str) -> str:
    """The part between the marks of the results; raises `Refused` for a text of that path without them."""
    try:
        return extract(text)
    except ValueError:
        raise Refused(f"{path} has no marks around the results: {BEGIN} and {END}") from None


def replaced(text: str, block: str, commands: Mapping[str, int]) -> str:
    """The text with the output of commands between the marks of a block."""
    begin, end = f"<!-- {block}: begin -->\n", f"<!-- {block}: end -->"
    shown = "\n".join(sample(command, output(command), count) for command, count in commands.items())
    return f"{text.partition(begin)[0]}{begin}{shown}{end}{text.partition(end)[2]}"


def sample(command: str, lines: Sequence[str], count: int) -> str:
    """A block of code in Markdown: a command and the first lines of its output, with the number of those left out.

    >>> print(sample("ls", ["a", "b", "c", "d"], 3))
        $ ls
        a
        b
        … 2 more lines
    <BLANKLINE>
    """
    shown = list(lines) if len(lines) <= count else [*lines[: count - 1], f"… {len(lines) - count + 1} more lines"]
    return "".join(f"    {line}".rstrip() + "\n" for line in [f"$ {command}", *shown])


def output(command: str) -> list[str]:
    """The lines that a command prints in a terminal of 120 columns; raises `Refused` if it fails."""
    words = shlex.split(command)
    words = [sys.executable, *(words[1:] if words[0] == "python" else ["-m", *words])]
    environment = os.environ | {"COLUMNS": "120"}
    done = subprocess.run(words, env=environment, capture_output=True, text=True, encoding="utf-8", check=False)
    if done.returncode:
        raise Refused(f"{command}: {done.stderr.strip()}")
    return [line.rstrip() for line in done.stdout.strip().splitlines()]
