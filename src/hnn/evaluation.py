"""One cell against the true motion: roll out every seed from every start, and measure."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy import ndarray

from hnn import integrators, metrics
from hnn.model import Ensemble
from hnn.statistics import interval
from hnn.system import System
from hnn.trajectories import Observations, TrueMotion

__all__ = ["Scales", "describe", "published_quantities", "quantities", "roll", "scales", "summarise"]


@dataclass(frozen=True)
class Scales:
    """What errors are held against: the size of things in the training data."""

    energy: float
    """Standard deviation of the true H over the training states, in J."""
    learned: ndarray | None
    """The same of each seed's learned H, (seeds,); None for a model without one."""
    state: float
    """Largest |component| of the training states."""


@torch.no_grad()
def scales(truth: System, ensemble: Ensemble, train: Observations) -> Scales:
    """The scales of a cell, over all training states as observed."""
    x = torch.from_numpy(train.x)
    every = x.expand(len(ensemble.members), *x.shape).to(ensemble.device)
    learned = ensemble.hamiltonian(every).flatten(1).std(1).cpu().numpy() if ensemble.learns_energy else None
    return Scales(float(truth.hamiltonian(x).std()), learned, float(x.abs().max()))


@torch.no_grad()
def roll(
    truth: System, ensemble: Ensemble, motion: TrueMotion, scales: Scales, method: Mapping[str, Any]
) -> dict[str, ndarray]:
    """The rollouts of every seed from every start of the true motion, by `method`, the options of `integrators.rollout`.

    As arrays: t (time,), x (seeds, starts, time, 2n), the true energy of x and of the true motion, the
    scale of energies, the relative distance from the true motion, and the learned H of x if there is one.
    """
    t, x0 = torch.from_numpy(motion.t), torch.from_numpy(motion.x[:, 0])
    starts = x0.expand(len(ensemble.members), *x0.shape).to(ensemble.device)
    x = integrators.rollout(ensemble, starts, t, **method)
    learned = ensemble.hamiltonian(x).cpu().numpy() if ensemble.learns_energy else None
    return describe(truth, x.cpu().numpy(), motion, scales, learned)


@torch.no_grad()
def describe(truth: System, x: ndarray, motion: TrueMotion, scales: Scales, learned: ndarray | None) -> dict[str, ndarray]:
    """The arrays of `roll` for rollouts x (seeds, starts, time, 2n) and the learned H along them, however they came about."""
    arrays = {
        "t": motion.t,
        "x": x,
        "energy": truth.hamiltonian(torch.from_numpy(x)).numpy(),
        "true_energy": truth.hamiltonian(torch.from_numpy(motion.x)).numpy(),
        "distance": metrics.relative_distance(x, motion.x),
        "energy_scale": np.array(scales.energy),
    }
    return arrays if learned is None else arrays | {"learned": learned}


def quantities(rolled: Mapping[str, ndarray], motion: TrueMotion, scales: Scales) -> dict[str, ndarray]:
    """Each quantity of `hnn.metrics` by seed and start, (seeds, starts); errors of diverged rollouts are NaN."""
    x, energy, true_energy = rolled["x"], rolled["energy"], rolled["true_energy"]
    lost = metrics.diverged(x, scales.state)
    errors = {
        "energy_mse": metrics.energy_mse(energy, true_energy),
        "energy_error": metrics.energy_error(energy, true_energy, scales.energy),
        "coordinate_error": metrics.coordinate_error(x, motion.x),
    }
    if scales.learned is not None:
        errors["conserved_error"] = metrics.conserved_error(rolled["learned"], scales.learned)
    found = {name: np.where(lost == 1, np.nan, values) for name, values in errors.items()}
    return found | {"valid_time": metrics.valid_time(x, motion.x, motion.t, motion.period), "diverged": lost}


def published_quantities(rolled: Mapping[str, ndarray], motion: TrueMotion, energy: str) -> dict[str, ndarray]:
    """The quantity of the published protocol by seed and start, (seeds, starts), with the energy function that it used."""
    model = metrics.published_energy(energy, rolled["energy"], rolled["x"])
    true = metrics.published_energy(energy, rolled["true_energy"], motion.x)
    return {"energy_mse": metrics.energy_mse(model, true)}


def summarise(
    quantities: dict[str, ndarray], generator: np.random.Generator, draws: int
) -> dict[str, dict[str, float | None]]:
    """Each quantity as {mean, low, high}."""
    return {name: interval(values, generator, draws) for name, values in quantities.items()}
