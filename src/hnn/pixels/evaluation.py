"""One cell behind pixels against the true motion: roll out in latent space, read with a probe, decode, and measure."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import torch
from numpy import ndarray
from torch import Tensor

from hnn.core.trajectories import Observations, TrueMotion
from hnn.evaluation import evaluate, integrator_contract, metrics
from hnn.evaluation.rollouts import Scales, describe
from hnn.integrators.solve import Solver
from hnn.models.base import energies
from hnn.parallel.mapping import ParallelMap, serial_map
from hnn.pixels import probe
from hnn.pixels.latent_model import LatentEnsemble
from hnn.pixels.probe import Probe
from hnn.systems.base import System

__all__ = ["SETS", "Reading", "contracts", "examine", "quantities", "read", "roll", "scores"]

Method = Literal["map", "continuous", "encode"]

SETS: dict[str, tuple[str, Method]] = {
    "held_out": ("held_out", "map"),
    "long": ("long", "map"),
    "outside": ("outside", "map"),
    "continuous": ("held_out", "continuous"),
    "floor": ("held_out", "encode"),
    "table1": ("table1", "continuous"),
}
"""Results by name: from which starts, and how the latent states come about (see `roll`)."""

HORIZONS = (10, 100, 200, 1000)
"""In frames: where decoded frames are held against the true ones."""


@dataclass(frozen=True)
class Reading:
    """How the true state is read from the latent states of each seed: by its own encoder's probe, fitted on training clips."""

    probes: list[Probe]
    scales: Scales

    def states(self, z: ndarray) -> ndarray:
        """The probed states (seeds, …, 2n) of latent ones (seeds, …, latent)."""
        return np.stack([probe(part) for probe, part in zip(self.probes, z, strict=True)])


@torch.no_grad()
def read(truth: System, ensemble: LatentEnsemble, frames: Tensor, train: Observations) -> Reading:
    """The probes and scales of a cell, over the training clips (clips, time, channels, size, size) and their states."""
    z, x = ensemble.encode(frames), train.x[:, :-1]
    learned = energies(ensemble.dynamics, list(z))
    std = None if learned is None else learned.flatten(1).std(1).cpu().numpy()
    energy = truth.hamiltonian(torch.from_numpy(x)).std()
    return Reading([Probe.fit(part, x) for part in z.cpu().numpy()], Scales(float(energy), std, float(np.abs(x).max())))


@torch.no_grad()
def scores(ensemble: LatentEnsemble, reading: Reading, frames: Tensor, test: Observations) -> dict[str, ndarray]:
    """What encoder and decoder are worth on clips that nothing was fitted to.

    `probe_r2` (seeds, 1): R² of the probe's worse coordinate. `canonical_error` (seeds, 1): see `hnn.probe`.
    `reconstruction_error` (seeds, clips): mean square over pixels of decoded minus true frames, of brightness in [0, 1].
    """
    z, x = ensemble.encode(frames), test.x[:, :-1]
    latent = z.cpu().numpy()
    return {
        "probe_r2": np.array([[probe.score(part, x)] for part in reading.states(latent)]),
        "canonical_error": np.array([[probe.canonical_error(x, part)] for part in latent]),
        "reconstruction_error": frame_errors(ensemble, z, frames[:, :-1]).mean(-1),
    }


@torch.no_grad()
def roll(
    truth: System,
    ensemble: LatentEnsemble,
    frames: Tensor,
    motion: TrueMotion,
    reading: Reading,
    method: Method,
    tolerance: float,
    parallel_map: ParallelMap = serial_map,
) -> dict[str, ndarray]:
    """The rollouts of every seed from the first two frames of each start, as `rollouts.roll` gives them, with `z`.

    x is what the probes read from z, the latent states (seeds, starts, time, latent). `map`: by the step map that was trained.
    `continuous`: as solutions of the learned differential equation, for fields that were not fitted to derivatives a mismatch.
    `encode`: of the true frames themselves, one time fewer; no rollout can be read better than that.
    """
    if method == "encode":
        z = ensemble.encode(frames)
    else:
        z0 = ensemble.encode(frames[:, :2]).squeeze(-2)
        continuous = method == "continuous"
        z = ensemble.roll(
            z0, torch.from_numpy(motion.t), continuous=continuous, tolerance=tolerance, parallel_map=parallel_map
        )
    latent, learned = z.cpu().numpy(), energies(ensemble.dynamics, list(z))
    energy = None if learned is None else learned.cpu().numpy()
    return describe(truth, reading.states(latent), until(motion, z.shape[-2]), reading.scales, energy) | {"z": latent}


