"""Derivatives of what was observed, by differences of neighbouring times."""

from typing import Literal

import numpy as np
from numpy import ndarray

__all__ = ["difference", "gaps"]

GAP = 1.5
"""A step longer than this many median steps is a gap."""


def gaps(t: ndarray) -> ndarray:
    """Whether the step after each of the times t (time,) but the last is a gap, (time - 1,)."""
    steps = np.diff(t)
    return steps > GAP * np.median(steps)


def difference(t: ndarray, x: ndarray, derivative: Literal["central", "forward"]) -> ndarray:
    """dx/dt of states x (…, time, 2n), NaN where a neighbour that is needed lies across a gap or past an end.

    `central`: (x[i+1] - x[i-1]) / (t[i+1] - t[i-1]), of second order. `forward`: (x[i+1] - x[i]) / (t[i+1] - t[i]), as
    published for measured data: a regressor of it has learned an Euler map, not the field.
    """
    after = np.append(~gaps(t), False)[:, None]  # whether the next time is a neighbour
    before = np.insert(after[:-1], 0, False, axis=0)
    t = t[:, None]
    t_next, x_next = np.roll(t, -1, 0), np.roll(x, -1, -2)
    if derivative == "forward":
        return np.where(after, (x_next - x) / (t_next - t), np.nan)
    return np.where(after & before, (x_next - np.roll(x, 1, -2)) / (t_next - np.roll(t, 1, 0)), np.nan)
