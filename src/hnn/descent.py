"""Minimise a loss by Adam: one flat loop, for one model or for several as one batch."""

from collections.abc import Callable, Mapping, Sequence
from copy import deepcopy
from math import ceil
from typing import Any, Literal, TypeVar

import torch
from torch import Tensor, nn
from torch.func import functional_call, stack_module_state, vmap
from torch.optim import Optimizer
from torch.optim.lr_scheduler import ConstantLR, LRScheduler, OneCycleLR

from hnn.errors import Refused
from hnn.progress import steps_of

__all__ = ["NonFiniteLoss", "Stack", "descend"]

CURVE_POINTS = 50
"""How often the losses are evaluated for the curve."""

M = TypeVar("M", bound=nn.Module)


class NonFiniteLoss(Refused, ArithmeticError):
    """The loss became infinite or NaN: the fit is lost from there on."""


def descend(
    models: Sequence[M],
    loss: Callable[..., Tensor],
    draw: Callable[[int, int], Sequence[Tensor]],
    watch: Callable[[M], dict[str, float]],
    *,
    steps: int,
    learning_rate: float,
    schedule: Literal["constant", "one_cycle"],
    rise: float,
    beta1: float,
    beta1_at_peak: float,
    beta2: float,
    weight_decay: float,
    gradient_clip: float,
    rates: Mapping[str, float] | None = None,
    labels: Sequence[str] | None = None,
) -> list[list[dict[str, float]]]:
    """Minimise `loss(model, *batch)` by Adam, for each of several models of one kind that know nothing of each other.

    `draw(i, count)` gives what picks the next `count` batches of model i, each tensor with them along its first axis. The
    curve of each model is returned, with the losses that `watch(model)` finds; if there is a `validation_loss` among them, the
    model ends as it was where that was lowest. `learning_rate` is the constant rate, or the peak of the one-cycle schedule,
    which is reached after the fraction `rise` of the steps; `rates` are those of parameters by the beginning of their names;
    `beta1`, `beta2` and `weight_decay` (an L2 penalty) are Adam's, with `beta1_at_peak` where the rate of the cycle is
    highest; the gradients of each model are clipped to the norm `gradient_clip` unless that is 0. `labels` name the fits on
    the progress bar.

    Several models are computed as one batch. Nothing in the loop waits for the device but a look at the curve, once in
    steps/50: only then is it seen, and `NonFiniteLoss` raised, if a loss was not a number, at the step where it was first.
    """
    keep_freed_memory()
    task = Lone(models[0], loss) if len(models) == 1 else Stack(models, loss)
    groups, betas = parameter_groups(task.weights, rates or {}), (beta1, beta2)
    optimizer = torch.optim.Adam(groups, learning_rate, betas, weight_decay=weight_decay, fused=True)
    scheduler = learning_rates(optimizer, schedule, steps, rise, (beta1, beta1_at_peak))
    interval = ceil(steps / CURVE_POINTS)
    values = torch.zeros(interval, len(models), device=next(models[0].parameters()).device)
    curves: list[list[dict[str, float]]] = [[] for _ in models]
    best: list[dict[str, Tensor]] = [{} for _ in models]
    look(models, watch, curves, best, 0, float(scheduler.get_last_lr()[0]))
    for step in (bar := steps_of(steps, ", ".join(labels) if labels else None)):
        now, rate = (step - 1) % interval, float(scheduler.get_last_lr()[0])
        if now == 0:
            batches = task.join([draw(i, min(interval, steps - step + 1)) for i in range(len(models))])
        value = task.losses([part[now] for part in batches])
        values[now] = value.detach()
        optimizer.zero_grad()
        value.sum().backward()
        if gradient_clip > 0:
            clip(task.gradients(), gradient_clip)
        optimizer.step()
        scheduler.step()
        if now == interval - 1 or step == steps:
            check(values[: now + 1], step - now, steps, rate, labels)
            look(models, watch, curves, best, step, rate)
            bar.set_postfix(loss=f"{curves[0][-1]['train_loss']:.3e}", refresh=False)
    for model, weights in zip(models, best, strict=True):
        model.load_state_dict(weights or copied(model), assign=True)  # no longer views, if they were
    return curves


def keep_freed_memory() -> None:
    """Have the C library keep what is freed for the next step instead of handing it back to the system.

    glibc does so with blocks up to the size of the largest that it has seen freed, of 32 MB at most. Without it every step
    faults in its pages anew.
    """
    torch.empty(31 * 2**20, dtype=torch.uint8)


