"""Preparation of the trials of a recording for training: gaps, held-out trials, segments."""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy import ndarray

from hnn.core.errors import Refused
from hnn.core.trajectories import Trial
from hnn.datasets.finite_differences import gaps
from hnn.datasets.smoothing import smoothed

__all__ = ["cut_at_gaps", "derivatives", "hold_out", "segments"]

LEAST = 8
"""Least number of rows of a part between gaps, and of each side of a single trial that is divided."""


SHORT = 0.1
"""A time step of at most this many periods is no gap, however even the others are."""


def cut_at_gaps(trials: Sequence[Trial], period: float) -> list[Trial]:
    """The parts of trials between their gaps, `name` or `name-1`, `name-2` …; parts of fewer than 8 rows are left out.

    A model is rolled out from row to row over the true times, so that only steps longer than a tenth of the period are gaps.
    """
    parts = []
    for trial in trials:
        far = gaps(trial.t) & (np.diff(trial.t) > SHORT * period)
        ends = [0, *(np.flatnonzero(far) + 1).tolist(), len(trial.t)]
        spans = [slice(start, end) for start, end in pairwise(ends) if end - start >= LEAST]
        names = [trial.name] if len(spans) == 1 else [f"{trial.name}-{i + 1}" for i in range(len(spans))]
        parts += [trial.part(rows, name) for rows, name in zip(spans, names, strict=True)]
    if not parts:
        raise Refused(f"the recording has no {LEAST} rows in use without a gap; lower source.every, or record without gaps")
    return parts


def hold_out(trials: Sequence[Trial], test: float | Sequence[str]) -> tuple[list[Trial], list[Trial]]:
    """(training, held-out) trials: those whose names begin with one of `test`, or the last fraction; of a single one its end.

    Raises `Refused` where one of both would be empty.
    """
    if not isinstance(test, float):
        held = [trial for trial in trials if trial.name.startswith(tuple(test))]
        rest = [trial for trial in trials if not trial.name.startswith(tuple(test))]
        if not held or not rest:
            names = ", ".join(trial.name for trial in trials[:20])
            raise Refused(
                f"source.test: given {', '.join(test)}, which holds out {len(held)} of {len(trials)} trials, must leave some "
                f"on both sides; trials: {names}"
            )
        return rest, held
    if len(trials) == 1:
        (trial,) = trials
        cut = round((1 - test) * len(trial.t))
        if min(cut, len(trial.t) - cut) < LEAST:
            raise Refused(f"source.test: given {test}, which leaves fewer than {LEAST} of {len(trial.t)} rows on one side")
        return [trial.part(slice(cut))], [trial.part(slice(cut, None), f"{trial.name}-end")]
    count = min(len(trials) - 1, max(1, round(test * len(trials))))
    return list(trials[:-count]), list(trials[-count:])


def derivatives(trials: Sequence[Trial], period: float) -> tuple[ndarray, ndarray]:
    """States and their time derivatives by local polynomials, see `hnn.datasets.smoothing`: (points, 2n) each."""
    x = np.concatenate([trial.x for trial in trials])
    dx = np.concatenate([smoothed(trial.t, trial.x, period, derivative=1) for trial in trials])
    known = np.isfinite(dx).all(-1)
    return x[known], dx[known]


def segments(trials: Sequence[Trial], k: int) -> tuple[ndarray, ndarray]:
    """Consecutive segments of k intervals of all trials: states (segments, k + 1, 2n) and times (segments, k + 1).

    Neighbours share a state; the last of a trial overlaps the one before. Trials that are shorter are left out.
    """
    spans = []
    for trial in trials:
        last = len(trial.t) - 1 - k
        firsts = [] if last < 0 else [*range(0, last, k), last]
        spans += [trial.part(slice(first, first + k + 1)) for first in firsts]
    if not spans:
        return np.empty((0, k + 1, trials[0].x.shape[1])), np.empty((0, k + 1))
    return np.stack([span.x for span in spans]), np.stack([span.t for span in spans])
