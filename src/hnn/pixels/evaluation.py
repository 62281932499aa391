"""Evaluation of a pixel cell: latent rollouts from frame pairs, read as states by a probe or from pictures, and measured."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Literal, NamedTuple

import numpy as np
import torch
from numpy import ndarray
from torch import Tensor

from hnn.core.trajectories import CellRollouts, Observations, Rollout, TrueMotion, of_seed
from hnn.evaluation.evaluate import PUBLISHED, Diagnosis, Evaluation, Options, evaluate, summarise
from hnn.evaluation.flow_diagnostics import flow_errors
from hnn.evaluation.integrator_contract import check_integrator
from hnn.evaluation.metrics import coordinate_error
from hnn.evaluation.rollouts import Reference, Scales, most_evaluations, rollout_along
from hnn.integrators.solve import Solver
from hnn.models.base import conserve, energies
from hnn.parallel.mapping import ParallelMap, serial_map
from hnn.pixels import probe
from hnn.pixels.latent_ensemble import LatentEnsemble
from hnn.pixels.probe import Probe
from hnn.pixels.visuals import visuals
from hnn.systems.base import System

__all__ = ["SETS", "Measured", "PixelRoller", "ReadPictures", "Readout", "evaluate_pixels", "fit_readout", "scores"]

Method = Literal["map", "continuous", "encode"]
Reading = Literal["latents", "linear", "pictures"]


class Measured(NamedTuple):
    """What is measured as one set of starts."""

    motion: str
    """The set of true motions that it follows."""
    method: Method
    """How latent states are made.

    `map`: by the trained step map. `continuous`: as solutions of the learned differential equation, a mismatch for a field
    that was not fitted to derivatives. `encode`: from the true frames themselves, one time fewer: the floor of any rollout.
    """
    reading: Reading = "latents"
    """What states are read from: latent states, by a polynomial probe or, as published, a linear one; or decoded frames."""


SETS = {
    "held_out": Measured("held_out", "map"),
    "long": Measured("long", "map"),
    "outside": Measured("outside", "map"),
    "continuous": Measured("held_out", "continuous"),
    "floor": Measured("held_out", "encode"),
    PUBLISHED: Measured(PUBLISHED, "continuous", "linear"),
    "pictures": Measured("held_out", "map", "pictures"),
    "pictures_long": Measured("long", "map", "pictures"),
    "pictures_floor": Measured("held_out", "encode", "pictures"),
}
"""By set of starts as evaluated."""

ReadPictures = Callable[[Tensor], Tensor]
"""Frames (starts, time, channels, size, size) of brightness 0 to 1 -> states (starts, time, 2n)."""

UNLIKE = 0.025
"""Mean square over pixels from which on a predicted frame is no longer valid (Botev et al. 2021)."""

HORIZONS = (10, 100, 200, 1000)
"""Frames at which decoded frames are compared with the true ones."""


@dataclass(frozen=True)
class Readout:
    """Read states from the latent states of each seed, by probes of its own encoder that are fitted on the training clips."""

    probes: list[Probe]
    """Polynomial ones."""
    linear: list[Probe]
    """Linear ones, as published."""
    scales: Scales

    def states(self, z: ndarray, *, linear: bool = False) -> ndarray:
        """States (seeds, …, 2n) of latent states (seeds, …, latent), by the polynomial or by the linear probes."""
        probes = self.linear if linear else self.probes
        return np.stack([probe(part) for probe, part in zip(probes, z, strict=True)])


@torch.no_grad()
def fit_readout(truth: System, ensemble: LatentEnsemble, frames: Tensor, train: Sequence[Observations]) -> Readout:
    """Fit the probes of each seed on its training clips and their states.

    `frames` are those of all draws of `train`, (draws, clips, time, channels, size, size).
    """
    clips = list(frames)
    z = [ensemble.encode_by(seed, of_seed(clips, seed)) for seed in range(len(ensemble.members))]
    x = [draw.x[:, :-1] for draw in train]
    data = [(part.cpu().numpy(), of_seed(x, seed)) for seed, part in enumerate(z)]
    probes, linear = [Probe.cross_validated(*one) for one in data], [Probe.linear(*one) for one in data]
    sizes = Scales.of(truth, torch.from_numpy(np.stack(x)), energies(ensemble.dynamics, z), conserve(ensemble.dynamics))
    return Readout(probes, linear, sizes)


@torch.no_grad()
def scores(ensemble: LatentEnsemble, readout: Readout, frames: Tensor, test: Observations) -> dict[str, ndarray]:
    """Scores of encoder and decoder on held-out clips.

    `probe_r2` and `linear_r2` (seeds, 1): R² of the worst coordinate, as read by the polynomial and by the linear probe.
    `canonical_error` and `symetric` (seeds, 1): see `hnn.pixels.probe`. `reconstruction_error` (seeds, clips): mean square
    over pixels of decoded minus true frames, of brightness in [0, 1].
    """
    z, x = ensemble.encode(frames), test.x[:, :-1]
    latent = z.cpu().numpy()
    r2, linear_r2 = (
        np.array([[probe.score(part, x)] for part in readout.states(latent, linear=linear)]) for linear in (False, True)
    )
    canonical_error = np.array([[probe.canonical_error(x, part)] for part in latent])
    return {
        "probe_r2": r2,
        "linear_r2": linear_r2,
        "canonical_error": canonical_error,
        "symetric": probe.symetric(r2, canonical_error),
        "reconstruction_error": frame_errors(ensemble, z, frames[:, :-1]).mean(-1),
    }


@dataclass(frozen=True)
class PixelRoller:
    """Rollouts of a pixel cell in latent space, read as states.

    Latent rollouts are made once for all readings of them.
    """

    truth: System
    ensemble: LatentEnsemble
    readout: Readout
    motions: Mapping[str, TrueMotion]
    frames: Mapping[str, Tensor]
    """Frames of every true motion, (starts, time, channels, size, size), bytes."""
    tolerance: float
    """Tolerance of the continuous rollouts."""
    evaluations_per_period: int | None
    """Most evaluations of the field by those, in a period of the true motion."""
    read_pictures: ReadPictures | None = None
    """None for a system whose frames cannot be read."""
    parallel_map: ParallelMap = serial_map
    latents: dict[tuple[str, Method], Tensor] = field(default_factory=dict)
    """The latent rollouts (seeds, starts, time, latent) made so far, by motion and method."""
    valid_frames: dict[str, ndarray] = field(default_factory=dict)
    """By set that is read from pictures: number of frames before the first that is `UNLIKE` the true one, (seeds, starts)."""

    @cached_property
    def references(self) -> Mapping[str, Reference]:
        """The true motion of every set of `SETS` that the task has."""
        return {
            starts: Reference(
                self.truth,
                self.motions[motion].first(len(self.motions[motion].t) - (method == "encode")),
                self.readout.scales,
            )
            for starts, (motion, method, reading) in SETS.items()
            if motion in self.motions and (self.read_pictures or reading != "pictures")
        }

    @torch.no_grad()
    def roll(self, starts: str) -> Rollout:
        """Rollouts of every seed from the first two frames of each start; see `SETS`."""
        motion, method, reading = SETS[starts]
        z = self.latent_rollout(motion, method)
        if reading == "pictures":
            x, self.valid_frames[starts] = self.look(z, self.frames[motion])
            return rollout_along(x, self.references[starts])
        latent, learned = z.cpu().numpy(), energies(self.ensemble.dynamics, list(z))
        energy = None if learned is None else learned.cpu().numpy()
        x = self.readout.states(latent, linear=reading == "linear")
        return rollout_along(x, self.references[starts], energy, latent)

    def latent_rollout(self, motion: str, method: Method) -> Tensor:
        """Latent states (seeds, starts, time, latent) along a set of true motions; see `Measured`."""
        frames, made = self.frames[motion], self.latents
        if (motion, method) not in made:
            if method == "encode":
                made[motion, method] = self.ensemble.encode(frames)
            else:
                made[motion, method] = self.ensemble.roll(
                    self.ensemble.encode(frames[:, :2]).squeeze(-2),
                    torch.from_numpy(self.motions[motion].t),
                    continuous=method == "continuous",
                    tolerance=self.tolerance,
                    evaluations=self.evaluations_per_period
                    and most_evaluations(self.motions[motion], self.evaluations_per_period),
                    parallel_map=self.parallel_map,
                )
        return made[motion, method]

    def look(self, z: Tensor, frames: Tensor) -> tuple[ndarray, ndarray]:
        """(states (seeds, starts, time, 2n) read from the frames decoded from z, number of valid frames (seeds, starts)).

        `frames` are the true ones. One start is decoded at a time, to bound memory.
        """
        assert self.read_pictures is not None
        states, valid = [], []
        for seed, own_starts in enumerate(z):
            for own, true in zip(own_starts, frames, strict=True):
                decoded = self.ensemble.decode(seed, own)
                true_frames = true[: len(own)].flatten(1).to(decoded) / 255
                unlike = ~((decoded - true_frames).square().mean(-1) <= UNLIKE)
                valid.append(float(unlike.double().argmax()) if unlike.any() else float(len(unlike)))
                states.append(self.read_pictures(decoded.unflatten(-1, true.shape[1:])[None])[0].cpu())
        shape = z.shape[:2]
        return torch.stack(states).unflatten(0, shape).numpy(), np.array(valid).reshape(shape)

    @torch.no_grad()
    def more_metrics(self, starts: str, rollout: Rollout) -> dict[str, ndarray]:
        """`pixel_mse_10`, …: mean square over pixels of decoded minus true frames at each of `HORIZONS`, (seeds, starts).

        Of brightness in [0, 1]; horizons that the rollout does not reach are left out. `valid_frames` of a set that is read
        from pictures, see `look`.
        """
        if starts in self.valid_frames:
            return {"valid_frames": self.valid_frames[starts]}
        assert rollout.z is not None
        frames = self.frames[SETS[starts][0]]
        reached = [frame for frame in HORIZONS if frame < rollout.z.shape[-2]]
        z = torch.from_numpy(rollout.z[..., reached, :]).to(self.ensemble.device)
        errors = frame_errors(self.ensemble, z, frames[:, reached])
        return {f"pixel_mse_{frame}": errors[..., i] for i, frame in enumerate(reached)}

    def diagnose(self, starts: str, rollouts: Mapping[str, Rollout]) -> Diagnosis:
        """Flow errors of the latent flow from held-out starts, and the integrator contract.

        A field trained through a step map is to be rolled out by that map, which then has no integration error. Continuous
        rollouts have the distance between the two as theirs; they are marked, never refused, since they are the published
        ones.
        """
        member = self.ensemble.members[0]
        if starts == "held_out":
            by_map = Solver(member.step_map, step=member.frame_step)
            own = rollouts[starts].quantities["coordinate_error"]
            check = check_integrator(by_map, np.zeros_like(own), own, fitted=True)
            errors = latent_flow_errors(self.ensemble, rollouts[starts], self.motions[starts], self.parallel_map)
            return Diagnosis(errors, check)
        if starts in ("continuous", PUBLISHED):
            continuous = rollouts["continuous"]
            solver = Solver("dop853", tolerance=self.tolerance)
            error = coordinate_error(continuous.x, rollouts["held_out"].x)
            check = check_integrator(solver, error, continuous.quantities["coordinate_error"], fitted=True)
            return Diagnosis(integrator=check if starts == "continuous" else None, mismatch=not check.honoured)
        return Diagnosis()


def latent_flow_errors(
    ensemble: LatentEnsemble, rollout: Rollout, motion: TrueMotion, parallel_map: ParallelMap = serial_map
) -> dict[str, ndarray]:
    """`reversal_error` and `symplectic_error` of the latent flow by the trained map, (seeds, starts).

    The latent states need not be canonical, and a step map need not be reversible.
    """
    assert rollout.z is not None
    member = ensemble.members[0]
    unit = member.autoencoder.time_unit
    t, period = motion.t / unit, motion.period / unit
    solver, size = Solver(member.step_map, step=abs(member.step)), float(np.abs(rollout.z[:, :, 0]).max())
    errors = flow_errors(ensemble.dynamics, rollout.z, t, period, size, solver, parallel_map=parallel_map)
    return {name: errors[name] for name in ("reversal_error", "symplectic_error")}


def frame_errors(ensemble: LatentEnsemble, z: Tensor, frames: Tensor) -> ndarray:
    """Mean square over pixels (seeds, *batch) of the frames decoded from z (seeds, *batch, latent) minus the true ones."""
    true = frames.flatten(-3).to(z) / 255
    return torch.stack([(ensemble.decode(i, part) - true).square().mean(-1) for i, part in enumerate(z)]).cpu().numpy()


def evaluate_pixels(
    truth: System,
    ensemble: LatentEnsemble,
    observed: tuple[Sequence[Observations], Observations],
    motions: Mapping[str, TrueMotion],
    frames: Mapping[str, Tensor],
    options: Options,
    parallel_map: ParallelMap = serial_map,
    read_pictures: ReadPictures | None = None,
) -> tuple[Evaluation, Readout]:
    """(evaluation of a pixel cell from every set of `SETS` whose motion is there, the probes that read its states).

    Without `read_pictures` no set is read from pictures. `observed` are training and test data, `frames` the frames of both
    and of every motion. Rollouts are made by the trained map, continuous ones by dop853 with the options' tolerance.
    """
    train, test = observed
    readout = fit_readout(truth, ensemble, frames["train"], train)
    accuracy = options.tolerance, options.evaluations_per_period
    roller = PixelRoller(truth, ensemble, readout, motions, frames, *accuracy, read_pictures, parallel_map)
    done = evaluate(roller, options.published_energy)
    # of the published set only the metrics are kept
    kept = {starts: rollout for starts, rollout in done.rollouts.sets.items() if starts != PUBLISHED}
    rollouts = CellRollouts(kept, visuals(ensemble, kept, frames["held_out"]))
    return replace(done, rollouts=rollouts, scores=summarise(scores(ensemble, readout, frames["test"], test))), readout