def copied(model: nn.Module) -> dict[str, Tensor]:
    """The weights of a model as they are now."""
    return {name: weight.clone() for name, weight in model.state_dict().items()}


class Lone:
    """One model: its loss, weights and gradients as they are."""

    def __init__(self, model: nn.Module, loss: Callable[..., Tensor]) -> None:
        self.model, self.loss = model, loss
        self.weights = {name: weight for name, weight in model.named_parameters() if weight.requires_grad}

    def join(self, drawn: Sequence[Sequence[Tensor]]) -> list[Tensor]:
        """What was drawn for the one model."""
        return list(drawn[0])

    def losses(self, batch: Sequence[Tensor]) -> Tensor:
        """The loss, shape (1,)."""
        return self.loss(self.model, *batch)[None]

    def gradients(self) -> list[list[Tensor]]:
        """Of the one model."""
        return [[weight.grad for weight in self.weights.values() if weight.grad is not None]]


class Stack:
    """Models as one batch, for a GPU, where small kernels are bound by their launches.

    Their weights lie side by side in memory, and each model's own become views of them: who looks at a model sees it trained.
    """

    def __init__(self, models: Sequence[nn.Module], loss: Callable[..., Tensor]) -> None:
        self.all, self.buffers = stack_module_state(list(models))
        for name, weights in self.all.items():
            for model, weight in zip(models, weights.detach(), strict=True):
                model.get_parameter(name).data = weight
        self.weights = {name: weight for name, weight in self.all.items() if weight.requires_grad}
        self.objective = Objective(deepcopy(models[0]).to("meta"), loss)

    def join(self, drawn: Sequence[Sequence[Tensor]]) -> list[Tensor]:
        """What was drawn, of shape (batches, models, …)."""
        return [torch.stack(parts, dim=1) for parts in zip(*drawn, strict=True)]

    def losses(self, batch: Sequence[Tensor]) -> Tensor:
        """The loss of each model, shape (models,)."""

        def of_one(weights: dict[str, Tensor], buffers: dict[str, Tensor], *parts: Tensor) -> Tensor:
            state = {f"model.{name}": tensor for name, tensor in (weights | buffers).items()}
            found: Tensor = functional_call(self.objective, state, parts)
            return found

        return vmap(of_one)(self.all, self.buffers, *batch)

    def gradients(self) -> list[list[Tensor]]:
        """Of each model."""
        stacked = [weight.grad for weight in self.weights.values() if weight.grad is not None]
        return [list(gradients) for gradients in zip(*stacked, strict=True)]


class Objective(nn.Module):
    """A loss as a module of the model that it judges, so that weights can be put in from outside."""

    def __init__(self, model: nn.Module, loss: Callable[..., Tensor]) -> None:
        super().__init__()
        self.model, self.loss = model, loss

    def forward(self, *batch: Tensor) -> Tensor:
        """The loss, a scalar."""
        return self.loss(self.model, *batch)


def parameter_groups(weights: Mapping[str, Tensor], rates: Mapping[str, float]) -> list[dict[str, Any]]:
    """Adam's groups: the weights whose name begins as a key of `rates` says, each with its rate, and the rest."""
    groups: dict[str, dict[str, Any]] = {"": {"params": []}} | {k: {"params": [], "lr": rate} for k, rate in rates.items()}
    for name, weight in weights.items():
        groups[next((key for key in rates if name.startswith(key)), "")]["params"].append(weight)
    return [group for group in groups.values() if group["params"]]


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


def learning_rates(optimizer: Optimizer, schedule: str, steps: int, rise: float, beta1: tuple[float, float]) -> LRScheduler:
    """`constant`, as published, or `one_cycle`: up for the fraction `rise` of the steps, then down (Smith, Topin 2018).

    Adam's first coefficient goes the other way, between the two of `beta1`: at the ends, and at the peak.
    """
    if schedule == "constant":
        return ConstantLR(optimizer, factor=1.0, total_iters=0)
    # One step more than is taken: the scheduler also steps after the last, and its last rate is not zero but tiny.
    peaks, (most, least) = [group["lr"] for group in optimizer.param_groups], beta1
    return OneCycleLR(optimizer, max_lr=peaks, total_steps=steps + 1, pct_start=rise, base_momentum=least, max_momentum=most)
