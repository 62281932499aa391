"""What rollouts of one cell are worth: the quantities of `hnn.metrics` by seed and start, and their means and intervals."""

from collections.abc import Callable, Mapping

import numpy as np
import torch
from numpy import ndarray

from hnn.core.statistics import block_error, interval, quartiles
from hnn.core.trajectories import TrueMotion
from hnn.evaluation import metrics
from hnn.evaluation.rollouts import Scales
from hnn.systems.base import System

__all__ = ["named", "published_quantities", "quantities", "summarise"]


def quantities(truth: System, rolled: Mapping[str, ndarray], motion: TrueMotion, scales: Scales) -> dict[str, ndarray]:
    """Each quantity of `hnn.metrics` by seed and start, (seeds, starts); errors of diverged rollouts are NaN."""
    x, energy, true_energy, period = rolled["x"], rolled["energy"], rolled["true_energy"], motion.period
    errors = {
        "energy_mse": metrics.energy_mse(energy, true_energy),
        "energy_error": metrics.energy_error(energy, true_energy, scales.energy),
        "energy_error_max": metrics.energy_error_max(energy, true_energy, scales.energy),
        "energy_drift": metrics.energy_drift(energy, true_energy, scales.energy, motion.t, period),
        "coordinate_error": metrics.coordinate_error(x, motion.x),
        "phase_error": phase(truth, x, motion),
    }
    if scales.learned is not None:
        errors["conserved_error"] = metrics.conserved_error(rolled["learned"], scales.learned)
    lost = metrics.diverged(x, scales.state)
    found = {name: np.where(lost == 1, np.nan, values) for name, values in errors.items()}
    return found | {"valid_time": metrics.valid_time(x, motion.x, motion.t, period), "diverged": lost}


def phase(truth: System, x: ndarray, motion: TrueMotion) -> ndarray:
    """`phase_error` of rollouts x (seeds, starts, time, 2n); NaN for a system whose motions go round in no plane."""
    model, true = (truth.plane(torch.from_numpy(states)) for states in (x, motion.x))
    if model is None or true is None:
        return np.full(x.shape[:2], np.nan)
    return metrics.phase_error(model.numpy(), true.numpy(), motion.t, motion.period)


def published_quantities(rolled: Mapping[str, ndarray], motion: TrueMotion, energy: str) -> dict[str, ndarray]:
    """The quantities of the published protocol, with the energy function that it used and up to where the motion is known.

    `energy_mse` by seed and start, (seeds, starts); `median_start`, of each seed, (seeds, 1); `block_error`, the "±" of each
    seed as published, (seeds, 1); `least_seed` and `most_seed`, the means of the seeds where they are least and most, (1, 1),
    and `least_edge` and `most_edge`, the same with twice the "±" of the seed taken off or added.
    """
    model = metrics.published_energy(energy, rolled["energy"], rolled["x"])
    true = metrics.published_energy(energy, rolled["true_energy"], motion.x)
    squares = np.square(model - true)
    found = squares.mean(-1, where=np.isfinite(true))
    blocks = np.array([[block_error(seed if len(seed) > 1 else at[0])] for seed, at in zip(found, squares, strict=True)])
    seeds = found.mean(-1, keepdims=True)
    return {
        "energy_mse": found,
        "median_start": np.median(found, -1, keepdims=True),
        "block_error": blocks,
        "least_seed": seeds.min(0, keepdims=True),
        "most_seed": seeds.max(0, keepdims=True),
        "least_edge": (seeds - 2 * blocks).min(0, keepdims=True),
        "most_edge": (seeds + 2 * blocks).max(0, keepdims=True),
    }


def summarise(
    quantities: Mapping[str, ndarray], generator: Callable[[str], np.random.Generator], draws: int
) -> dict[str, dict[str, float | None]]:
    """Each quantity as {mean, low, high}, by a random stream of its name; of `valid_time` also median and quartiles."""
    found = {name: interval(values, generator(name), draws) for name, values in quantities.items()}
    return found | {name: found[name] | quartiles(quantities[name]) for name in ("valid_time",) if name in found}


def named(quantities: Mapping[str, ndarray]) -> dict[str, ndarray]:
    """The quantities as arrays to be written beside the rollouts that they are of."""
    return {f"quantity.{name}": values for name, values in quantities.items()}
