"""Runs that are given as arrays, checked."""

from typing import Any

import numpy as np
import torch
from numpy import ndarray

from hnn.core.errors import Refused
from hnn.core.trajectories import Trial

__all__ = ["trials_of_arrays"]


def trials_of_arrays(x: Any, t: Any) -> list[Trial]:
    """The runs of states x at times t, named by their numbers from 0.

    x is (time, 2n), positions then momenta, or (runs, time, 2n), or a list of runs; t is (time,) in s, for all runs alike, a
    list of the times of each, or the step between rows. Arrays may be NumPy's or PyTorch's. Raises `Refused` for other shapes,
    for values that are not finite numbers, and for times that do not increase.

    >>> [trial.q.shape for trial in trials_of_arrays([np.ones((5, 2)), np.ones((3, 2))], 0.1)]
    [(5, 1), (3, 1)]
    """
    several = x.ndim == 3 if hasattr(x, "ndim") else isinstance(x, list | tuple) and len(x) > 0 and dimensions(x[0]) == 2
    runs = [numbers(f"x, run {i}", one) for i, one in enumerate(x if several else [x])]
    if dimensions(t) == 0:
        step = float(numbers("t", t))
        times = [step * np.arange(len(run) if run.ndim else 0) for run in runs]
    elif several and dimensions(t[0]) == 1:
        times = [numbers(f"t, run {i}", one) for i, one in enumerate(t)]
    else:
        times = [numbers("t", t)] * len(runs)
    if len(times) != len(runs):
        raise Refused(f"t: given times of {len(times)} runs, x has {len(runs)}")
    trials = [trial_of(str(i), one, at) for i, (one, at) in enumerate(zip(runs, times, strict=True))]
    for i, run in enumerate(runs):
        if run.shape[1] != runs[0].shape[1]:
            raise Refused(f"x, run {i}: has {run.shape[1]} columns, must be {runs[0].shape[1]}, as in run 0")
    return trials


def dimensions(values: Any) -> int:
    """Number of dimensions of an array, or of nested lists by their first items."""
    if hasattr(values, "ndim"):
        return int(values.ndim)
    return 1 + (dimensions(values[0]) if len(values) else 0) if isinstance(values, list | tuple) else 0


def numbers(name: str, values: Any) -> ndarray:
    """Values as an array in float64; raises `Refused`, with the name, for what are no real numbers."""
    if isinstance(values, torch.Tensor):
        values = values.detach().cpu().numpy()
    try:
        array = np.asarray(values)
        if array.dtype.kind not in "biufO":
            raise ValueError
        return np.array(array, float)
    except (TypeError, ValueError):
        raise Refused(f"{name}: must be an array of real numbers, whose rows have the same length") from None


def trial_of(name: str, x: ndarray, t: ndarray) -> Trial:
    """One run; raises `Refused` for shapes, values and times that are none of a run."""
    if x.ndim != 2 or x.shape[1] % 2 or x.shape[1] == 0:
        raise Refused(f"x, run {name}: has the shape {x.shape}, must be (time, 2n): n positions, then n momenta or velocities")
    if t.shape != x.shape[:1]:
        raise Refused(f"t, run {name}: has the shape {t.shape}, must be ({len(x)},), as x has {len(x)} rows")
    for what, values in (("x", x), ("t", t[:, None])):
        if not np.isfinite(values).all():
            row = int(np.argmin(np.isfinite(values).all(1)))
            raise Refused(f"{what}, run {name}: row {row} is not finite; leave such rows out: a gap is allowed")
    if not (np.diff(t) > 0).all():
        row = int(np.argmin(np.diff(t) > 0)) + 1
        raise Refused(f"t, run {name}: row {row} is not later than the one before")
    q, p = np.split(x, 2, axis=1)
    return Trial(name, t, q, p)
