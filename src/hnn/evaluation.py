"""One cell against the true motion: roll out every seed from every start, and measure."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import torch
from numpy import ndarray
from torch import Tensor

from hnn import integrators, metrics
from hnn.chunks import Spread, one_by_one
from hnn.model import Ensemble, Model
from hnn.statistics import block_error, interval, quartiles
from hnn.system import System
from hnn.trajectories import Observations, TrueMotion

__all__ = [
    "Exact",
    "Scales",
    "describe",
    "named",
    "nearby",
    "published_quantities",
    "quantities",
    "roll",
    "scales",
    "summarise",
]

NEARBY = 1e-4
"""How far beside the truth a second truth starts where motions are chaotic, over their size."""


@dataclass(frozen=True)
class Scales:
    """What errors are held against: the size of things in the training data."""

    energy: float
    """Standard deviation of the true H over the training states, in J."""
    learned: ndarray | None
    """The same of each seed's learned H, (seeds,); None for a model without one."""
    state: float
    """Largest |component| of the training states."""


class Exact(Ensemble):
    """The exact field in a model's place, as a single seed: what it scores is the floor of every metric."""

    def __init__(self, truth: System) -> None:
        self.members = [truth]  # type: ignore[list-item]

    @property
    def device(self) -> torch.device:
        """Systems have no weights to be moved."""
        return torch.device("cpu")


@torch.no_grad()
def scales(truth: System, ensemble: Ensemble, train: Observations) -> Scales:
    """The scales of a cell, over all training states as observed."""
    x = torch.from_numpy(train.x)
    every = x.expand(len(ensemble.members), *x.shape).to(ensemble.device)
    learned = ensemble.hamiltonian(every).flatten(1).std(1).cpu().numpy() if ensemble.learns_energy else None
    return Scales(float(truth.hamiltonian(x).std()), learned, float(x.abs().max()))


Chunk = tuple[Model, Tensor]
"""One seed's model and some of the starts: what is rolled out at a time, by itself."""


def roll(
    truth: System,
    ensemble: Ensemble,
    motion: TrueMotion,
    scales: Scales,
    method: Mapping[str, Any],
    *,
    x0: ndarray | None = None,
    chunk: int = 100,
    spread: Spread = one_by_one,
) -> dict[str, ndarray]:
    """The rollouts of every seed from every start of the true motion, by `method`, the options of `integrators.rollout`.

    Or from `x0` (starts, 2n), near those of the true motion.

    As arrays: t (time,), x (seeds, starts, time, 2n), the true energy of x and of the true motion, the
    scale of energies, the relative distance from the true motion, and the learned H of x if there is one. At most `chunk`
    starts of one seed are rolled out together, and `spread` over what computes.
    """
    t = torch.from_numpy(motion.t)
    starts = torch.from_numpy(motion.x[:, 0] if x0 is None else x0).to(ensemble.device).split(chunk)
    found = spread(partial(along, t, method), [(member, x0) for member in ensemble.members for x0 in starts])
    x, learned = (join(list(parts), len(ensemble.members)) for parts in zip(*found, strict=True))
    assert x is not None
    return describe(truth, x, motion, scales, learned)


@torch.no_grad()
def along(t: Tensor, method: Mapping[str, Any], chunk: Chunk) -> tuple[Tensor, Tensor | None]:
    """The rollouts (starts, time, 2n) of one chunk, and the learned H along them (starts, time) if there is one."""
    member, x0 = chunk
    x = integrators.rollout(member, x0, t, **method)
    if not hasattr(member, "hamiltonian"):
        return x.cpu(), None
    return x.cpu(), torch.stack([member.hamiltonian(one) for one in x]).cpu()  # type: ignore[operator]


def join(parts: list[Tensor | None], seeds: int) -> ndarray | None:
    """The parts of all seeds and starts as one array, (seeds, starts, …); None if there is nothing."""
    there = [part for part in parts if part is not None]
    return torch.cat(there).unflatten(0, (seeds, -1)).numpy() if there else None


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


def quantities(truth: System, rolled: Mapping[str, ndarray], motion: TrueMotion, scales: Scales) -> dict[str, ndarray]:
    """Each quantity of `hnn.metrics` by seed and start, (seeds, starts); errors of diverged rollouts are NaN."""
    x, energy, true_energy, period = rolled["x"], rolled["energy"], rolled["true_energy"], motion.period
    lost = metrics.diverged(x, scales.state)
    errors = {
        "energy_mse": metrics.energy_mse(energy, true_energy),
        "energy_error": metrics.energy_error(energy, true_energy, scales.energy),
        "coordinate_error": metrics.coordinate_error(x, motion.x),
    }
    if scales.learned is not None:
        errors["conserved_error"] = metrics.conserved_error(rolled["learned"], scales.learned)
    later = {
        "energy_error_max": metrics.energy_error_max(energy, true_energy, scales.energy),
        "energy_drift": metrics.energy_drift(energy, true_energy, scales.energy, motion.t, period),
        "phase_error": phase(truth, x, motion),
    }
    counted = {"valid_time": metrics.valid_time(x, motion.x, motion.t, period), "diverged": lost}
    return kept(errors, lost) | counted | kept(later, lost)


def phase(truth: System, x: ndarray, motion: TrueMotion) -> ndarray:
    """`phase_error` of rollouts x (seeds, starts, time, 2n); NaN for a system whose motions go round in no plane."""
    model, true = (truth.plane(torch.from_numpy(states)) for states in (x, motion.x))
    if model is None or true is None:
        return np.full(x.shape[:2], np.nan)
    return metrics.phase_error(model.numpy(), true.numpy(), motion.t, motion.period)


def kept(errors: Mapping[str, ndarray], lost: ndarray) -> dict[str, ndarray]:
    """The errors with NaN where a rollout is lost."""
    return {name: np.where(lost == 1, np.nan, values) for name, values in errors.items()}


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
    quantities: dict[str, ndarray], generator: np.random.Generator, draws: int
) -> dict[str, dict[str, float | None]]:
    """Each quantity as {mean, low, high}; `valid_time` also with its median and quartiles over seeds and starts."""
    found = {name: interval(values, generator, draws) for name, values in quantities.items()}
    return found | {name: found[name] | quartiles(quantities[name]) for name in ("valid_time",) if name in found}


def named(quantities: Mapping[str, ndarray]) -> dict[str, ndarray]:
    """The quantities as arrays to be written beside the rollouts that they are of."""
    return {f"quantity.{name}": values for name, values in quantities.items()}


def nearby(motion: TrueMotion) -> ndarray:
    """The starts of a motion, (starts, 2n), moved by 1e-4 of the motion's size."""
    size = np.sqrt(np.square(motion.x).sum(-1).mean(-1))[:, None]
    return motion.x[:, 0] + NEARBY * size / np.sqrt(motion.x.shape[-1])
