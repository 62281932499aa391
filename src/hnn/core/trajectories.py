"""Trajectories that pass between stages: observations for training, true motions as the reference, rollouts of models."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

import numpy as np
from numpy import ndarray

__all__ = [
    "CellRollouts",
    "Counterfactual",
    "Observations",
    "Portrait",
    "Prediction",
    "Rollout",
    "Trial",
    "TrueMotion",
    "Visuals",
    "of_seed",
    "of_seeds",
]

T = TypeVar("T")


def of_seed(draws: Sequence[T], seed: int) -> T:
    """The training data of a seed: its own draw, or the only one, which all seeds share.

    >>> of_seed(["its own", "another"], 0), of_seed(["for all"], 3)
    ('its own', 'for all')
    """
    return draws[0] if len(draws) == 1 else draws[seed]


def of_seeds(draws: Sequence[T], seeds: Sequence[int]) -> list[T]:
    """The training data of several seeds: a draw of each, or the only one once."""
    return list(draws) if len(draws) == 1 else [draws[seed] for seed in seeds]


@dataclass(frozen=True)
class Observations:
    """Simulated or measured trajectories for training, in float64."""

    t: ndarray
    """Times in seconds, (time,)."""
    x: ndarray
    """States as observed, noise included, (trajectories, time, 2n)."""
    dx: ndarray
    """Time derivatives of the states, (trajectories, time, 2n); NaN where unknown, as across a gap of a recording."""

    def points(self) -> tuple[ndarray, ndarray]:
        """States x and derivatives dx, each (points, 2n), wherever the derivative is known."""
        known = np.isfinite(self.dx).all(-1)
        return self.x[known], self.dx[known]

    def part(self, trajectories: slice = slice(None), time: slice = slice(None)) -> "Observations":
        """A slice of the trajectories, of their times, or of both."""
        return Observations(self.t[time], self.x[trajectories, time], self.dx[trajectories, time])


@dataclass(frozen=True)
class Trial:
    """One run of a recording, in float64, with times as measured: not necessarily equidistant, but increasing."""

    name: str
    t: ndarray
    """Times in seconds, (time,)."""
    q: ndarray
    """Positions, (time, n)."""
    p: ndarray | None
    """Momenta, which are velocities where the mass is not known, (time, n); None if they were not recorded."""

    @property
    def momenta(self) -> ndarray:
        """The momenta, (time, n), of a trial that has them."""
        assert self.p is not None
        return self.p

    @property
    def x(self) -> ndarray:
        """The states, (time, 2n)."""
        return np.concatenate([self.q, self.momenta], -1)

    def part(self, time: slice, name: str | None = None) -> "Trial":
        """The trial at a slice of its times, with a name of its own."""
        p = None if self.p is None else self.p[time]
        return Trial(name or self.name, self.t[time], self.q[time], p)


@dataclass(frozen=True)
class Prediction:
    """A recorded run with the rollouts of all seeds of a model from its first state."""

    t: ndarray
    """Times in seconds, (time,), beginning at 0."""
    x: ndarray
    """Recorded states, (time, 2n)."""
    rollout: ndarray
    """Predicted states, (seeds, time, 2n); NaN after a divergence."""
    recorded_energy: ndarray | None = None
    """Learned H of the recorded states, up to a constant, (seeds, time); None for a model that learns no energy."""
    energy: ndarray | None = None
    """Learned H of the predicted states, (seeds, time)."""


@dataclass(frozen=True)
class TrueMotion:
    """The true trajectories from a set of starts, in float64; without noise if simulated."""

    t: ndarray
    """Times in seconds, (time,), beginning at 0."""
    x: ndarray
    """States, (starts, time, 2n)."""
    period: ndarray
    """Period in seconds of the motion from each start, (starts,)."""

    def first(self, count: int) -> "TrueMotion":
        """The motion at its first `count` times."""
        return TrueMotion(self.t[:count], self.x[:, :count], self.period)


@dataclass(frozen=True)
class Rollout:
    """Trajectories of all seeds of a model from one set of starts, with their deviation from the true motion."""

    t: ndarray
    """Times in seconds, (time,)."""
    x: ndarray
    """States, (seeds, starts, time, 2n); from pixels, as read from the latent states."""
    energy: ndarray
    """True energy of x in joules, (seeds, starts, time)."""
    true_energy: ndarray
    """True energy of the true motion in joules, (starts, time)."""
    distance: ndarray
    """|x - true x| over the root mean square of |true x|, (seeds, starts, time)."""
    energy_scale: float
    """Standard deviation of the true energy over the training data, in joules."""
    learned: ndarray | None = None
    """Learned H of x, up to a constant, (seeds, starts, time); None for a model that learns no energy."""
    z: ndarray | None = None
    """Latent states, (seeds, starts, time, latent); None if states are observed."""
    quantities: Mapping[str, ndarray] = field(default_factory=dict)
    """Metrics by name, (seeds, starts)."""


@dataclass(frozen=True)
class Portrait:
    """A learned H over a grid of its two latent coordinates."""

    q: ndarray  # (columns,)
    p: ndarray  # (rows,)
    energy: ndarray  # (rows, columns)


@dataclass(frozen=True)
class Counterfactual:
    """A latent motion to which energy is added midway along ∇H."""

    z: ndarray
    """Latent states, (time, latent)."""
    energy: ndarray
    """Learned H, (time,)."""
    decoded: ndarray
    """Decoded frames, bytes, (time, channels, size, size)."""
    phases: ndarray
    """Numbers of frames before, while and after energy is added, (3,)."""


@dataclass(frozen=True)
class Visuals:
    """Arrays that the report draws of a pixel cell: its first seed from the first held-out start."""

    film: Mapping[str, ndarray]
    """Frames, bytes, (time, channels, size, size): `true`; `decoded` from the rollout by the trained map; `continuous`,
    decoded from the rollout of the learned differential equation by dop853."""
    portrait: Portrait | None = None
    counterfactual: Counterfactual | None = None
    """Both None for a model without an energy or with more than two latents."""


@dataclass(frozen=True)
class CellRollouts:
    """All rollouts of a cell by set of starts, and from pixels the arrays of its figures."""

    sets: Mapping[str, Rollout]
    visuals: Visuals | None = None

    @property
    def longest(self) -> Rollout:
        """The rollouts over the long horizon, or the held-out ones where there are none."""
        return self.sets.get("long", self.sets["held_out"])
