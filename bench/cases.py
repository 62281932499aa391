"""The cases of `bench.scaling`: each does a job of a given size and returns its time and memory."""

import resource
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import partial
from time import perf_counter

import numpy as np
import torch

from bench import ours
from bench.harness import clock, per_step
from bench.machine import use_all_cores
from bench.nbody import Planets
from hnn.core.trajectories import Observations
from hnn.models.base import Model, make_model

__all__ = ["CASES", "Cost", "measure"]

MEGABYTE = 2**20
LEAST = 0.3  # seconds that a training run should last to be measured


@dataclass(frozen=True)
class Cost:
    """Time and memory of one case."""

    seconds: float
    megabytes: float | None
    """Peak memory above that before the case, in MB; None where it is not measured."""


def most_memory() -> float:
    """Peak memory of this process so far, in MB."""
    held = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return held / MEGABYTE if sys.platform == "darwin" else held * 1024 / MEGABYTE


def cost(work: Callable[[], object]) -> Cost:
    """Time and memory of `work`."""
    before, start = most_memory(), perf_counter()
    work()
    return Cost(perf_counter() - start, most_memory() - before)


def network(hidden: int = 200) -> Model:
    """An HNN of a pendulum with fresh weights, in float64; its cost does not depend on training."""
    sizes = {**ours.NETWORK, "hidden": hidden}
    fresh = make_model("hnn", 1, **sizes, generator=torch.Generator().manual_seed(0))
    return fresh.double().requires_grad_(False)


def starts(count: int) -> Cost:
    """Roll out an HNN for 1 s from `count` starts, adaptively, as params.yaml does."""
    member, t = network(), torch.linspace(0, 1, 11, dtype=torch.float64)
    tolerance = ours.params().tasks["pendulum"].rollout.tolerance
    ours.rollout(member, ours.starts("pendulum", 10), t, tolerance)
    x0 = ours.starts("pendulum", count)
    return cost(lambda: ours.rollout(member, x0, t, tolerance))


def march(steps: int, saved: int) -> Cost:
    """Roll out an HNN from 10 starts by `steps` steps of RK4, 0.01 s each, and keep `saved` states of each."""
    member, x0, dt = network(), ours.starts("pendulum", 10), 0.01
    ours.rollout_by_steps(member, x0, torch.tensor([0.0, dt], dtype=torch.float64), dt)
    t = torch.linspace(0, steps * dt, saved + 1, dtype=torch.float64)
    return cost(lambda: ours.rollout_by_steps(member, x0, t, dt))


def horizon(steps: int) -> Cost:
    """Save a hundred states for any number of steps."""
    return march(steps, 100)


def kept(steps: int) -> Cost:
    """Save every state."""
    return march(steps, steps)


def bodies(count: int) -> Cost:
    """Simulate 100 systems of `bodies` bodies for 10 s."""
    system, t = Planets(count), torch.linspace(0, 10, 11, dtype=torch.float64)
    angles = torch.from_numpy(np.random.default_rng(0).uniform(0, 2 * np.pi, (100, count)))
    x0 = system.on_circles(angles)
    ours.motion(system, x0, t[:2], 1e-9)
    return Cost(clock(lambda: ours.motion(system, x0, t, 1e-9))(), None)


def training(points: int = 750, batch: int | str = "full", seeds: int = 1, hidden: int = 200) -> Cost:
    """One training step of an HNN of a pendulum, of all seeds."""
    truth, x = ours.truth("pendulum"), ours.starts("pendulum", points)[None]
    dx = truth.time_derivative(x).detach()
    observed = Observations(np.arange(points), x.numpy(), dx.numpy())
    look = observed.part(time=slice(10))  # the loss on test data is not what is measured
    how = ours.recipe("pendulum", batch=batch)

    def run(count: int) -> None:
        ours.fit("pendulum", "hnn", observed, look, how.model_copy(update={"steps": count}), seeds, hidden=hidden)

    run(1)  # starts the workers
    steps = 1 if seeds == 1 else 64  # forks take longer than a few steps
    while clock(partial(run, steps))() < LEAST:
        steps *= 4
    return Cost(per_step(run, steps)(), None)


CASES: dict[str, Callable[[int], Cost]] = {
    "starts": starts,
    "horizon": horizon,
    "kept": kept,
    "bodies": bodies,
    "width": lambda hidden: training(hidden=hidden),
    "points": lambda points: training(points=points),
    "seeds": lambda seeds: training(batch=200, seeds=seeds),
}


def measure(case: tuple[str, int]) -> dict[str, float | None]:
    """Measure one case, alone in its process."""
    use_all_cores()
    name, size = case
    return asdict(CASES[name](size))
