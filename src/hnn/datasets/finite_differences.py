"""Time derivatives of observed states by finite differences."""

from typing import Literal

import numpy as np
from numpy import ndarray

__all__ = ["finite_difference", "gaps"]

GAP = 1.5
"""A time step longer than this many median steps is a gap."""


def gaps(t: ndarray) -> ndarray:
    """Mask, (time - 1,), of the steps between the times t (time,) that are gaps.

    >>> gaps(np.array([0.0, 1.0, 2.0, 5.0])).tolist()
    [False, False, True]
    """
    steps = np.diff(t)
    return steps > GAP * np.median(steps)


def finite_difference(t: ndarray, x: ndarray, derivative: Literal["central", "forward"]) -> ndarray:
    """dx/dt of states x (…, time, 2n), NaN where a required neighbour lies across a gap or beyond an end.

    `central`: (x[i+1] - x[i-1]) / (t[i+1] - t[i-1]), of second order. `forward`: (x[i+1] - x[i]) / (t[i+1] - t[i]), as
    published for measured data: a model fitted to it learns the Euler map, not the field.

    >>> t = np.array([0.0, 1.0, 2.0])
    >>> finite_difference(t, t[:, None] ** 2, "central").ravel().tolist()
    [nan, 2.0, nan]
    """
    has_next = np.append(~gaps(t), False)[:, None]
    has_previous = np.insert(has_next[:-1], 0, False, axis=0)
    t = t[:, None]
    t_next, x_next = np.roll(t, -1, 0), np.roll(x, -1, -2)
    if derivative == "forward":
        return np.where(has_next, (x_next - x) / (t_next - t), np.nan)
    return np.where(has_next & has_previous, (x_next - np.roll(x, 1, -2)) / (t_next - np.roll(t, 1, 0)), np.nan)
