"""What a rollout is worth: errors of energy and coordinates, horizons, and intervals over seeds and starts.

Rollouts x̂ have shape (seeds, starts, time, 2n), the true motion x has (starts, time, 2n); a quantity has one value per seed
and start, shape (seeds, starts), of which `hnn.statistics` makes {mean, low, high}.
"""

import numpy as np
from numpy import ndarray

__all__ = [
    "conserved_error",
    "coordinate_error",
    "diverged",
    "energy_change",
    "energy_error",
    "energy_mse",
    "published_energy",
    "relative_distance",
    "valid_time",
]

VALID = 0.1
"""The relative coordinate error at which a rollout is no longer valid."""


def energy_mse(model: ndarray, true: ndarray) -> ndarray:
    """Mean over time of (E(x̂(t)) - E(x(t)))², in J² (Greydanus et al. 2019, section 3), of energies (…, time)."""
    return np.square(model - true).mean(-1)


def energy_error(model: ndarray, true: ndarray, spread: float) -> ndarray:
    """Mean over time of |E(x̂(t)) - E(x(t))| / spread, of energies (…, time).

    `spread` is the standard deviation of E over the training states, in J: an error of 1 is to know no more of the energy than
    which data set it belongs to.
    """
    return np.abs(model - true).mean(-1) / spread


def energy_change(true: ndarray) -> float:
    """Mean over starts of E(T)/E(0) - 1 along the true motion, of energies (starts, time): 0 for an ideal system."""
    return float((true[:, -1] / true[:, 0] - 1).mean())


def conserved_error(learned: ndarray, spread: ndarray) -> ndarray:
    """Mean over time of |H(x̂(t)) - H(x̂(0))| / spread, of a learned H along the model's own rollout (seeds, starts, time).

    `spread` (seeds,) is the standard deviation of the learned H over the training states, so that its unknown scale cancels.
    """
    return np.abs(learned - learned[..., :1]).mean(-1) / spread[:, None]


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


def diverged(model: ndarray, size: float) -> ndarray:
    """1 where a rollout became non-finite or had a component beyond ten times `size`, the largest in the data; else 0."""
    return (~(np.abs(model) <= 10 * size)).any((-1, -2)).astype(float)


def published_energy(name: str, energy: ndarray, x: ndarray) -> ndarray:
    """The energy function by which the published number was obtained, from the true energy (…,) and the states (…, 2n).

    `hamiltonian`: H. `twice_hamiltonian`: 2H. `three_eighths_hamiltonian`: 0.375 H, of the rod pendulum seen in pixels.
    `squared_radius`: |x|², which the published pendulum uses; it is not conserved
    by the true motion, hence measures phase as much as energy.
    """
    factors = {"hamiltonian": 1.0, "twice_hamiltonian": 2.0, "three_eighths_hamiltonian": 0.375}
    return np.square(x).sum(-1) if name == "squared_radius" else factors[name] * energy
