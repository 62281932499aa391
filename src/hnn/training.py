"""Fit one model to one set of observations: a flat loop, and a pure function of its arguments."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from math import ceil
from statistics import fmean
from typing import Any, Generic, Literal, TypeVar

import torch
from torch import Tensor, nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import ConstantLR, LRScheduler, OneCycleLR

from hnn.errors import Refused
from hnn.losses import derivative_loss
from hnn.model import Model
from hnn.progress import steps_of
from hnn.trajectories import Observations

__all__ = ["Fit", "NonFiniteLoss", "curves", "descend", "fit", "hold_out"]

CURVE_POINTS, CURVE_SAMPLE = 50, 2000
"""How often the losses are evaluated for the curve, and on how many points at most: so that watching costs little."""

M = TypeVar("M", bound=nn.Module)


class NonFiniteLoss(Refused, ArithmeticError):
    """The loss became infinite or NaN: the fit is lost from there on."""


@dataclass(frozen=True)
class Fit(Generic[M]):
    """A trained model and how it got there."""

    model: M
    curve: list[dict[str, float]]
    """Rows of step, learning_rate, train_loss and test_loss (and others, where there are more), of a sample."""
    losses: dict[str, float]
    """The same losses of the model as returned, on all points."""


def descend(
    model: nn.Module,
    loss: Callable[[], Tensor],
    watch: Callable[[], dict[str, float]],
    *,
    steps: int,
    learning_rate: float,
    schedule: Literal["constant", "one_cycle"],
    weight_decay: float,
    gradient_clip: float,
    groups: Iterable[dict[str, Any]] | None = None,
    label: str | None = None,
) -> list[dict[str, float]]:
    """Minimise `loss`, of a fresh batch at each call, by Adam; the rows of the curve, with the losses that `watch` finds.

    `learning_rate` is the constant rate, or the peak of the one-cycle schedule; `weight_decay` is Adam's (an L2 penalty);
    gradients are clipped to the norm `gradient_clip` unless that is 0. `groups` are Adam's parameter groups, with rates of
    their own (all of the model, if None). If `watch` gives a `validation_loss`, the model ends as it was where that was
    lowest. `label` names the fit on the progress bar. Raises `NonFiniteLoss` at the first step whose loss is not a number.
    """
    groups = [{"params": model.parameters()}] if groups is None else groups
    optimizer = torch.optim.Adam(groups, learning_rate, weight_decay=weight_decay, fused=True)
    rates = learning_rates(optimizer, schedule, steps)
    curve: list[dict[str, float]] = []
    best: dict[str, Tensor] = {}

    def look(step: int, rate: float | Tensor) -> None:
        """Add a row to the curve, and keep the weights if they are the best so far on held-out points."""
        curve.append({"step": step, "learning_rate": float(rate), **watch()})
        if "validation_loss" in curve[-1] and curve[-1] is min(curve, key=lambda row: row["validation_loss"]):
            best.update(deepcopy(model.state_dict()))

    look(0, rates.get_last_lr()[0])
    for step in (bar := steps_of(steps, label)):
        rate = rates.get_last_lr()[0]
        value = loss()
        if not value.isfinite():
            where = f"{label}: " if label else ""
            raise NonFiniteLoss(
                f"{where}loss {value.item()} at step {step} of {steps}, learning rate {rate:.3g}; "
                "lower learning_rate or set gradient_clip"
            )
        optimizer.zero_grad()
        value.backward()
        if gradient_clip > 0:
            torch.nn.utils.clip_grad_norm_(model.parameters(), gradient_clip)
        optimizer.step()
        rates.step()
        if step % ceil(steps / CURVE_POINTS) == 0 or step == steps:
            look(step, rate)
            bar.set_postfix(loss=f"{curve[-1]['train_loss']:.3e}", refresh=False)
    if best:
        model.load_state_dict(best)
    return curve


def fit(
    model: Model,
    train: Observations,
    test: Observations,
    *,
    batch: int | Literal["full"],
    validation: float,
    generator: torch.Generator,
    **recipe: Any,
) -> Fit[Model]:
    """Minimise `derivative_loss` on `train`, in the precision and on the device of `model`, which is trained in place.

    `test` is only looked at, for the curve. `validation` is the fraction of `train` held out to choose the best weights;
    batches are drawn from `generator`, with replacement unless full; `recipe` are the options of `descend`.
    """
    sets = points_by_loss(train, test, validation, next(model.parameters()))
    x, dx = sets["train_loss"]
    sample = {name: tuple(part[:: ceil(len(part) / CURVE_SAMPLE)] for part in points) for name, points in sets.items()}

    def loss() -> Tensor:
        i = slice(None) if batch == "full" else torch.randint(len(x), (batch,), generator=generator).to(x.device)
        return derivative_loss(model, x[i], dx[i])

    curve = descend(model, loss, lambda: losses(model, sample), **recipe)
    return Fit(model, curve, losses(model, sets))


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


def curves(fits: Sequence[Fit[Any]]) -> list[dict[str, float]]:
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


def learning_rates(optimizer: Optimizer, schedule: str, steps: int) -> LRScheduler:
    """`constant`, as published, or `one_cycle`: up for 30 % of the steps, down for the rest (Smith, Topin 2018)."""
    if schedule == "constant":
        return ConstantLR(optimizer, factor=1.0, total_iters=0)
    # One step more than is taken: the scheduler also steps after the last, and its last rate is not zero but tiny.
    return OneCycleLR(optimizer, max_lr=[group["lr"] for group in optimizer.param_groups], total_steps=steps + 1)


def losses(model: Model, sets: Mapping[str, tuple[Tensor, ...]]) -> dict[str, float]:
    """The loss of each set of points (x, dx)."""
    with torch.no_grad():
        return {name: derivative_loss(model, x, dx).item() for name, (x, dx) in sets.items()}
