"""Metrics of a rollout beside the true motion: errors of energy, coordinates and phase, valid time, divergence.

Diagnostics of a flow without the true motion are in `hnn.evaluation.flow_diagnostics`. Rollouts x̂ have shape
(seeds, starts, time, 2n), the true motion x has (starts, time, 2n); a metric has one value per seed and start, (seeds,
starts); `hnn.core.statistics` computes their mean and interval.
"""

import numpy as np
from numpy import ndarray

__all__ = [
    "coordinate_error",
    "diverged",
    "energy_change",
    "energy_drift",
    "energy_error",
    "energy_error_max",
    "energy_mse",
    "energy_variation",
    "impossible_energy",
    "invariant_error",
    "phase_error",
    "published_energy",
    "relative_distance",
    "root_mean_square",
    "valid_time",
]

VALID = 0.1
"""Relative distance from the true motion beyond which a rollout is no longer valid."""

FAR = 10.0
"""A rollout has diverged where a component exceeds this many times the largest |component| in the data."""

FAR_ENERGY = 1000.0
"""A rollout has diverged where its |energy| exceeds this many times the largest |energy| in the data; at `FAR` times the
largest components an energy that is quadratic in them is a hundred times as large."""

DIFFERENCE = 1e-6
"""Half the distance between the starts of the central differences of `symplectic_error`, relative to the size of the start.

Rounding and the third derivative of the flow leave a floor below 1e-8 for a pendulum and 1e-6 for two bodies, which the
truth's row shows.
"""


def energy_mse(model: ndarray, true: ndarray) -> ndarray:
    """Mean over time of (E(x̂(t)) - E(x(t)))², in J² (Greydanus et al. 2019, section 3), of energies (…, time)."""
    return np.square(model - true).mean(-1)


def energy_error(model: ndarray, true: ndarray, energy_std: float) -> ndarray:
    """Mean over time of |E(x̂(t)) - E(x(t))| / energy_std, of energies (…, time).

    `energy_std` is the standard deviation of E over the training states, in J: an error near 1 is as bad as predicting their
    mean energy.
    """
    return np.abs(model - true).mean(-1) / energy_std


def energy_error_max(model: ndarray, true: ndarray, energy_std: float) -> ndarray:
    """Largest |E(x̂(t)) - E(x(t))| / energy_std over time, of energies (…, time); `energy_std` as in `energy_error`."""
    return np.abs(model - true).max(-1) / energy_std


def energy_drift(model: ndarray, true: ndarray, energy_std: float, t: ndarray, period: ndarray) -> ndarray:
    """Least-squares slope over time of (E(x̂(t)) - E(x(t))) / energy_std, per period (starts,) of the motion; signed.

    Of energies (seeds, starts, time) and (starts, time). A bounded oscillation of the error has almost no drift, however
    large.
    """
    clock = t - t.mean()
    return period * ((model - true) @ clock) / (clock @ clock) / energy_std


def energy_change(true: ndarray) -> float:
    """Mean over starts of E(T)/E(0) - 1 along the true motion, of energies (starts, time): 0 for an ideal system."""
    return float((true[:, -1] / true[:, 0] - 1).mean())


def energy_variation(learned: ndarray, learned_std: ndarray) -> ndarray:
    """Mean over time of |H(x̂(t)) - H(x̂(0))| / learned_std, of a learned H along the model's own rollout (seeds, starts, time).

    The error of conservation of a model that has none of friction.

    `learned_std` (seeds,) is the standard deviation of the learned H over the training states; the unknown scale of H cancels.
    """
    return np.abs(learned - learned[..., :1]).mean(-1) / learned_std[:, None]


def invariant_error(model: ndarray, true: ndarray) -> ndarray:
    """Root mean square over time of |I(x̂(t)) - I(x(t))|, of a conserved quantity I (…, time, components), in its unit."""
    return root_mean_square(np.linalg.norm(model - true, axis=-1))


def relative_distance(model: ndarray, true: ndarray) -> ndarray:
    """|x̂(t) - x(t)| over the root mean square of |x| along the true motion, at each time: (seeds, starts, time)."""
    size = np.sqrt(np.square(true).sum(-1).mean(-1, keepdims=True))
    return np.linalg.norm(model - true, axis=-1) / size


