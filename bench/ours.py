"""The project's way of doing each job; the only module of the bench that imports the package's functions."""

import os
import subprocess
import sys
from collections.abc import Sequence
from contextlib import chdir
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from shutil import copy
from tempfile import TemporaryDirectory
from typing import Any

import torch
from torch import Tensor, nn

from hnn.core.seeding import stream, torch_stream
from hnn.core.trajectories import Observations, TrueMotion
from hnn.datasets import simulation
from hnn.evaluation import evaluate, rollouts
from hnn.files import artifacts
from hnn.integrators import solve
from hnn.integrators.solve import Solver
from hnn.models.base import Model, make_model
from hnn.parallel.pool import parallel_map
from hnn.params.loading import load_params
from hnn.params.schema import Params
from hnn.params.sections import Train
from hnn.rendering import canvas
from hnn.systems.base import System, make_system
from hnn.trained import Trained
from hnn.training import fit as training_fit
from hnn.training import losses
from hnn.training.fit import Fit
from hnn.training.optimizer import OptimizerOptions
from hnn.training.seeds import fit_seeds

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
"""The published network, for both sides."""
CPU = torch.device("cpu")


@dataclass(frozen=True)
class Data:
    """The data of a task, as the stage simulate makes them."""

    train: Observations
    test: Observations
    table1: TrueMotion


def params() -> Params:
    """The project's parameters."""
    return load_params(ROOT / "params.yaml")


def truth(task: str) -> System:
    """The system of a task."""
    return make_system(**params().tasks[task].system)


def degrees_of(task: str) -> int:
    """The number of its positions."""
    return truth(task).degrees


def starts(task: str, count: int) -> Tensor:
    """Initial states (count, 2n), drawn as the training data's but from a random stream of the bench."""
    simulate = params().tasks[task].simulate
    assert simulate is not None  # only simulated tasks are measured
    return truth(task).sample(stream("bench", "starts", task), count, **simulate.distribution)


@cache
def data(task: str) -> Data:
    """The data of a task, made by the pipeline's own stage in a temporary folder."""
    with TemporaryDirectory() as folder:
        copy(ROOT / "params.yaml", folder)
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        subprocess.run([sys.executable, "-m", "stages.simulate", task], cwd=folder, env=environment, check=True)
        with chdir(folder):
            draws, test = artifacts.read_observations(task)
            return Data(draws[0], test, artifacts.read_motions(task)["table1"])


def points(observations: Observations) -> tuple[Tensor, Tensor]:
    """All points (x, dx), each (points, 2n), in float32."""
    x, dx = observations.points()
    return torch.from_numpy(x).float(), torch.from_numpy(dx).float()


def recipe(task: str, **changes: Any) -> Train:
    """The training parameters of a task with changes."""
    train = params().tasks[task].train
    assert train is not None  # only tasks whose states are observed are measured
    return train.model_copy(update=changes)


def fit(task: str, name: str, train: Observations, test: Observations, how: Train, seeds: int, **network: int) -> list[Model]:
    """The model `name` fitted to a task once for each seed as the stage train does, by the recipe `how`.

    `network` are other sizes than the published one.
    """
    degrees = train.x.shape[-1] // 2

    def some(group: Sequence[int]) -> list[Fit[Model]]:
        weights, batches = ([torch_stream(seed, "bench", use, task, name) for seed in group] for use in ("weights", "batches"))
        fresh = [make_model(name, degrees, **{**NETWORK, **network}, generator=g) for g in weights]
        return training_fit.fit(
            fresh, [train], test, how.pick(OptimizerOptions), batch=how.batch, validation=how.validation, generators=batches
        )

    processes = partial(parallel_map, threads=params().threads, compute=params().compute)
    return [fitted.model for fitted in fit_seeds(some, seeds, CPU, processes)]


def published_network(name: str, net: nn.Sequential) -> Model:
    """A reference network as a model of the project, with the same weights."""
    first = next(net.parameters())  # (hidden, inputs)
    ours = make_model(name, first.shape[1] // 2, **NETWORK, generator=torch.Generator())
    copy_weights(net, ours)
    return ours


def copy_weights(source: nn.Module, target: nn.Module) -> None:
    """Copy weights between networks with the same layers in the same order."""
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
    solver = Solver(p.integrator, p.step, p.tolerance)
    reference = rollouts.Reference(of, found.table1, rollouts.scales(of, members, [found.train]))
    errors = evaluate.published_metrics(rollouts.roll(members, reference, solver), found.table1, p.published_energy)[
        "energy_mse"
    ]
    return [float(error) for error in errors.mean(-1)]


def motion(of: System, x0: Tensor, t: Tensor, tolerance: float) -> Tensor:
    """The true motion (starts, time, 2n)."""
    p = params().simulate
    parts = partial(parallel_map, threads=params().threads, compute=params().compute)
    return torch.from_numpy(
        simulation.true_motion(of, x0, t, tolerance, batch_of_starts=p.batch_of_starts, parallel_map=parts).x
    )


def rollout(member: Model, x0: Tensor, t: Tensor, tolerance: float) -> Tensor:
    """The learned motion (starts, time, 2n), in float64, in batches of starts as in the stage rollout."""
    p = params().rollout
    solver = Solver("dop853", tolerance=tolerance)
    return torch.cat(
        parallel_map(
            partial(rolled, member, t, solver), x0.split(p.batch_of_starts), threads=params().threads, compute=params().compute
        )
    )


def rolled(member: Model, t: Tensor, solver: Solver, x0: Tensor) -> Tensor:
    """The motion of one batch of starts."""
    return solve.rollout(Trained(member), x0, t, solver)


def frames(task: str, x: Tensor) -> Tensor:
    """Frames of states (states, 2n) of a task, bytes (states, channels, size, size)."""
    p = params().tasks[task]
    assert p.render is not None  # of a pixel task
    return canvas.render(canvas.make_canvas(p.render.model_dump(), x, **p.system), x, strict=False, **p.system)


def rollout_by_steps(member: Model, x0: Tensor, t: Tensor, step: float) -> Tensor:
    """The learned motion by RK4 with steps of a fixed length."""
    return solve.rollout(Trained(member), x0, t, Solver("rk4", step))
