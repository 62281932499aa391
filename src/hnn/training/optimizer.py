"""How a loss is minimised: Adam and the schedule of its rate."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from torch import Tensor
from torch.optim import Adam, Optimizer
from torch.optim.lr_scheduler import ConstantLR, LRScheduler, OneCycleLR

__all__ = ["OptimizerOptions", "adam", "learning_rates"]


@dataclass(frozen=True)
class OptimizerOptions:
    """The options of `descent.descend`."""

    steps: int
    learning_rate: float
    """The constant rate, or the peak of the one-cycle schedule."""
    schedule: Literal["constant", "one_cycle"]
    warmup_fraction: float
    """The fraction of the steps after which the cycle is at its peak."""
    beta1: float
    """Adam's memory of gradients."""
    beta1_min: float
    """The same where the rate of the cycle is highest."""
    beta2: float
    """Adam's memory of their squares."""
    weight_decay: float
    """Of an L2 penalty."""
    gradient_clip: float
    """The largest norm of the gradient of each model; 0: none."""


def adam(weights: Mapping[str, Tensor], recipe: OptimizerOptions, rates: Mapping[str, float]) -> Adam:
    """Adam (Kingma, Ba 2015) on weights by name, with the rates of `rates` for names that begin as its keys say."""
    groups, betas = parameter_groups(weights, rates), (recipe.beta1, recipe.beta2)
    return Adam(groups, recipe.learning_rate, betas, weight_decay=recipe.weight_decay, fused=True)


def parameter_groups(weights: Mapping[str, Tensor], rates: Mapping[str, float]) -> list[dict[str, Any]]:
    """Adam's groups: the weights whose name begins as a key of `rates` says, each with its rate, and the rest."""
    groups: dict[str, dict[str, Any]] = {"": {"params": []}} | {k: {"params": [], "lr": rate} for k, rate in rates.items()}
    for name, weight in weights.items():
        groups[next((key for key in rates if name.startswith(key)), "")]["params"].append(weight)
    return [group for group in groups.values() if group["params"]]


def learning_rates(optimizer: Optimizer, recipe: OptimizerOptions) -> LRScheduler:
    """`constant`, as published, or `one_cycle`: up for `warmup_fraction` of the steps, then down (Smith, Topin 2018).

    Adam's first coefficient goes the other way: from `beta1` to `beta1_min` and back.
    """
    if recipe.schedule == "constant":
        return ConstantLR(optimizer, factor=1.0, total_iters=0)
    return OneCycleLR(
        optimizer,
        max_lr=[group["lr"] for group in optimizer.param_groups],
        total_steps=recipe.steps + 1,  # one more than is taken: it also steps after the last, whose rate is not zero but tiny
        pct_start=recipe.warmup_fraction,
        base_momentum=recipe.beta1_min,
        max_momentum=recipe.beta1,
    )
