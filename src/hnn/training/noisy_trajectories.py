"""Noisy trajectories to learn from, with their inputs free: the objective of errors in variables.

A derivative that is regressed on noisy states is attenuated, however many they are. Instead, trajectories x̂ of the model are
fitted to the states, and derivatives are matched at the fitted states (errors in variables: Fuller 1987, chapter 3).
"""

from dataclasses import dataclass
from math import ceil
from typing import Literal

import torch
from torch import Tensor

from hnn.core.trajectories import Observations
from hnn.integrators.fixed_step import FIXED_STEP, ImplicitMidpoint, Step, Substeps, steps_within

__all__ = ["METHODS", "NoisyTrajectories", "TrajectoryOptions", "weighted_square"]


METHODS: dict[str, Step] = {**FIXED_STEP, "implicit_midpoint": ImplicitMidpoint(tolerance=1e-7)}
"""One-step methods by name; the iteration ends above the rounding error of the differences in `Model.linearised`."""


@dataclass(frozen=True)
class TrajectoryOptions:
    """Options of the losses `trajectory` and `joint`, whose initial states are fitted too."""

    loss: Literal["derivative", "trajectory", "joint"]
    derivative_weight: float
    """Weight of |f(x̂) - dx|² beside |x̂ - x|² in the loss `joint`: the variance of x over that of dx, in s²."""
    segment: int
    """Intervals between observations in a segment of multiple shooting by descent."""
    integrator: str
    """A key of `METHODS`."""
    step: float
    """Largest step of the integrator in seconds."""

    def method(self, intervals: Tensor) -> Step:
        """The map over each of the intervals in seconds: as many equal steps as the longest needs."""
        count = steps_within(float(intervals.max()), self.step)
        method = METHODS[self.integrator]
        return method if count == 1 else Substeps(method, count)

    @property
    def weight(self) -> float:
        """The weight of derivatives: 0 for the loss `trajectory`, which uses none."""
        return self.derivative_weight if self.loss == "joint" else 0.0


@dataclass(frozen=True)
class NoisyTrajectories:
    """Observed trajectories as tensors; derivatives that are unknown or not used have the weight 0."""

    x: Tensor
    """States, (trajectories, time, 2n)."""
    dx: Tensor
    """Their time derivatives, zero where unknown, shaped like x."""
    weight: Tensor
    """Weight of each derivative, (trajectories, time, 1)."""
    intervals: Tensor
    """Seconds between observations, (time - 1, 1)."""

    @classmethod
    def of(cls, observations: Observations, weight: float, like: Tensor) -> "NoisyTrajectories":
        """The observations with the dtype and on the device of `like`; `weight` is that of known derivatives."""
        t, x, dx = (torch.from_numpy(a).to(like) for a in (observations.t, observations.x, observations.dx))
        known = dx.isfinite().all(-1, keepdim=True)
        return cls(x, torch.where(known, dx, 0.0), weight * known.to(x), t.diff()[:, None])

    def spread(self, most: int) -> "NoisyTrajectories":
        """At most `most` of the trajectories, evenly spread."""
        step = ceil(len(self.x) / most)
        return NoisyTrajectories(self.x[::step], self.dx[::step], self.weight[::step], self.intervals)


def weighted_square(difference: Tensor, weight: Tensor) -> Tensor:
    """Mean of w |d|² over all components of d (*batch, 2n), with weights (*batch, 1)."""
    return (weight * difference.square()).mean()
