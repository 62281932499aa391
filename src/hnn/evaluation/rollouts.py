"""Rollouts of every seed of one cell from every start of a true motion."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch
from numpy import ndarray
from torch import Tensor

from hnn.core import device
from hnn.core.phase_space import Field
from hnn.core.trajectories import Observations, TrueMotion
from hnn.evaluation import metrics
from hnn.integrators.solve import Solver, rollout
from hnn.models.base import energies
from hnn.parallel.mapping import ParallelMap, serial_map
from hnn.systems.base import System

__all__ = ["Members", "Scales", "describe", "nearby", "roll", "scales"]

Members = Sequence[Field]
"""The fits of one model, one for each seed; or the exact field alone, whose scores are the floors of all others."""

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


@torch.no_grad()
def scales(truth: System, members: Members, train: Observations) -> Scales:
    """The scales of a cell, over all training states as observed."""
    x = torch.from_numpy(train.x)
    learned = energies(members, [x.to(device.of(member)) for member in members])
    std = None if learned is None else learned.flatten(1).std(1).cpu().numpy()
    return Scales(float(truth.hamiltonian(x).std()), std, float(x.abs().max()))


Chunk = tuple[Field, Tensor]
"""One seed's model and some of the starts: what is rolled out at a time, by itself."""


def roll(
    truth: System,
    members: Members,
    motion: TrueMotion,
    scales: Scales,
    solver: Solver,
    *,
    x0: ndarray | None = None,
    chunk: int = 100,
    parallel_map: ParallelMap = serial_map,
) -> dict[str, ndarray]:
    """The rollouts of every seed from every start of the true motion, by `solver`.

    Or from `x0` (starts, 2n), near those of the true motion.

    As arrays: t (time,), x (seeds, starts, time, 2n), the true energy of x and of the true motion, the
    scale of energies, the relative distance from the true motion, and the learned H of x if there is one. At most `chunk`
    starts of one seed are rolled out together, and `parallel_map` over what computes.
    """
    t = torch.from_numpy(motion.t)
    starts = torch.from_numpy(motion.x[:, 0] if x0 is None else x0).split(chunk)
    chunks = [(member, part.to(device.of(member))) for member in members for part in starts]
    found = parallel_map(partial(along, t, solver), chunks)
    x, learned = (join(list(parts), len(members)) for parts in zip(*found, strict=True))
    assert x is not None
    return describe(truth, x, motion, scales, learned)


@torch.no_grad()
def along(t: Tensor, solver: Solver, chunk: Chunk) -> tuple[Tensor, Tensor | None]:
    """The rollouts (starts, time, 2n) of one chunk, and the learned H along them (starts, time) if there is one."""
    member, x0 = chunk
    x = rollout(member, x0, t, solver)
    if not hasattr(member, "hamiltonian"):
        return x.cpu(), None
    return x.cpu(), torch.stack([member.hamiltonian(one) for one in x]).cpu()


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


def nearby(motion: TrueMotion) -> ndarray:
    """The starts of a motion, (starts, 2n), moved by 1e-4 of the motion's size."""
    size = np.sqrt(np.square(motion.x).sum(-1).mean(-1))[:, None]
    return motion.x[:, 0] + NEARBY * size / np.sqrt(motion.x.shape[-1])
