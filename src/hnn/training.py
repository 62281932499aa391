"""Fit one model to one set of observations: a flat loop, and a pure function of its arguments."""

from collections.abc import Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from math import ceil
from statistics import fmean
from typing import Literal

import torch
from torch import Tensor
from torch.optim import Optimizer
from torch.optim.lr_scheduler import ConstantLR, LRScheduler, OneCycleLR

from hnn.errors import Refused
from hnn.losses import derivative_loss
from hnn.model import Model
from hnn.progress import steps_of
from hnn.trajectories import Observations

__all__ = ["Fit", "NonFiniteLoss", "curves", "fit", "hold_out"]

CURVE_POINTS, CURVE_SAMPLE = 50, 2000
"""How often the losses are evaluated for the curve, and on how many points at most: so that watching costs little."""


class NonFiniteLoss(Refused, ArithmeticError):
    """The loss became infinite or NaN: the fit is lost from there on."""


@dataclass(frozen=True)
class Fit:
    """A trained model and how it got there."""

    model: Model
    curve: list[dict[str, float]]
    """Rows of step, learning_rate, train_loss and test_loss (and validation_loss, if points were held out), of a sample."""
    losses: dict[str, float]
    """The same losses of the model as returned, on all points."""


def hold_out(observations: Observations, fraction: float) -> tuple[Observations, Observations | None]:
    """(the rest, the held-out part): the last trajectories, or of a single recording the last times; None if fraction is 0."""
    if fraction == 0:
        return observations, None
    trajectories, time = observations.x.shape[:2]
    if trajectories == 1:
        cut = time - max(1, round(fraction * time))
        return observations.part(time=slice(cut)), observations.part(time=slice(cut, None))
    cut = trajectories - max(1, round(fraction * trajectories))
    return observations.part(slice(cut)), observations.part(slice(cut, None))


def fit(
    model: Model,
    train: Observations,
    test: Observations,
    *,
    steps: int,
    batch: int | Literal["full"],
    learning_rate: float,
    schedule: Literal["constant", "one_cycle"],
    weight_decay: float,
    gradient_clip: float,
    validation: float,
    generator: torch.Generator,
    label: str | None = None,
) -> Fit:
    """Minimise `derivative_loss` on `train` by Adam, in the precision and on the device of `model`, which is trained in place.

    `test` is only looked at, for the curve. `learning_rate` is the constant rate, or the peak of the one-cycle schedule;
    `weight_decay` is Adam's (an L2 penalty); gradients are clipped to the norm `gradient_clip` unless that is 0;
    `validation` is the fraction of `train` held out to choose the best weights; batches are drawn from `generator`, with
    replacement unless full. `label` names the fit on the progress bar. Raises `NonFiniteLoss` at the first step whose loss
    is not a number.
    """
    like = next(model.parameters())
    sets = points_by_loss(train, test, validation, like)
    x, dx = sets["train_loss"]
    sample = {name: tuple(part[:: ceil(len(part) / CURVE_SAMPLE)] for part in points) for name, points in sets.items()}
    optimizer = torch.optim.Adam(model.parameters(), learning_rate, weight_decay=weight_decay, fused=True)
    rates = learning_rates(optimizer, schedule, learning_rate, steps)
    curve: list[dict[str, float]] = []
    best: dict[str, Tensor] = {}
    for step in (bar := steps_of(steps, label)):
        rate = rates.get_last_lr()[0]
        i = slice(None) if batch == "full" else torch.randint(len(x), (batch,), generator=generator).to(x.device)
        loss = derivative_loss(model, x[i], dx[i])
        if not loss.isfinite():
            raise NonFiniteLoss(f"loss {loss.item()} at step {step} of {steps}, learning rate {rate:.3g}")
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        if gradient_clip > 0:
            torch.nn.utils.clip_grad_norm_(model.parameters(), gradient_clip)
        optimizer.step()
        rates.step()
        if step % ceil(steps / CURVE_POINTS) == 0 or step == steps:
            curve.append({"step": step, "learning_rate": float(rate), **losses(model, sample)})
            bar.set_postfix(loss=f"{curve[-1]['train_loss']:.3e}", refresh=False)
            if validation > 0 and curve[-1] is lowest(curve):
                best = deepcopy(model.state_dict())
    if best:
        model.load_state_dict(best)
    return Fit(model, curve, losses(model, sets))


def curves(fits: Sequence[Fit]) -> list[dict[str, float]]:
    """The curves of all seeds as one table: each step's rate, the mean of each loss over the seeds, then each seed's own."""
    rows = []
    for step in zip(*(f.curve for f in fits), strict=True):
        names = [name for name in step[0] if name.endswith("_loss")]
        row = {"step": step[0]["step"], "learning_rate": step[0]["learning_rate"]}
        row |= {name: fmean(fit[name] for fit in step) for name in names}
        rows.append(row | {f"{name}.{seed}": fit[name] for seed, fit in enumerate(step) for name in names})
    return rows


def points_by_loss(
    train: Observations, test: Observations, validation: float, like: Tensor
) -> dict[str, tuple[Tensor, Tensor]]:
    """The points (x, dx) of each loss of the curve; raises `Refused` if holding out leaves one without any."""
    kept, held = hold_out(train, validation)
    sets = {"train_loss": tensors(kept, like), "test_loss": tensors(test, like)}
    if held is not None:
        sets["validation_loss"] = tensors(held, like)
    empty = [name for name, (x, _) in sets.items() if len(x) == 0]
    if empty:
        allowed = "0, or a fraction that leaves points on both sides"
        raise Refused(
            f"train.validation: given {validation}, which leaves no points for {', '.join(empty)}; allowed: {allowed}"
        )
    return sets


def tensors(observations: Observations, like: Tensor) -> tuple[Tensor, Tensor]:
    """The points of the observations in the precision and on the device of `like`: the one place where float64 is left."""
    x, dx = observations.points()
    return torch.from_numpy(x).to(like), torch.from_numpy(dx).to(like)


def learning_rates(optimizer: Optimizer, schedule: str, peak: float, steps: int) -> LRScheduler:
    """`constant`, as published, or `one_cycle`: up for 30 % of the steps, down for the rest (Smith, Topin 2018)."""
    if schedule == "constant":
        return ConstantLR(optimizer, factor=1.0, total_iters=0)
    # One step more than is taken: the scheduler also steps after the last, and its last rate is not zero but tiny.
    return OneCycleLR(optimizer, max_lr=peak, total_steps=steps + 1)


def losses(model: Model, sets: Mapping[str, tuple[Tensor, ...]]) -> dict[str, float]:
    """The loss of each set of points (x, dx)."""
    with torch.no_grad():
        return {name: derivative_loss(model, x, dx).item() for name, (x, dx) in sets.items()}


def lowest(curve: list[dict[str, float]]) -> dict[str, float]:
    """The row of least validation loss."""
    return min(curve, key=lambda row: row["validation_loss"])
