"""Observations and true motions from a measured recording: derivatives by finite differences, split in time."""

import hashlib
import os
import zipfile
import zlib
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from numpy import ndarray

from hnn.core.errors import Refused
from hnn.core.trajectories import Observations, TrueMotion
from hnn.datasets.finite_differences import finite_difference, gaps
from hnn.systems.base import System

__all__ = ["MissingArchive", "Recording", "find_archive", "read_archive", "train_test_split", "windows", "with_derivatives"]

MOST_BYTES = 2**28
"""Largest member of an archive that is read."""

VARIABLE = "HNN_EXTERNAL_DATA"
"""The environment variable that names a folder with measured archives."""


class MissingArchive(Refused, FileNotFoundError):
    """The archive is missing, has another checksum, or lacks the requested member."""


@dataclass(frozen=True)
class Recording:
    """One measured trajectory: times (time,) in seconds, not necessarily equidistant, and states (time, 2n)."""

    t: ndarray
    x: ndarray

    def part(self, time: slice) -> "Recording":
        """The recording at a slice of its times."""
        return Recording(self.t[time], self.x[time])


def find_archive(name: str, sha256: str, folder: Path) -> Path:
    """The path of the file `name` in `folder` or in the folder that HNN_EXTERNAL_DATA names, its checksum verified."""
    folders = [folder] + ([Path(os.environ[VARIABLE])] if os.environ.get(VARIABLE) else [])
    wanted = f"{name} (sha256 {sha256})"
    for path in (folder / name for folder in folders):
        if not path.is_file():
            continue
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        if digest != sha256:
            raise MissingArchive(f"{path} is another file (sha256 {digest}); wanted: {wanted}")
        return path
    raise MissingArchive(
        f"the measured archive {wanted} was not found: put it into {folder}/ or set {VARIABLE} to its folder"
        + (f" (now {os.environ[VARIABLE]})" if len(folders) > 1 else " (now not set)")
        + "; all other tasks run without it if measured_tasks is empty"
    )


def read_archive(path: Path, member: str, trial: int) -> Recording:
    """One trial of an archive's member with columns trial, t, n coordinates and n velocities, and a first line of names.

    Velocities are used as momenta, in units in which masses and lengths are 1 (Schmidt, Lipson 2009, supplement). Raises
    `Refused` for a member that is not there, too large or no such table, and for a trial that it does not have.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            if member not in archive.namelist():
                raise MissingArchive(f"{path}: has no member {member!r}; it has: {', '.join(archive.namelist())}")
            if (size := archive.getinfo(member).file_size) > MOST_BYTES:
                raise Refused(f"{path}: {member} has {size} bytes, at most {MOST_BYTES} are read")
            rows = np.loadtxt(BytesIO(archive.read(member)), comments="%", ndmin=2)
    except (zipfile.BadZipFile, NotImplementedError, zlib.error, EOFError, ValueError) as error:
        raise Refused(f"{path}: {member} cannot be read as numbers: {' '.join(str(error).split())}") from None
    if rows.shape[1] < 4 or rows.shape[1] % 2 or not np.isfinite(rows).all():
        raise Refused(
            f"{path}: {member} has rows of {rows.shape[1]} numbers, must be finite ones: trial, t, positions, velocities"
        )
    trials = np.unique(rows[:, 0])
    if trial not in trials:
        known = ", ".join(f"{one:g}" for one in trials)
        raise Refused(f"{path}: {member} has no trial {trial}; it has: {known}")
    rows = rows[rows[:, 0] == trial]
    return Recording(rows[:, 1], rows[:, 2:])


def with_derivatives(recording: Recording, derivative: Literal["central", "forward"]) -> Observations:
    """The recording as observations with dx/dt by finite differences: see `finite_difference`."""
    return Observations(recording.t, recording.x[None], finite_difference(recording.t, recording.x[None], derivative))


def train_test_split(
    recording: Recording, derivative: Literal["central", "forward", "published"], test: float
) -> tuple[Observations, Observations, Recording]:
    """Training data, test data and the recording of the test part, which is the last fraction `test` of the rows.

    Differences are taken after the split, so none spans it, except for `published`: see `published_split`.
    """
    if derivative == "published":
        return published_split(recording, test)
    cut = round((1 - test) * len(recording.t))
    train, rest = recording.part(slice(cut)), recording.part(slice(cut, None))
    return with_derivatives(train, derivative), with_derivatives(rest, derivative), rest


def published_split(recording: Recording, test: float) -> tuple[Observations, Observations, Recording]:
    """`train_test_split` with the conventions of the published program, including its errors (experiment-real/data.py).

    Forward differences, also across gaps and across the split; the last row has none and is dropped. Of the other n rows the
    first ⌊(1 - test) n⌋ are for training, the next ⌊test n⌋ for testing, and rows left over by rounding are for training.
    """
    steps, count = np.diff(recording.t)[:, None], len(recording.t) - 1
    rows = Observations(recording.t[:-1], recording.x[None, :-1], (np.diff(recording.x, axis=0) / steps)[None])
    cut = int(count * (1 - test))
    end = cut + int(count * (1 - (1 - test)))  # in floating point less than count · test, which decides the rounding
    train_rows = np.r_[:cut, end:count]
    train = Observations(rows.t[train_rows], rows.x[:, train_rows], rows.dx[:, train_rows])
    test_part = rows.part(time=slice(cut, end))
    return train, test_part, Recording(test_part.t, test_part.x[0])


def windows(system: System, recording: Recording, count: int, points: int) -> TrueMotion:
    """True motions for rollouts: `count` evenly distributed windows of `points` rows without gaps.

    `system` is used for the periods only.
    """
    breaks = np.flatnonzero(gaps(recording.t))
    first = np.arange(len(recording.t) - points + 1)
    first = first[[not ((breaks >= i) & (breaks < i + points - 1)).any() for i in first]]
    if len(first) < count:
        raise Refused(
            f"given {count} windows of {points} rows from a recording of {len(recording.t)} rows with {len(breaks)} gaps, "
            f"allowed: at most {max(len(first), 0)}; reduce ingest.starts or the task's horizon_points"
        )
    first = first[np.linspace(0, len(first) - 1, count).round().astype(int)]
    x = np.stack([recording.x[i : i + points] for i in first])
    t = recording.t[first[0] : first[0] + points] - recording.t[first[0]]
    return TrueMotion(t, x, system.period(torch.from_numpy(x[:, 0])).numpy())
