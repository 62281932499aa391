"""Minimise a loss by Adam: one flat loop, for one model or for several as one batch."""

from collections.abc import Callable, Mapping, Sequence
from math import ceil
from typing import TypeVar

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from hnn.core.errors import Refused
from hnn.parallel.progress import steps_of
from hnn.training.ensemble import Ensemble, Single
from hnn.training.optimizer import OptimizerOptions, adam, learning_rates

__all__ = ["NonFiniteLoss", "minimise"]

CURVE_POINTS = 50
"""How often the losses are evaluated for the curve."""

M = TypeVar("M", bound=nn.Module)


class NonFiniteLoss(Refused, ArithmeticError):
    """The loss became infinite or NaN: the fit is lost from there on."""


def minimise(
    models: Sequence[M],
    loss: Callable[..., Tensor],
    draw: Callable[[int, int], Sequence[Tensor]],
    watch: Callable[[M], dict[str, float]],
    recipe: OptimizerOptions,
    *,
    rates: Mapping[str, float] | None = None,
    labels: Sequence[str] | None = None,
) -> list[list[dict[str, float]]]:
    """Minimise `loss(model, *batch)` by Adam, for each of several models of one kind that know nothing of each other.

    `draw(i, count)` gives what picks the next `count` batches of model i, each tensor with them along its first axis. The
    curve of each model is returned, with the losses that `watch(model)` finds; if there is a `validation_loss` among them, the
    model ends as it was where that was lowest. `rates` are the learning rates of parameters by the beginning of their names,
    where they are not the recipe's. `labels` name the fits on the progress bar.

    Several models are computed as one batch. Nothing in the loop waits for the device but a look at the curve, once in
    steps/50: only then is it seen, and `NonFiniteLoss` raised, if a loss was not a number, at the step where it was first.
    """
    keep_freed_memory()
    task = Single(models[0], loss) if len(models) == 1 else Ensemble(models, loss)
    optimizer = adam(task.weights, recipe, rates or {})
    scheduler = learning_rates(optimizer, recipe)
    steps, interval = recipe.steps, ceil(recipe.steps / CURVE_POINTS)
    values = torch.zeros(interval, len(models), device=next(models[0].parameters()).device)
    curves: list[list[dict[str, float]]] = [[] for _ in models]
    best: list[dict[str, Tensor]] = [{} for _ in models]
    look(models, watch, curves, best, 0, float(scheduler.get_last_lr()[0]))
    for step in (bar := steps_of(steps, ", ".join(labels) if labels else None)):
        now, rate = (step - 1) % interval, float(scheduler.get_last_lr()[0])
        if now == 0:
            batches = task.join([draw(i, min(interval, steps - step + 1)) for i in range(len(models))])
        values[now] = one_step(task, [part[now] for part in batches], optimizer, recipe.gradient_clip)
        scheduler.step()
        if now == interval - 1 or step == steps:
            check(values[: now + 1], step - now, steps, rate, labels)
            look(models, watch, curves, best, step, rate)
            bar.set_postfix(loss=f"{curves[0][-1]['train_loss']:.3e}", refresh=False)
    for model, weights in zip(models, best, strict=True):
        model.load_state_dict(weights or copied(model), assign=True)  # no longer views, if they were
    return curves


def one_step(task: Single | Ensemble, batch: Sequence[Tensor], optimizer: Optimizer, gradient_clip: float) -> Tensor:
    """Take one step; the losses (models,) that it began from."""
    value = task.losses(batch)
    optimizer.zero_grad()
    value.sum().backward()
    if gradient_clip > 0:
        clip(task.gradients(), gradient_clip)
    optimizer.step()
    return value.detach()


def keep_freed_memory() -> None:
    """Have the C library keep what is freed for the next step instead of handing it back to the system.

    glibc does so with blocks up to the size of the largest that it has seen freed, of 32 MB at most. Without it every step
    faults in its pages anew.
    """
    torch.empty(31 * 2**20, dtype=torch.uint8)


def clip(gradients: Sequence[Sequence[Tensor]], bound: float) -> None:
    """Scale the gradients of each model down to the norm `bound` if it is larger, without waiting for the device."""
    for own in gradients:
        scale = (bound / torch.nn.utils.get_total_norm(own)).clamp(max=1)
        for gradient in own:
            gradient.mul_(scale)


def check(values: Tensor, first: int, steps: int, rate: float, labels: Sequence[str] | None) -> None:
    """Raise `NonFiniteLoss` if one of the losses (steps, models) since step `first` is not a number."""
    bad = (~values.isfinite()).nonzero()
    if len(bad):
        step, i = bad[0].tolist()
        where = f"{labels[i]}: " if labels else ""
        raise NonFiniteLoss(
            f"{where}loss {values[step, i].item()} at step {first + step} of {steps}, learning rate {rate:.3g}; "
            "lower learning_rate or set gradient_clip"
        )


def look(
    models: Sequence[M],
    watch: Callable[[M], dict[str, float]],
    curves: Sequence[list[dict[str, float]]],
    best: Sequence[dict[str, Tensor]],
    step: int,
    rate: float,
) -> None:
    """Add a row to the curve of each model, and keep its weights if they are the best so far on held-out points."""
    for model, curve, weights in zip(models, curves, best, strict=True):
        curve.append({"step": step, "learning_rate": rate, **watch(model)})
        if "validation_loss" in curve[-1] and curve[-1] is min(curve, key=lambda row: row["validation_loss"]):
            weights.update(copied(model))


def copied(model: nn.Module) -> dict[str, Tensor]:
    """The weights of a model as they are now."""
    return {name: weight.clone() for name, weight in model.state_dict().items()}
