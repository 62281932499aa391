"""Measured archives to the same data as simulated ones: one recording, its derivatives by differences, split in time."""

import hashlib
import os
import zipfile
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from numpy import ndarray

from hnn.core.errors import Refused
from hnn.core.trajectories import Observations, TrueMotion
from hnn.datasets.finite_differences import difference, gaps
from hnn.systems.base import System

__all__ = ["MissingArchive", "Recording", "find_archive", "observe", "read_archive", "split", "windows"]

VARIABLE = "HNN_EXTERNAL_DATA"


class MissingArchive(Refused, FileNotFoundError):
    """The archive is in neither of the two places, or is another file."""


@dataclass(frozen=True)
class Recording:
    """One measured trajectory: times (time,) in seconds, not always equally spaced, and states (time, 2n)."""

    t: ndarray
    x: ndarray

    def part(self, time: slice) -> "Recording":
        """Some of its times."""
        return Recording(self.t[time], self.x[time])


def find_archive(name: str, sha256: str, folder: Path) -> Path:
    """The file `name` in `folder` or in the folder that the variable HNN_EXTERNAL_DATA names, its checksum verified."""
    places = [folder] + ([Path(os.environ[VARIABLE])] if os.environ.get(VARIABLE) else [])
    wanted = f"{name} (sha256 {sha256})"
    for path in (place / name for place in places):
        if not path.is_file():
            continue
        found = hashlib.sha256(path.read_bytes()).hexdigest()
        if found != sha256:
            raise MissingArchive(f"{path} is another file (sha256 {found}); wanted: {wanted}")
        return path
    raise MissingArchive(
        f"the measured archive {wanted} is not here: put it into {folder}/ or name its folder in {VARIABLE}"
        + (f" (now {os.environ[VARIABLE]})" if len(places) > 1 else " (now not set)")
        + "; everything else runs without it when measured_tasks is empty"
    )


def read_archive(path: Path, member: str, trial: int) -> Recording:
    """One trial of a member, read in memory: columns trial, t, then n coordinates and n velocities, below a line of names.

    The velocities stand for momenta: masses and lengths are in the units that make them 1 (Schmidt, Lipson 2009, supplement).
    """
    with zipfile.ZipFile(path) as archive:
        if member not in archive.namelist():
            raise MissingArchive(f"{path}: has no member {member!r}; it has: {', '.join(archive.namelist())}")
        rows = np.loadtxt(BytesIO(archive.read(member)), comments="%")
    rows = rows[rows[:, 0] == trial]
    return Recording(rows[:, 1], rows[:, 2:])


def observe(recording: Recording, derivative: Literal["central", "forward"]) -> Observations:
    """The recording with dx/dt by differences of neighbours, NaN where one of them lies across a gap or past an end."""
    return Observations(recording.t, recording.x[None], difference(recording.t, recording.x[None], derivative))


def split(
    recording: Recording, derivative: Literal["central", "forward", "published"], test: float
) -> tuple[Observations, Observations, Recording]:
    """(training data, test data, the recording of the test part): the last fraction `test` of the rows is for testing.

    Differences are taken after the split, so none spans it, except as published: see `as_published`.
    """
    if derivative == "published":
        return as_published(recording, test)
    cut = round((1 - test) * len(recording.t))
    train, rest = recording.part(slice(cut)), recording.part(slice(cut, None))
    return observe(train, derivative), observe(rest, derivative), rest


def as_published(recording: Recording, test: float) -> tuple[Observations, Observations, Recording]:
    """The same by the published program, slips included (experiment-real/data.py).

    Forward differences, across gaps and the split too; the last row has none and goes. Of the n others the first
    ⌊(1 - test) n⌋ are for training and the next ⌊test n⌋ for testing, and what rounding leaves at the end trains as well.
    """
    steps, count = np.diff(recording.t)[:, None], len(recording.t) - 1
    every = Observations(recording.t[:-1], recording.x[None, :-1], (np.diff(recording.x, axis=0) / steps)[None])
    cut = int(count * (1 - test))
    end = cut + int(count * (1 - (1 - test)))  # in floating point less than count · test, which decides the rounding
    train = np.r_[:cut, end:count]
    part = every.part(time=slice(cut, end))
    return Observations(every.t[train], every.x[:, train], every.dx[:, train]), part, Recording(part.t, part.x[0])


def windows(system: System, recording: Recording, count: int, points: int) -> TrueMotion:
    """`count` windows of `points` rows, evenly spread over the recording, none across a gap, to hold rollouts against.

    `system` serves only to say how long a period is.
    """
    breaks = np.flatnonzero(gaps(recording.t))
    first = np.arange(len(recording.t) - points + 1)
    first = first[[not ((breaks >= i) & (breaks < i + points - 1)).any() for i in first]]
    if len(first) < count:
        raise Refused(
            f"{count} windows of {points} rows are asked of a recording of {len(recording.t)} rows with {len(breaks)} gaps, "
            f"which has {max(len(first), 0)}: ask for fewer or shorter ones (simulate.starts, the task's horizon_points)"
        )
    first = first[np.linspace(0, len(first) - 1, count).round().astype(int)]
    x = np.stack([recording.x[i : i + points] for i in first])
    t = recording.t[first[0] : first[0] + points] - recording.t[first[0]]
    return TrueMotion(t, x, system.period(torch.from_numpy(x[:, 0])).numpy())
