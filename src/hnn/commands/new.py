"""`python -m hnn new`: a task from files of a recording."""

import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from math import isfinite
from pathlib import Path
from tempfile import TemporaryDirectory

from hnn.commands.recording_text import Recipe, findings, task_section
from hnn.core.cell import TRUTH
from hnn.core.errors import Refused
from hnn.core.trajectories import Trial
from hnn.datasets.columns import Columns, recognise
from hnn.datasets.inspection import inspect_trials
from hnn.datasets.table import Table
from hnn.datasets.tables import read_tables
from hnn.datasets.trials import incomplete_rows, trials
from hnn.files.formats import writing
from hnn.files.paths import RECORDINGS
from hnn.params.base import NAME, PATTERNS
from hnn.params.insertion import with_task
from hnn.params.loading import InvalidParams, parse_raw, read_raw, validate_schema

__all__ = ["new"]

PARAMS = Path("params.yaml")

TEST = 0.2
"""Fraction that is held out where `--test` is not given."""


def new(
    name: str,
    files: Sequence[Path],
    *,
    time: str | None = None,
    dt: float | None = None,
    q: str | None = None,
    v: str | None = None,
    p: str | None = None,
    trial: str | None = None,
    mass: float | None = None,
    test: str | None = None,
    dry: bool = False,
) -> None:
    """Print what is found in the files; then copy them to data/recordings, track them by DVC and add a task to params.yaml.

    With `dry`, print what would be written instead. Raises `Refused`, with file, line and remedy, for what cannot be read or
    told apart; whatever fails, params.yaml and data/ stay as they are.
    """
    check_name(name)
    check_options(time, dt, p, v, mass)
    check_files(files)
    tables = read_tables(files)
    told = Columns(time, dt, names_in(q, tables), names_in(v, tables), names_in(p, tables), trial)
    columns = recognise(tables, told)
    recipe = Recipe(mass or 1.0, fraction_or_names(test))
    runs = trials(tables, columns, recipe.mass)
    check_test(runs, recipe)
    found = inspect_trials(runs, columns, recipe.mass)
    title = files[0].name if len(files) == 1 else f"{len(files)} files"
    print(findings(title, tables, columns, runs, found, recipe, incomplete_rows(tables, columns)))
    section = task_section(name, columns, found, recipe, runs)
    before = PARAMS.read_bytes().decode("utf-8")
    after = with_task(before, name, section)
    check_schema(after)
    if dry:
        print(f"\nNothing is written (--dry). Without it, params.yaml gets under tasks:\n\n{section}", end="")
        return
    folder = store(name, files, after)
    print(
        f"\nWritten: {folder}/, which DVC tracks, and in params.yaml\n"
        f"tasks.{name} and an item of recorded_tasks. Next:\n\n    git add {dvc_file(folder)} params.yaml\n"
        f"    dvc repro report_recording@{name}  # this recording alone; `dvc repro` runs all tasks"
    )


def check_name(name: str) -> None:
    """Refuse the name of a task that is none, or is taken; and a folder that is no project."""
    if not re.fullmatch(NAME, name) or "\n" in name:
        raise Refused(f"name: given {name!r}, {PATTERNS[NAME]}")
    if name == TRUTH:
        raise Refused(f"name: given {name!r}, which means the exact field of a task; choose another name")
    if name in (read_raw(PARAMS).get("tasks") or {}):
        raise Refused(f"name: given {name!r}, which is a task of params.yaml already; choose another name")
    folder = RECORDINGS / name
    for path in (folder, dvc_file(folder)):
        if path.exists() or path.is_symlink():
            raise Refused(f"name: given {name!r}, but {path} is there already; choose another name, or move it away")


def check_options(time: str | None, dt: float | None, p: str | None, v: str | None, mass: float | None) -> None:
    """Refuse options that exclude each other, and numbers that are not positive."""
    if time is not None and dt is not None:
        raise Refused("--dt: given with --time; times are a column, or rows are a step apart: give one of them")
    if p is not None and v is not None:
        raise Refused("--p: given with --v; give velocities or momenta")
    if p is not None and mass is not None:
        raise Refused("--mass: given with --p, whose columns are momenta already; leave it out")
    for option, value in (("--dt", dt), ("--mass", mass)):
        if value is not None and not (value > 0 and isfinite(value)):
            raise Refused(f"{option}: given {value:g}, must be a positive number")


