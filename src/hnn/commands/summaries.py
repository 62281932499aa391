"""metrics/summary.csv, all numbers of all cells: of the present run and of the revisions in git."""

import csv
import subprocess
from collections.abc import Mapping
from io import StringIO

from hnn.core.errors import Refused
from hnn.core.statistics import Interval
from hnn.files import paths

__all__ = ["Summary", "committed", "current", "experiment", "git", "parse"]

Summary = Mapping[tuple[str, str], Mapping[str, Interval]]
"""The numbers of each cell, by (task, name) and quantity; a number without an interval is its own low and high."""


def current() -> Summary:
    """The summary of the present run."""
    if not paths.SUMMARY.is_file():
        raise Refused(f"{paths.SUMMARY} is not there yet: run `make repro`")
    return parse(paths.SUMMARY.read_text(encoding="utf-8"))


def committed(revision: str, advice: str) -> Summary:
    """The summary of a revision in git; raises `Refused` with git's reason and the advice if there is none."""
    try:
        return parse(git("show", f"{revision}:{paths.SUMMARY.as_posix()}"))
    except Refused as error:
        raise Refused(f"{error}; {advice}") from None


def experiment(name: str) -> str | None:
    """The newest revision of the DVC experiment of this name, if there is one."""
    refs = git("for-each-ref", "--sort=-committerdate", "--format=%(objectname)", f"refs/exps/**/{name}").split()
    return refs[0] if refs else None


def parse(text: str) -> Summary:
    """The summary that a CSV text holds; None for what is empty.

    >>> parse("task,model,quantity,mean,low,high\\npendulum,hnn,steps,5,5,5\\n")["pendulum", "hnn"]["steps"][:3]
    (5.0, 5.0, 5.0)
    """
    cells: dict[tuple[str, str], dict[str, Interval]] = {}
    for row in csv.DictReader(StringIO(text)):
        mean, low, high = (float(row[name]) if row[name] else None for name in ("mean", "low", "high"))
        cells.setdefault((row["task"], row["model"]), {})[row["quantity"]] = Interval(mean, low, high)
    return cells


def git(*words: str) -> str:
    """The output of a git command; raises `Refused` with git's reason if it fails."""
    try:
        return subprocess.run(["git", *words], check=True, capture_output=True, text=True, encoding="utf-8").stdout
    except FileNotFoundError:
        raise Refused("git is not installed") from None
    except subprocess.CalledProcessError as error:
        reason = (error.stderr.splitlines() or [f"status {error.returncode}"])[0]
        raise Refused(f"git {' '.join(words)}: {reason}") from None
