"""What a rollout is worth beside the true motion: errors of energy, coordinates and phase, and how long it holds.

What a flow is worth by itself, without the truth, is in `hnn.flow`. Rollouts x̂ have shape (seeds, starts, time, 2n), the true
motion x has (starts, time, 2n); a quantity has one value per seed and start, shape (seeds, starts), of which `hnn.statistics`
makes {mean, low, high}.
"""

import numpy as np
from numpy import ndarray

__all__ = [
    "conserved_error",
    "coordinate_error",
    "diverged",
    "energy_change",
    "energy_drift",
    "energy_error",
    "energy_error_max",
    "energy_mse",
    "phase_error",
    "published_energy",
    "relative_distance",
    "valid_time",
]

VALID = 0.1
"""The relative coordinate error at which a rollout is no longer valid."""

FAR = 10.0
"""How many times the size of the data a rollout may reach before it is lost."""


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

    Of energies (seeds, starts, time) and (starts, time). An error that swings within bounds has next to none, however large.
    """
    clock = t - t.mean()
    return period * ((model - true) @ clock) / (clock @ clock) / energy_std


def energy_change(true: ndarray) -> float:
    """Mean over starts of E(T)/E(0) - 1 along the true motion, of energies (starts, time): 0 for an ideal system."""
    return float((true[:, -1] / true[:, 0] - 1).mean())


def conserved_error(learned: ndarray, learned_std: ndarray) -> ndarray:
    """Mean over time of |H(x̂(t)) - H(x̂(0))| / learned_std, of a learned H along the model's own rollout (seeds, starts, time).

    `learned_std` (seeds,) is the standard deviation of the learned H over the training states; the unknown scale of H cancels.
    """
    return np.abs(learned - learned[..., :1]).mean(-1) / learned_std[:, None]


def relative_distance(model: ndarray, true: ndarray) -> ndarray:
    """|x̂(t) - x(t)| over the root mean square of |x| along the true motion, at each time: (seeds, starts, time)."""
    size = np.sqrt(np.square(true).sum(-1).mean(-1, keepdims=True))
    return np.linalg.norm(model - true, axis=-1) / size


def coordinate_error(model: ndarray, true: ndarray) -> ndarray:
    """Root mean square over time of |x̂ - x|, over that of |x|; two unrelated motions of equal size have about √2."""
    return np.sqrt(np.square(relative_distance(model, true)).mean(-1))


def valid_time(model: ndarray, true: ndarray, t: ndarray, period: ndarray) -> ndarray:
    """First time at which the relative distance passes 0.1, in periods (starts,) of the motion; at most the horizon.

    Read off the time grid, hence late by up to one interval; a rollout that never passes 0.1 counts with the whole horizon.
    """
    wrong = ~(relative_distance(model, true) <= VALID)  # NaN is wrong
    first = np.where(wrong.any(-1), wrong.argmax(-1), len(t) - 1)
    return (t[first] - t[0]) / period


def phase_error(model: ndarray, true: ndarray, t: ndarray, period: ndarray) -> ndarray:
    """Relative error of the frequency, signed: -0.05 is a clock that is 5 % slow. NaN where the true motion does not go round.

    Of paths (seeds, starts, time, 2) and (starts, time, 2) in the plane of `System.plane`. A rollout tells the time s(t) at
    which the true motion has turned as far about the origin; the error is the least-squares slope of s against t through zero,
    minus 1, while s is within the horizon. A motion goes round if it turns by at least half of 2π for each period (starts,)
    that passes: a pendulum that turns over does not. NaN, too, where times are half a period apart, too far to count turns.
    """
    size, clock = np.sqrt(np.square(true).mean(-2, keepdims=True)), t - t[0]
    swept, truly = turned(model / size), turned(true / size)
    way = np.sign(truly[:, -1:])
    swept, truly = way * swept, np.maximum.accumulate(way * truly, -1)
    told = np.array([[np.interp(a, b, clock) for a, b in zip(seed, truly, strict=True)] for seed in swept])
    weights = clock * (swept <= truly[:, -1:])
    known = (truly[:, -1] >= np.pi * clock[-1] / period) & (np.diff(t).max() < period / 2) & weights.any(-1)
    return np.where(known, (told * weights).sum(-1) / np.where(known, (clock * weights).sum(-1), 1) - 1, np.nan)


def turned(path: ndarray) -> ndarray:
    """The angle in radians, (…, time), through which a path (…, time, 2) in a plane has turned about the origin."""
    angle = np.unwrap(np.arctan2(path[..., 1], path[..., 0]))
    return angle - angle[..., :1]


def diverged(model: ndarray, size: float) -> ndarray:
    """1 where a rollout became non-finite or had a component beyond ten times `size`, the largest in the data; else 0."""
    return (~(np.abs(model) <= FAR * size)).any((-1, -2)).astype(float)


def published_energy(name: str, energy: ndarray, x: ndarray) -> ndarray:
    """The energy function by which the published number was obtained, from the true energy (…,) and the states (…, 2n).

    `hamiltonian`: H. `twice_hamiltonian`: 2H. `three_eighths_hamiltonian`: 0.375 H, of the rod pendulum seen in pixels.
    `squared_radius`: |x|², which the published pendulum uses; it is not conserved
    by the true motion, hence measures phase as much as energy.
    """
    factors = {"hamiltonian": 1.0, "twice_hamiltonian": 2.0, "three_eighths_hamiltonian": 0.375}
    return np.square(x).sum(-1) if name == "squared_radius" else factors[name] * energy