def check_files(files: Sequence[Path]) -> None:
    """Refuse files whose copies could not stand side by side in one folder."""
    names = [path.name for path in files]
    for path in files:
        if path.name.startswith(".") or path.suffix == ".dvc" or not path.name:
            raise Refused(f"{path}: its name begins with a dot or ends in .dvc; give a file of another name")
        if names.count(path.name) > 1:
            raise Refused(f"{path}: a second file is called {path.name}; rename one of them")


def names_in(text: str | None, tables: Sequence[Table]) -> tuple[str, ...]:
    """The names between the commas of an option; a name that has a comma itself is taken as it is if it is a column."""
    if text is None:
        return ()
    return (text,) if text in tables[0].columns else tuple(name.strip() for name in text.split(","))


def fraction_or_names(text: str | None) -> float | tuple[str, ...]:
    """The value of `--test`: a fraction, or the beginnings of names."""
    if text is None:
        return TEST
    try:
        fraction = float(text)
    except ValueError:
        return tuple(filter(None, map(str.strip, text.split(","))))
    if not 0 < fraction < 1:
        raise Refused(f"--test: given {text}, must be a fraction between 0 and 1, or beginnings of trials' names")
    return fraction


def check_test(runs: Sequence[Trial], recipe: Recipe) -> None:
    """Refuse beginnings of names that no trial has, or that leave no trial to learn from."""
    if not isinstance(recipe.test, tuple):
        return
    known = ", ".join(one.name for one in runs[:8]) + (", …" if len(runs) > 8 else "")
    for start in recipe.test or ("",):
        if not start or not any(one.name.startswith(start) for one in runs):
            raise Refused(f"--test: given {start!r}, with which no trial's name begins; trials: {known}")
    if all(one.name.startswith(recipe.test) for one in runs):
        raise Refused(f"--test: given {','.join(recipe.test)}, which leaves no trial to learn from; trials: {known}")


def check_schema(text: str) -> None:
    """Refuse a params.yaml that is not valid, before anything is copied."""
    _, problems = validate_schema(parse_raw(text, str(PARAMS)))
    if problems:
        raise InvalidParams("\n".join(f"{PARAMS}: {problem}" for problem in problems))


def check_completely(text: str) -> None:
    """Refuse a params.yaml that is not valid for the models in it either."""
    from hnn.params.checks import load_checked_params  # imports PyTorch

    with TemporaryDirectory() as folder:
        path = Path(folder) / PARAMS
        path.write_bytes(text.encode())
        try:
            load_checked_params(path)
        except InvalidParams as error:
            raise InvalidParams(str(error).replace(str(path), str(PARAMS))) from None


def store(name: str, files: Sequence[Path], params: str) -> Path:
    """Copy the files to their folder, track it by DVC and write params.yaml; undone if any of it fails."""
    check_completely(params)
    folder = RECORDINGS / name
    with undone_on_failure(folder):
        folder.mkdir(parents=True)
        for path in files:
            shutil.copyfile(path, folder / path.name)
        dvc_add(folder)
        with writing(PARAMS.resolve()) as temporary:
            temporary.write_bytes(params.encode())
            shutil.copymode(PARAMS, temporary)
    return folder


@contextmanager
def undone_on_failure(folder: Path) -> Iterator[None]:
    """Remove a new folder with what DVC wrote about it, if an exception is raised; Ctrl-C is one."""
    ignored = folder.parent / ".gitignore"
    before = ignored.read_bytes() if ignored.is_file() else None
    missing = [parent for parent in folder.parents if not parent.exists()]
    try:
        yield
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        dvc_file(folder).unlink(missing_ok=True)
        if before is not None:
            ignored.write_bytes(before)
        else:
            ignored.unlink(missing_ok=True)
        for parent in missing:
            if parent.is_dir() and not any(parent.iterdir()):
                parent.rmdir()
        raise


def dvc_file(folder: Path) -> Path:
    """The file by which DVC tracks a folder."""
    return folder.with_name(f"{folder.name}.dvc")


def dvc_add(folder: Path) -> None:
    """Track a folder by DVC; raises `Refused` with DVC's reason if it cannot."""
    words = [sys.executable, "-m", "dvc", "add", "--quiet", folder.as_posix()]
    done = subprocess.run(words, check=False, capture_output=True, text=True, encoding="utf-8", errors="replace")
    if done.returncode:
        lines = [line for line in done.stderr.splitlines() if line.strip()] or [f"status {done.returncode}"]
        reason = lines[0].removeprefix("ERROR: ").strip()
        raise Refused(f"`dvc add {folder}` failed: {reason}; run in the project's folder, and again when DVC is free")
