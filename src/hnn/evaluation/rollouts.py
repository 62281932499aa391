"""Rollouts of all seeds of one cell from all starts of a set, beside the true motion."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from math import ceil

import numpy as np
import torch
from numpy import ndarray
from torch import Tensor

from hnn.core import device
from hnn.core.phase_space import Field
from hnn.core.trajectories import Observations, Rollout, TrueMotion
from hnn.evaluation.metrics import relative_distance
from hnn.integrators.solve import Solver, rollout
from hnn.models.base import conserve, energies
from hnn.parallel.mapping import ParallelMap, serial_map
from hnn.systems.base import System

__all__ = ["Members", "Reference", "Scales", "most_evaluations", "perturbed_starts", "roll", "rollout_along", "scales"]

Members = Sequence[Field]
"""The fits of one model, one per seed; or the exact field alone, whose errors are the floors."""

PERTURBATION = 1e-4
"""Size of the perturbation of starts that shows how far a chaotic motion can be predicted, relative to the motion's size."""


@dataclass(frozen=True)
class Scales:
    """Sizes in the training data by which errors are divided."""

    energy: float
    """Standard deviation of the true H, in joules."""
    learned: ndarray | None
    """Standard deviation of each seed's learned H, (seeds,); None for a model without one."""
    state: float
    """Largest |component| of the states."""
    largest_energy: float
    """Largest |true H|, in joules."""
    conserved: bool = True
    """True if the learned H is constant along the learned flow."""

    @classmethod
    def of(cls, truth: System, x: Tensor, learned: Tensor | None, conserved: bool = True) -> "Scales":
        """The scales of training states x (…, 2n), with the learned H along them (seeds, …), if there is one."""
        std = None if learned is None else learned.flatten(1).std(1).cpu().numpy()
        energy = truth.hamiltonian(x)
        return cls(float(energy.std()), std, float(x.abs().max()), float(energy.abs().max()), conserved)


@dataclass(frozen=True)
class Reference:
    """The true motion that rollouts are compared with, its system, and the scales of their errors."""

    system: System
    motion: TrueMotion
    scales: Scales


def most_evaluations(motion: TrueMotion, per_period: int) -> int:
    """Most evaluations of a field by an adaptive method along a motion, of `per_period` in the shortest of its periods."""
    periods = motion.period[np.isfinite(motion.period)]
    duration = float(np.ptp(motion.t))
    return ceil(per_period * max(1.0, duration / float(periods.min()) if len(periods) else 1.0))


@torch.no_grad()
def scales(truth: System, members: Members, train: Sequence[Observations]) -> Scales:
    """The scales of a cell, over all training states of all seeds as observed."""
    x = torch.from_numpy(np.stack([draw.x for draw in train]))
    return Scales.of(truth, x, energies(members, [x.to(device.of(member)) for member in members]), conserve(members))


def roll(
    members: Members,
    reference: Reference,
    solver: Solver,
    *,
    x0: ndarray | None = None,
    batch_of_starts: int = 100,
    parallel_map: ParallelMap = serial_map,
) -> Rollout:
    """Rollouts of every seed from every start of the true motion, or from `x0` (starts, 2n) beside them.

    At most `batch_of_starts` starts of one seed are rolled out together; `parallel_map` maps over these batches.
    """
    motion = reference.motion
    t = torch.from_numpy(motion.t)
    starts = torch.from_numpy(motion.x[:, 0] if x0 is None else x0).split(batch_of_starts)
    batches = [(member, part.to(device.of(member))) for member in members for part in starts]
    parts = parallel_map(partial(roll_batch, t, solver), batches)
    x, learned = (joined(list(arrays), len(members)) for arrays in zip(*parts, strict=True))
    assert x is not None
    return rollout_along(x, reference, learned)


@torch.no_grad()
def roll_batch(t: Tensor, solver: Solver, batch: tuple[Field, Tensor]) -> tuple[Tensor, Tensor | None]:
    """Rollouts (starts, time, 2n) of one seed from some starts, and its learned H along them (starts, time), if any."""
    member, x0 = batch
    x = rollout(member, x0, t, solver)
    if not hasattr(member, "hamiltonian"):
        return x.cpu(), None
    return x.cpu(), torch.stack([member.hamiltonian(path) for path in x]).cpu()


def joined(parts: list[Tensor | None], seeds: int) -> ndarray | None:
    """The batches of all seeds and starts as one array, (seeds, starts, …); None if they are None."""
    tensors = [part for part in parts if part is not None]
    return torch.cat(tensors).unflatten(0, (seeds, -1)).numpy() if tensors else None


@torch.no_grad()
def rollout_along(x: ndarray, reference: Reference, learned: ndarray | None = None, z: ndarray | None = None) -> Rollout:
    """The states x (seeds, starts, time, 2n) with their true energy and distance from the true motion.

    `learned` is the learned H along them (seeds, starts, time), `z` the latent states that they were read from.
    """
    system, motion = reference.system, reference.motion
    return Rollout(
        motion.t,
        x,
        energy=system.hamiltonian(torch.from_numpy(x)).numpy(),
        true_energy=system.hamiltonian(torch.from_numpy(motion.x)).numpy(),
        distance=relative_distance(x, motion.x),
        energy_scale=reference.scales.energy,
        learned=learned,
        z=z,
    )


def perturbed_starts(motion: TrueMotion) -> ndarray:
    """The starts of a motion, (starts, 2n), moved by `PERTURBATION` times the root mean square of the motion."""
    size = np.sqrt(np.square(motion.x).sum(-1).mean(-1))[:, None]
    return motion.x[:, 0] + PERTURBATION * size / np.sqrt(motion.x.shape[-1])