def until(motion: TrueMotion, count: int) -> TrueMotion:
    """The first `count` times of a motion."""
    return TrueMotion(motion.t[:count], motion.x[:, :count], motion.period)


@torch.no_grad()
def quantities(
    truth: System,
    ensemble: LatentEnsemble,
    rolled: Mapping[str, ndarray],
    motion: TrueMotion,
    frames: Tensor,
    reading: Reading,
) -> dict[str, ndarray]:
    """The quantities of `evaluation.quantities` for the probed states, and of decoded frames (seeds, starts).

    `pixel_mse_10`, …: the mean square over pixels of the decoded minus the true frame at each horizon that is reached, of
    brightness in [0, 1].
    """
    count = rolled["z"].shape[-2]
    reached = [frame for frame in HORIZONS if frame < count]
    z = torch.from_numpy(rolled["z"][..., reached, :]).to(ensemble.device)
    errors = frame_errors(ensemble, z, frames[:, reached])
    found = evaluate.quantities(truth, rolled, until(motion, count), reading.scales)
    return found | {f"pixel_mse_{frame}": errors[..., i] for i, frame in enumerate(reached)}


def examine(ensemble: LatentEnsemble, rolled: Mapping[str, ndarray], motion: TrueMotion) -> dict[str, ndarray]:
    """`reversal_error` and `symplectic_error` of the latent flow by the map that was trained, (seeds, starts); see `hnn.flow`.

    Of latent states, which need not be canonical themselves; nor need a step map be reversible.
    """
    member = ensemble.members[0]
    unit = float(member.autoencoder.about["time_unit"])
    latent = TrueMotion(motion.t / unit, rolled["z"][0], motion.period / unit)
    solver = Solver(member.step_map, step=abs(member.step))
    found = integrator_contract.examine(
        ensemble.dynamics, rolled["z"], latent, float(np.abs(rolled["z"][:, :, 0]).max()), solver
    )
    return {name: found[name] for name in ("reversal_error", "symplectic_error")}


def contracts(ensemble: LatentEnsemble, rollouts: Mapping[str, Mapping[str, ndarray]], tolerance: float) -> dict[str, Any]:
    """What the metrics say of the integrator, by set: a field trained through a map is to be rolled out by that map.

    As a continuous motion it has the error that this makes, beside the rollouts by the map; `mismatch` where that is more than
    a hundredth of its distance from the truth.
    """
    by_map, continuous = (rollouts[key]["x"] for key in ("held_out", "continuous"))
    own = {key: np.sqrt(np.square(rollouts[key]["distance"]).mean(-1)) for key in ("held_out", "continuous")}
    member = ensemble.members[0]
    trained = Solver(member.step_map, step=member.frame_step)
    honoured = integrator_contract.contract(trained, np.zeros_like(own["held_out"]), own["held_out"], True)
    solved = Solver("dop853", tolerance=tolerance)
    broken = integrator_contract.contract(solved, metrics.coordinate_error(continuous, by_map), own["continuous"], True)
    mark = {} if broken["honoured"] else {"mismatch": True}
    return {"held_out": {"integrator": honoured}, "continuous": {"integrator": broken} | mark, "table1": mark}


def frame_errors(ensemble: LatentEnsemble, z: Tensor, frames: Tensor) -> ndarray:
    """Mean square over pixels (seeds, *batch) of the frames decoded from z (seeds, *batch, latent) minus the true ones."""
    true = frames.flatten(-3).to(z) / 255
    return torch.stack([(ensemble.decode(i, part) - true).square().mean(-1) for i, part in enumerate(z)]).cpu().numpy()
