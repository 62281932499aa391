"""metrics/summary.csv, all numbers of all cells: of the present run and of the revisions in git."""

import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

from hnn.core.cell import Cell
from hnn.core.errors import Refused
from hnn.core.statistics import Interval
from hnn.core.trajectories import CellRollouts
from hnn.files import artifacts, paths
from hnn.files.formats import parse_rows
from hnn.files.reading import parsed

__all__ = ["Summary", "cached", "cached_rollouts", "committed", "current", "dvc", "experiment", "git", "parse"]

Summary = Mapping[tuple[str, str], Mapping[str, Interval]]
"""The numbers of each cell, by (task, name) and quantity; a setting or a count has neither interval nor seeds."""


def current() -> Summary:
    """The summary of the present run."""
    return parsed(paths.SUMMARY, "a summary", parse)


def committed(revision: str, advice: str) -> Summary:
    """The summary of a revision in git; raises `Refused` with git's reason and the advice if there is none."""
    try:
        return parse(git("show", f"{revision}:{paths.SUMMARY.as_posix()}"))
    except Refused as error:
        raise Refused(f"{error}; {advice}") from None
    except ValueError as error:
        raise Refused(f"{paths.SUMMARY} of {revision}: {error}; {advice}") from None


def experiment(name: str) -> str | None:
    """The newest revision of the DVC experiment of this name, if there is one."""
    refs = git("for-each-ref", "--sort=-committerdate", "--format=%(objectname)", f"refs/exps/**/{name}").split()
    return refs[0] if refs else None


def cached(revision: str, path: str, advice: str) -> bytes:
    """The content of a file of an experiment from DVC's cache; raises `Refused` with the advice if it is not there."""
    import dvc.api  # takes a second to import
    from dvc.exceptions import DvcException

    try:
        with dvc.api.open(path, rev=revision, mode="rb") as file:
            return bytes(file.read())
    except (DvcException, OSError) as error:
        raise Refused(f"{path} of {revision[:7]} is not in DVC's cache: {advice} ({error})") from None


def cached_rollouts(revision: str, cell: Cell, advice: str) -> CellRollouts:
    """The rollouts of a cell of an experiment from DVC's cache; raises `Refused` with the advice if they are not there."""
    path = paths.rollouts_path(cell)
    content = cached(revision, path.as_posix(), advice)
    with TemporaryDirectory() as folder:
        copy = Path(folder) / path
        copy.parent.mkdir(parents=True)
        copy.write_bytes(content)
        return artifacts.read_rollouts(cell, folder)


def parse(text: str) -> Summary:
    """The summary that a CSV text holds; None for what is empty.

    Raises `Refused` for one without the means of the seeds, `ValueError` for a text that is no summary.

    >>> text = "task,model,quantity,mean,low,high,scale,seeds\\nspring,hnn,error,2,1,4,log,1 3\\n"
    >>> parse(text)["spring", "hnn"]["error"].seeds
    (1.0, 3.0)
    """
    cells: dict[tuple[str, str], dict[str, Interval]] = {}
    rows = parse_rows(text)
    if rows and "seeds" not in rows[0]:
        raise Refused(f"{paths.SUMMARY} of that revision has no column `seeds`: it is of an older form")
    if not rows or not {"task", "model", "quantity", "mean", "low", "high"} <= set(rows[0]):
        raise ValueError("has no rows of task, model, quantity, mean, low and high")
    for row in rows:
        mean, low, high = (float(row[name]) if row[name] else None for name in ("mean", "low", "high"))
        seeds = tuple(map(float, row["seeds"].split()))
        number = Interval(mean, low, high, row.get("scale") == "log", seeds)
        cells.setdefault((row["task"], row["model"]), {})[row["quantity"]] = number
    return cells


def dvc(*words: str) -> None:
    """Run DVC."""
    subprocess.run([sys.executable, "-m", "dvc", *words], check=True)


def git(*words: str) -> str:
    """The output of a git command; raises `Refused` with git's reason if it fails."""
    try:
        return subprocess.run(["git", *words], check=True, capture_output=True, text=True, encoding="utf-8").stdout
    except FileNotFoundError:
        raise Refused("git is not installed") from None
    except subprocess.CalledProcessError as error:
        reason = (error.stderr.splitlines() or [f"status {error.returncode}"])[0]
        raise Refused(f"git {' '.join(words)}: {reason}") from None
