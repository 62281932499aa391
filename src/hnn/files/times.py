"""The times at which stages began and ended, for the table at the end of `make repro`; they are part of no result."""

import csv
import os
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from hnn.files.paths import TIMES
from hnn.files.reading import parsed

__all__ = ["VARIABLE", "StageTime", "append", "read"]

VARIABLE = "HNN_TIMES"
"""Environment variable: another file than `TIMES`, such as one for experiments that run in copies of the project."""


class StageTime(NamedTuple):
    """The run of one stage, in seconds since 1970."""

    stage: str
    start: float
    end: float


def append(time: StageTime) -> None:
    """Append a run to the file; a stage does not fail where that cannot be written."""
    with suppress(OSError), Path(os.environ.get(VARIABLE, TIMES)).open("a", encoding="utf-8", newline="") as file:
        csv.writer(file, lineterminator="\n").writerow([time.stage, f"{time.start:.2f}", f"{time.end:.2f}"])


def read(path: Path = TIMES) -> list[StageTime]:
    """The runs in a file, in the order of their starts; none where there is no such file."""
    return sorted(parsed(path, "times of stages", parse), key=lambda one: one.start) if path.is_file() else []


def parse(text: str) -> list[StageTime]:
    """The runs in the text of the file; raises `ValueError` for any other text."""
    return [StageTime(stage, float(start), float(end)) for stage, start, end in csv.reader(text.splitlines())]