def coordinate_error(model: ndarray, true: ndarray) -> ndarray:
    """Root mean square over time of |x̂ - x|, over that of |x|; two unrelated motions of equal size have about √2."""
    return root_mean_square(relative_distance(model, true))


def root_mean_square(distance: ndarray) -> ndarray:
    """Root mean square over time of distances (…, time)."""
    return np.sqrt(np.square(distance).mean(-1))


def valid_time(model: ndarray, true: ndarray, t: ndarray, period: ndarray) -> ndarray:
    """First time at which the relative distance exceeds 0.1, in periods (starts,) of the motion; at most the horizon.

    Resolved to the time grid, hence late by up to one interval; a rollout that never exceeds 0.1 counts with the whole
    horizon.
    """
    wrong = ~(relative_distance(model, true) <= VALID)  # NaN is wrong
    first = np.where(wrong.any(-1), wrong.argmax(-1), len(t) - 1)
    return (t[first] - t[0]) / period


def phase_error(model: ndarray, true: ndarray, t: ndarray, period: ndarray) -> ndarray:
    """Relative error of the frequency, signed: -0.05 is a frequency 5 % too low. NaN where the true motion does not rotate.

    Of paths (seeds, starts, time, 2) and (starts, time, 2) in the plane of `System.plane`. Let s(t) be the time at which the
    true motion has turned through the same angle about the origin as the rollout at t; the error is the least-squares slope of
    s against t through zero, minus 1, while s is within the horizon. A motion rotates if it turns by at least π for each
    period (starts,) that passes: a pendulum that turns over does not. NaN, too, where times are half a period or more apart,
    too far to count turns.

    >>> t = np.linspace(0, 20, 401)
    >>> def circle(frequency):
    ...     return np.stack([np.cos(frequency * t), -np.sin(frequency * t)], axis=-1)
    >>> error = phase_error(circle(0.95)[None, None], circle(1.0)[None], t, np.array([2 * np.pi]))
    >>> round(error.item(), 4)
    -0.05
    """
    size, clock = np.sqrt(np.square(true).mean(-2, keepdims=True)), t - t[0]
    angle, true_angle = turned(model / size), turned(true / size)
    direction = np.sign(true_angle[:, -1:])
    angle, true_angle = direction * angle, np.maximum.accumulate(direction * true_angle, -1)
    s = np.array([[np.interp(a, b, clock) for a, b in zip(seed, true_angle, strict=True)] for seed in angle])
    weights = clock * (angle <= true_angle[:, -1:])
    known = (true_angle[:, -1] >= np.pi * clock[-1] / period) & (np.diff(t).max() < period / 2) & weights.any(-1)
    return np.where(known, (s * weights).sum(-1) / np.where(known, (clock * weights).sum(-1), 1) - 1, np.nan)


def turned(path: ndarray) -> ndarray:
    """Angle in radians, (…, time), through which a path (…, time, 2) in a plane has turned about the origin."""
    angle = np.unwrap(np.arctan2(path[..., 1], path[..., 0]))
    return angle - angle[..., :1]


def diverged(model: ndarray, size: float) -> ndarray:
    """1 where a rollout is non-finite or exceeds `FAR` times `size`, the largest |component| in the data; else 0."""
    return (~(np.abs(model) <= FAR * size)).any((-1, -2)).astype(float)


def impossible_energy(energy: ndarray, largest: float) -> ndarray:
    """True where the energy of a rollout (…, time) exceeds `FAR_ENERGY` times the `largest` |energy| in the data; (…,).

    As after a step over a collision, from which bodies fly apart within the reach of `diverged`.
    """
    return np.asarray((np.abs(energy) > FAR_ENERGY * largest).any(-1))


def published_energy(name: str, energy: ndarray, x: ndarray) -> ndarray:
    """The energy function of a published number, from the true energy (…,) and the states (…, 2n).

    `hamiltonian`: H. `twice_hamiltonian`: 2H. `three_eighths_hamiltonian`: 0.375 H, of the rod pendulum seen in pixels.
    `squared_radius`: |x|², which the published pendulum uses; the true motion does not conserve it, so it measures phase as
    much as energy.
    """
    factors = {"hamiltonian": 1.0, "twice_hamiltonian": 2.0, "three_eighths_hamiltonian": 0.375}
    return np.square(x).sum(-1) if name == "squared_radius" else factors[name] * energy
