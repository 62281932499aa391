"""The training loop: minimise a loss by Adam, for one model or for several as one batch."""

import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import ceil
from typing import Generic, TypeVar

import torch
from torch import Tensor, nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler

from hnn.core.errors import Refused
from hnn.parallel.progress import steps_of
from hnn.training.checkpoints import Checkpoint, FitState
from hnn.training.ensemble import Ensemble, Single
from hnn.training.optimizer import OptimizerOptions, adam, learning_rates

__all__ = ["NonFiniteLoss", "Problem", "minimise"]

CURVE_POINTS = 50
"""Number of points of a training curve."""

M = TypeVar("M", bound=nn.Module)


class NonFiniteLoss(Refused, ArithmeticError):
    """The loss became infinite or NaN, after which the fit cannot recover."""


@dataclass(frozen=True)
class Problem(Generic[M]):
    """A loss with its batches and the losses of its training curve."""

    loss: Callable[..., Tensor]
    """(model, *batch) -> the loss that is minimised, a scalar; without a graph if it has also written the gradients."""
    draw_batches: Callable[[int, range], Sequence[Tensor]]
    """(i, steps) -> the tensors of the batches of model i for these steps, each (len(steps), …)."""
    curve_losses: Callable[[int, M], dict[str, float]]
    """(i, model i) -> the losses of a row of its training curve; a `validation_loss` selects the best weights."""
    generators: Sequence[torch.Generator] = ()
    """The random numbers of the batches of each model."""
    data: Sequence[Tensor] = ()
    """What the losses are computed from. A fit goes on from a checkpoint only if these are the same."""


def minimise(
    models: Sequence[M],
    problem: Problem[M],
    options: OptimizerOptions,
    *,
    rates: Mapping[str, float] | None = None,
    labels: Sequence[str] | None = None,
) -> list[list[dict[str, float]]]:
    """Minimise the loss of each of several independent models of one architecture by Adam; return their training curves.

    Models are trained in place, several as one batch. If the curve has a `validation_loss`, a model ends with the weights at
    which it was lowest. `rates` are learning rates of parameters by the beginning of their names, where they differ from that
    of the options. `labels` name the fits on the progress bar.

    The loop reads no value from the device except at the points of the curve, every steps/50. Only there is a non-finite loss
    detected; `NonFiniteLoss` names the step at which it occurred first. There, too, the fit writes checkpoints, see
    `hnn.training.checkpoints`: weights, optimizer, random numbers and curves.

    >>> model = nn.Linear(1, 1, bias=False)
    >>> _ = nn.init.zeros_(model.weight)
    >>> problem = Problem(
    ...     loss=lambda model: (model.weight - 3).square().sum(),
    ...     draw_batches=lambda i, steps: [],
    ...     curve_losses=lambda i, model: {"train_loss": (model.weight.item() - 3) ** 2},
    ... )
    >>> options = OptimizerOptions(
    ...     steps=200, learning_rate=0.1, schedule="one_cycle", warmup_fraction=0.3,
    ...     beta1=0.9, beta1_min=0.8, beta2=0.99, weight_decay=0.0, gradient_clip=0.0,
    ... )
    >>> (curve,) = minimise([model], problem, options)
    >>> curve[-1]["step"], abs(model.weight.item() - 3) < 1e-2
    (200, True)
    """
    # Set up: weights, optimizer, schedule
    keep_freed_memory()
    objective = Single(models[0], problem.loss) if len(models) == 1 else Ensemble(models, problem.loss)
    optimizer = adam(objective.weights, options, rates or {})
    scheduler = learning_rates(optimizer, options)
    steps, interval = options.steps, ceil(options.steps / CURVE_POINTS)
    device = next(models[0].parameters()).device
    losses = torch.zeros(interval, len(models), device=device)  # since the last point of the curve
    curves: list[list[dict[str, float]]] = [[] for _ in models]
    best: list[dict[str, Tensor]] = [{} for _ in models]  # weights, empty without validation
    add_curve_point(models, problem, curves, best, 0, float(scheduler.get_last_lr()[0]))

    # Go on from a checkpoint
    about = (labels, options, dict(rates or {}), curves)
    streams = [generator.get_state() for generator in problem.generators]
    fixed = [tensor for model in models for tensor in model.state_dict().values()]
    checkpoint = Checkpoint(about, [*fixed, *streams, *problem.data])
    fit, done = Running(objective, optimizer, problem.generators, curves, best), 0
    if saved := checkpoint.read():
        done = fit.restore(saved)
        advance(scheduler, done)

    for step in (bar := steps_of(steps, ", ".join(labels) if labels else None, done=done)):
        i, rate = (step - 1) % interval, float(scheduler.get_last_lr()[0])

        # Draw the batches up to the next point of the curve
        if i == 0:
            ahead = range(step, min(step + interval, steps + 1))
            batches = objective.join([problem.draw_batches(j, ahead) for j in range(len(models))])

        # Take one step
        losses[i] = take_step(objective, [tensor[i] for tensor in batches], optimizer, options.gradient_clip)
        scheduler.step()

        # Evaluate the curve
        if i == interval - 1 or step == steps:
            check_finite(losses[: i + 1], step - i, steps, rate, labels)
            add_curve_point(models, problem, curves, best, step, rate)
            bar.set_postfix(loss=f"{curves[0][-1]['train_loss']:.3e}", refresh=False)
            checkpoint.write(fit.state(step))

    # Restore the best weights, and end the sharing of storage among the models
    for model, weights in zip(models, best, strict=True):
        model.load_state_dict(weights or copied_weights(model), assign=True)
    return curves


