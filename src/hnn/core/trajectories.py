"""The two kinds of data that pass between stages: what a model learns from, and what its rollouts are held against."""

from dataclasses import dataclass

import numpy as np
from numpy import ndarray

__all__ = ["Observations", "TrueMotion"]


@dataclass(frozen=True)
class Observations:
    """Trajectories to learn from, in float64. Simulated and measured ones look alike."""

    t: ndarray
    """Times in seconds, (time,)."""
    x: ndarray
    """States as observed, noise included, (trajectories, time, 2n)."""
    dx: ndarray
    """Their time derivatives, like x; NaN where none is known, as across a gap of a recording."""

    def points(self) -> tuple[ndarray, ndarray]:
        """The pairs (x, dx) whose derivative is known, each (points, 2n)."""
        known = np.isfinite(self.dx).all(-1)
        return self.x[known], self.dx[known]

    def part(self, trajectories: slice = slice(None), time: slice = slice(None)) -> "Observations":
        """Some of the trajectories, or some of their times."""
        return Observations(self.t[time], self.x[trajectories, time], self.dx[trajectories, time])


@dataclass(frozen=True)
class TrueMotion:
    """What really happens from some initial states, to hold rollouts against; float64, without noise if simulated."""

    t: ndarray
    """Times in seconds, (time,), beginning at 0."""
    x: ndarray
    """States, (starts, time, 2n)."""
    period: ndarray
    """Period in seconds of the motion from each start, (starts,)."""
