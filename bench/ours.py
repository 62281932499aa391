"""The project's own way of doing each job: all that the bench asks of the package goes through here."""

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import chdir
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from shutil import copy
from tempfile import TemporaryDirectory
from typing import Any

import torch
from torch import Tensor, nn

from hnn import config, evaluation, fits, integrators, io, losses, model, rendering, rollouts, simulation, system, training
from hnn.compute import spread
from hnn.model import Model
from hnn.recipe import Recipe
from hnn.schema import Params
from hnn.sections import Train
from hnn.seeding import stream, torch_stream
from hnn.system import System
from hnn.trained import Trained
from hnn.trajectories import Observations, TrueMotion

__all__ = [
    "NETWORK",
    "Data",
    "copy_weights",
    "data",
    "degrees_of",
    "energy_mse",
    "fit",
    "frames",
    "motion",
    "params",
    "points",
    "published_network",
    "recipe",
    "rollout",
    "rollout_by_steps",
    "starts",
    "test_loss",
    "truth",
]

ROOT = Path(__file__).resolve().parents[1]
NETWORK = {"hidden": 200, "layers": 2, "activation": "tanh"}
"""As published, so that both sides train the same network whatever params.yaml says."""
CPU = torch.device("cpu")


@dataclass(frozen=True)
class Data:
    """What the stage simulate makes of a task, as far as it is used here."""

    train: Observations
    test: Observations
    table1: TrueMotion


def params() -> Params:
    """The project's parameters."""
    return config.load(ROOT / "params.yaml")


def truth(task: str) -> System:
    """The system of a task."""
    return system.make(**params().tasks[task].system)


def degrees_of(task: str) -> int:
    """The number of its positions."""
    return truth(task).degrees


def starts(task: str, count: int) -> Tensor:
    """Initial states (count, 2n), drawn as the training data's but from a stream of the bench's own."""
    simulate = params().tasks[task].simulate
    assert simulate is not None  # only simulated tasks are measured
    return truth(task).sample(stream("bench", "starts", task), count, **simulate.distribution)


@cache
def data(task: str) -> Data:
    """The data of a task, made by the pipeline's own stage in a folder that is gone afterwards."""
    with TemporaryDirectory() as folder:
        copy(ROOT / "params.yaml", folder)
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        subprocess.run([sys.executable, "-m", "stages.simulate", task], cwd=folder, env=environment, check=True)
        with chdir(folder):
            return Data(*io.read_observations(task), io.read_motions(task)["table1"])


def points(observations: Observations) -> tuple[Tensor, Tensor]:
    """All points (x, dx), each (points, 2n), in float32."""
    x, dx = observations.points()
    return torch.from_numpy(x).float(), torch.from_numpy(dx).float()


def recipe(task: str, **changes: Any) -> Train:
    """How the pipeline trains a task, but for the changes."""
    return params().tasks[task].train.model_copy(update=changes)


def fit(task: str, name: str, train: Observations, test: Observations, how: Train, seeds: int, **network: int) -> list[Model]:
    """The model `name` fitted to a task once for each seed as the stage train does, by the recipe `how`.

    `network` are other sizes than the published one.
    """
    degrees = train.x.shape[-1] // 2

    def some(group: Sequence[int]) -> list[training.Fit[Model]]:
        weights, batches = ([torch_stream(seed, "bench", use, task, name) for seed in group] for use in ("weights", "batches"))
        fresh = [model.make(name, degrees, **{**NETWORK, **network}, generator=g) for g in weights]  # type: ignore[arg-type]
        return training.fit(
            fresh, train, test, how.pick(Recipe), batch=how.batch, validation=how.validation, generators=batches
        )

    return [found.model for found in fits.of_seeds(some, seeds, how.threads, CPU, params().compute)]


def published_network(name: str, net: nn.Sequential) -> Model:
    """A reference network as a model of the project, with the same weights."""
    first = next(net.parameters())  # (hidden, inputs)
    ours = model.make(name, first.shape[1] // 2, **NETWORK, generator=torch.Generator())  # type: ignore[arg-type]
    copy_weights(net, ours)
    return ours


def copy_weights(source: nn.Module, target: nn.Module) -> None:
    """Both have the same layers in the same order, under other names."""
    with torch.no_grad():
        for to, weight in zip(target.parameters(), source.parameters(), strict=True):
            to.copy_(weight)


def test_loss(member: Model, test: Observations) -> float:
    """The loss on all test points, in float32."""
    with torch.no_grad():
        return losses.derivative_loss(member, *points(test)).item()


def energy_mse(members: Sequence[Model], task: str, found: Data) -> list[float]:
    """The published energy error of each member, the mean over the starts of the published protocol."""
    p = params().tasks[task].rollout
    assert p.published_energy is not None  # every task measured here has one
    members = [member.double().eval().requires_grad_(False) for member in members]
    of = truth(task)
    method = {"integrator": p.integrator, "step": p.step, "tolerance": p.tolerance}
    rolled = rollouts.roll(of, members, found.table1, rollouts.scales(of, members, found.train), method)
    errors = evaluation.published_quantities(rolled, found.table1, p.published_energy)["energy_mse"]
    return [float(error) for error in errors.mean(-1)]


def motion(of: System, x0: Tensor, t: Tensor, tolerance: float) -> Tensor:
    """The true motion (starts, time, 2n)."""
    p = params().simulate
    parts = partial(spread, threads=p.threads, compute=params().compute)
    return torch.from_numpy(simulation.true_motion(of, x0, t, tolerance, chunk=p.chunk, spread=parts).x)


def rollout(member: Model, x0: Tensor, t: Tensor, tolerance: float) -> Tensor:
    """The learned motion (starts, time, 2n), in float64, chunk by chunk as the stage rollout does it."""
    p = params().rollout
    how = {"t": t, "integrator": "dop853", "tolerance": tolerance}
    return torch.cat(spread(partial(rolled, member, how), x0.split(p.chunk), threads=p.threads, compute=params().compute))


def rolled(member: Model, how: Mapping[str, Any], x0: Tensor) -> Tensor:
    """One chunk."""
    return integrators.rollout(Trained(member), x0, **how)


def frames(task: str, x: Tensor) -> Tensor:
    """Pictures of states (states, 2n) of a task, bytes (states, channels, size, size)."""
    p = params().tasks[task]
    assert p.render is not None  # of a pixel task
    return rendering.render(rendering.Canvas(**p.render.model_dump()), x, strict=False, **p.system)


def rollout_by_steps(member: Model, x0: Tensor, t: Tensor, step: float) -> Tensor:
    """The learned motion by RK4 with steps of a fixed length."""
    return integrators.rollout(Trained(member), x0, t, "rk4", step)
