"""Rollouts of a trained HNN to t = 20 at 100 times: all starts at once, against one solve per start or JAX."""

from functools import cache

import numpy as np
import torch
from numpy import ndarray
from torch import Tensor, nn

from bench import ours
from bench.harness import calibrate, clock, compare, ladder
from bench.machine import use_all_cores
from bench.reference.rollout import rollout
from bench.row import Row, row
from hnn.models.base import Model

__all__ = ["TASK", "TIGHT", "error", "one_turn", "rollout_15", "rollout_1000", "sequential", "times", "trained"]

TASK = "pendulum"  # whose published horizon this is
SAMPLE = 5
CHECKED = 5
TIGHT = 1e-12  # tolerance of the solution that errors are measured from


def times() -> Tensor:
    """The published grid."""
    return torch.linspace(0, 20, 100, dtype=torch.float64)


@cache
def trained() -> Model:
    """One HNN, trained as the pipeline does, in float64."""
    found = ours.data(TASK)
    (member,) = ours.fit(TASK, "hnn", found.train, found.test, ours.recipe(TASK), seeds=1)
    use_all_cores()  # a single fit leaves its own number of threads behind
    return member.double().eval().requires_grad_(False)


def sequential(member: Model, dtype: torch.dtype = torch.float32) -> nn.Sequential:
    """The same network as a plain stack of layers, in single precision as published."""
    hidden, inputs = next(member.parameters()).shape
    net = nn.Sequential(
        nn.Linear(inputs, hidden), nn.Tanh(), nn.Linear(hidden, hidden), nn.Tanh(), nn.Linear(hidden, 1, bias=False)
    )
    ours.copy_weights(member, net)
    return net.to(dtype)


def error(x: ndarray | Tensor, tight: ndarray | Tensor) -> float:
    """Root mean square of the distance to a tight solution, over that of the states."""
    x, tight = np.asarray(x), np.asarray(tight)
    return float(np.sqrt(np.square(x - tight).sum(-1).mean() / np.square(tight).sum(-1).mean()))


def one_by_one(net: nn.Sequential, starts: ndarray, t: Tensor, tolerance: float) -> ndarray:
    """The reference from each of `starts`, one after the other."""
    return np.stack([rollout(net, start, t.numpy(), tolerance) for start in starts])


def one_turn(member: Model, x0: Tensor, t: Tensor, tolerance: float) -> float:
    """The seconds that our rollouts take: for a process of its own."""
    return clock(lambda: ours.rollout(member, x0, t, tolerance))()


def equal_accuracy(member: Model, net: nn.Sequential, x0: Tensor, t: Tensor) -> tuple[dict[str, float], dict[str, float]]:
    """(tolerances, errors) of both sides: ours as in params.yaml, the reference as loose as that error allows."""
    mine = ours.params().tasks[TASK].rollout.tolerance
    checked, tight = x0[:CHECKED], ours.rollout(member, x0[:CHECKED], t, TIGHT)
    my_error = error(ours.rollout(member, x0, t, mine)[:CHECKED], tight)
    theirs, its_error = calibrate(
        lambda tolerance: error(one_by_one(net, checked.numpy(), t, tolerance), tight), my_error, ladder(1e-6, 1e-11)
    )
    return {"reference": theirs, "ours": mine}, {"reference": its_error, "ours": my_error}


def compare_with_published(count: int) -> Row:
    """Both sides from `count` starts, at equal accuracy."""
    use_all_cores()
    member, x0, t = trained(), ours.starts(TASK, count), times()
    net = sequential(member)
    tolerance, errors = equal_accuracy(member, net, x0, t)
    random, sample = np.random.default_rng(0), min(SAMPLE, count)
    found = compare(
        clock(lambda: one_by_one(net, random.permutation(x0.numpy())[:sample], t, tolerance["reference"]), sample / count),
        clock(lambda: ours.rollout(member, x0, t, tolerance["ours"])),
    )
    scaled = f"; {sample} of {count} drawn anew each turn and scaled" if sample < count else ""
    floor = ", the floor of float32" if errors["reference"] > errors["ours"] else ""
    return row(
        found,
        reference=f"one SciPy RK45 per start, rtol = atol = {tolerance['reference']:.0e}, float32 network on batches of one"
        f"{scaled}; error {errors['reference']:.1e} of the size of the motion{floor}",
        ours=f"integrators.rollout from all {count} starts at once, tolerance {tolerance['ours']:.0e} as in params.yaml; "
        f"error {errors['ours']:.1e}",
        error=errors | {"starts": min(CHECKED, count)},
    )


def rollout_1000() -> Row:
    """From 1000 starts."""
    return compare_with_published(1000)


def rollout_15() -> Row:
    """From the 15 starts that the published protocol has."""
    return compare_with_published(15)