@dataclass(frozen=True)
class Running:
    """What a fit changes while it runs."""

    objective: Single | Ensemble
    optimizer: Optimizer
    generators: Sequence[torch.Generator]
    curves: list[list[dict[str, float]]]
    best: list[dict[str, Tensor]]

    def state(self, step: int) -> FitState:
        """The state after a step at which the curve has a point."""
        tensors = {f"weights.{name}": weight for name, weight in self.objective.weights.items()}
        for name, weight in self.objective.weights.items():
            tensors |= {f"optimizer.{name}.{key}": one for key, one in self.optimizer.state[weight].items()}
        for i, weights in enumerate(self.best):
            tensors |= {f"best {i}.{name}": one for name, one in weights.items()}
        tensors |= {f"generator.{i}": generator.get_state() for i, generator in enumerate(self.generators)}
        return FitState(tensors, {"step": step, "curves": self.curves})

    @torch.no_grad()
    def restore(self, saved: FitState) -> int:
        """Return to a saved state; return its step."""
        for name, weight in self.objective.weights.items():
            weight.copy_(saved.tensors[f"weights.{name}"])
            self.optimizer.state[weight] = on(weight.device, saved.group(f"optimizer.{name}"))
        for i, weights in enumerate(self.best):
            weights.update(on(next(iter(self.objective.weights.values())).device, saved.group(f"best {i}")))
        for i, generator in enumerate(self.generators):
            generator.set_state(saved.tensors[f"generator.{i}"])
        for curve, rows in zip(self.curves, saved.values["curves"], strict=True):
            curve[:] = rows
        return int(saved.values["step"])


def on(device: torch.device, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The tensors on a device."""
    return {name: one.to(device) for name, one in tensors.items()}


def advance(scheduler: LRScheduler, steps: int) -> None:
    """Take so many steps of the schedule, which computes a rate from the one before it."""
    with warnings.catch_warnings():
        # The scheduler counts the steps of this process's optimizer alone.
        warnings.filterwarnings("ignore", "Detected call of `lr_scheduler.step", UserWarning)
        for _ in range(steps):
            scheduler.step()


def take_step(objective: Single | Ensemble, batch: Sequence[Tensor], optimizer: Optimizer, gradient_clip: float) -> Tensor:
    """Take one step of the optimizer; return the losses (models,) before it."""
    losses = objective.losses(batch)
    if losses.requires_grad:
        optimizer.zero_grad()
        losses.sum().backward()
    if gradient_clip > 0:
        clip(objective.gradients(), gradient_clip)
    optimizer.step()
    return losses.detach()


def keep_freed_memory() -> None:
    """Make the C library keep freed memory for the next step instead of returning it to the system.

    glibc keeps freed blocks up to the size of the largest block freed so far, at most 32 MB. Without this every step pays for
    page faults again.
    """
    torch.empty(31 * 2**20, dtype=torch.uint8)


def clip(gradients: Sequence[Sequence[Tensor]], bound: float) -> None:
    """Scale the gradients of each model down to the norm `bound` if theirs is larger, without a device synchronisation.

    >>> gradient = torch.tensor([3.0, 4.0])
    >>> clip([[gradient]], bound=1.0)
    >>> gradient
    tensor([0.6000, 0.8000])
    """
    for model_gradients in gradients:
        scale = (bound / torch.nn.utils.get_total_norm(model_gradients)).clamp(max=1)
        for gradient in model_gradients:
            gradient.mul_(scale)


def check_finite(losses: Tensor, first: int, steps: int, rate: float, labels: Sequence[str] | None) -> None:
    """Raise `NonFiniteLoss` if one of the losses (steps, models) since step `first` is not finite."""
    non_finite = (~losses.isfinite()).nonzero()
    if len(non_finite):
        step, i = non_finite[0].tolist()
        label = f"{labels[i]}: " if labels else ""
        raise NonFiniteLoss(
            f"{label}loss {losses[step, i].item()} at step {first + step} of {steps}, learning rate {rate:.3g}; "
            "lower learning_rate or set gradient_clip"
        )


def add_curve_point(
    models: Sequence[M],
    problem: Problem[M],
    curves: Sequence[list[dict[str, float]]],
    best: Sequence[dict[str, Tensor]],
    step: int,
    rate: float,
) -> None:
    """Append a row to the curve of each model, and copy its weights to `best` if its validation loss is the lowest so far."""
    for i, (model, curve, weights) in enumerate(zip(models, curves, best, strict=True)):
        curve.append({"step": step, "learning_rate": rate, **problem.curve_losses(i, model)})
        if "validation_loss" in curve[-1] and curve[-1] is min(curve, key=lambda row: row["validation_loss"]):
            weights.update(copied_weights(model))


def copied_weights(model: nn.Module) -> dict[str, Tensor]:
    """A copy of the present weights of a model."""
    return {name: weight.clone() for name, weight in model.state_dict().items()}
