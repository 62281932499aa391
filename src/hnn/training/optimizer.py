"""The optimiser: Adam and the schedule of its learning rate."""

from collections.abc import Mapping
from dataclasses import dataclass
from inspect import unwrap
from typing import Any, Literal

import torch
from torch import Tensor
from torch.optim import Adam, Optimizer
from torch.optim.lr_scheduler import ConstantLR, LRScheduler, OneCycleLR

__all__ = ["EagerAdam", "OptimizerOptions", "adam", "learning_rates"]


@dataclass(frozen=True)
class OptimizerOptions:
    """Options of `hnn.training.loop.minimise`."""

    steps: int
    learning_rate: float
    """Constant learning rate, or peak of the one-cycle schedule."""
    schedule: Literal["constant", "one_cycle"]
    warmup_fraction: float
    """Fraction of the steps before the peak of the one-cycle schedule."""
    beta1: float
    """Decay rate of Adam's mean of gradients."""
    beta1_min: float
    """Value of `beta1` at the peak of the one-cycle schedule."""
    beta2: float
    """Decay rate of Adam's mean of squared gradients."""
    weight_decay: float
    """Coefficient of the L2 penalty."""
    gradient_clip: float
    """Largest norm of the gradient of each model; 0: not clipped."""


class EagerAdam(Adam):
    """Adam (Kingma, Ba 2015) without the decorators for compiled code.

    At their first call they import PyTorch's compiler, `torch._dynamo`, which takes more than a second in every process.
    """

    add_param_group = unwrap(Adam.add_param_group)
    zero_grad = unwrap(Adam.zero_grad)

    @torch.no_grad()
    def step(self, closure: None = None) -> None:  # type: ignore[override]
        """One step of all weights that have a gradient."""
        for group in self.param_groups:
            weights = [weight for weight in group["params"] if weight.grad is not None]
            if not weights:
                continue
            states = [self.state[weight] or self.first_state(weight) for weight in weights]
            steps, means, mean_squares = ([state[key] for state in states] for key in ("step", "exp_avg", "exp_avg_sq"))
            torch._foreach_add_(steps, 1)
            torch._fused_adam_(
                weights,
                [weight.grad for weight in weights],
                means,
                mean_squares,
                [],
                steps,
                lr=group["lr"],
                beta1=group["betas"][0],
                beta2=group["betas"][1],
                weight_decay=group["weight_decay"],
                eps=group["eps"],
                amsgrad=False,
                maximize=False,
            )

    def first_state(self, weight: Tensor) -> dict[str, Tensor]:
        """The state of a weight before its first step."""
        self.state[weight] = {
            "step": torch.zeros((), device=weight.device),
            "exp_avg": torch.zeros_like(weight),
            "exp_avg_sq": torch.zeros_like(weight),
        }
        return self.state[weight]


def adam(weights: Mapping[str, Tensor], options: OptimizerOptions, rates: Mapping[str, float]) -> Adam:
    """The optimiser of weights by name; `rates` gives other learning rates by the beginning of names."""
    groups, betas = parameter_groups(weights, rates), (options.beta1, options.beta2)
    return EagerAdam(groups, options.learning_rate, betas, weight_decay=options.weight_decay, fused=True)


def parameter_groups(weights: Mapping[str, Tensor], rates: Mapping[str, float]) -> list[dict[str, Any]]:
    """Parameter groups of Adam: for each key of `rates` the weights whose names begin with it, and a group of all others.

    >>> from torch import ones
    >>> parameter_groups({"encoder.weight": ones(1), "weight": ones(1)}, {"encoder.": 0.1})
    [{'params': [tensor([1.])]}, {'params': [tensor([1.])], 'lr': 0.1}]
    """
    groups: dict[str, dict[str, Any]] = {"": {"params": []}} | {k: {"params": [], "lr": rate} for k, rate in rates.items()}
    for name, weight in weights.items():
        groups[next((key for key in rates if name.startswith(key)), "")]["params"].append(weight)
    return [group for group in groups.values() if group["params"]]


def learning_rates(optimizer: Optimizer, options: OptimizerOptions) -> LRScheduler:
    """The schedule `constant`, as published, or `one_cycle`: a rise, then a decay (Smith, Topin 2018).

    In the one-cycle schedule Adam's first coefficient falls from `beta1` to `beta1_min` at the peak, and rises again.
    """
    if options.schedule == "constant":
        return ConstantLR(optimizer, factor=1.0, total_iters=0)
    return OneCycleLR(
        optimizer,
        max_lr=[group["lr"] for group in optimizer.param_groups],
        total_steps=options.steps + 1,  # the scheduler also steps after the last step
        pct_start=options.warmup_fraction,
        base_momentum=options.beta1_min,
        max_momentum=options.beta1,
    )
