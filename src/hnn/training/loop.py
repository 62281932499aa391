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
    keep_freed_memory()
    fit = Running(models, problem, options, rates or {})
    checkpoint = fit.checkpoint((labels, options, dict(rates or {})))
    done = fit.restore(saved) if (saved := checkpoint.read()) else 0
    steps, interval = options.steps, ceil(options.steps / CURVE_POINTS)
    device = next(models[0].parameters()).device
    losses = torch.zeros(interval, len(models), device=device)  # since the last point of the curve

    for step in (bar := steps_of(steps, ", ".join(labels) if labels else None, done=done)):
        i, rate = (step - 1) % interval, fit.rate

        # Draw the batches up to the next point of the curve
        if i == 0:
            batches = fit.draw_batches(range(step, min(step + interval, steps + 1)))

        # Take one step
        losses[i] = take_step(fit.objective, [tensor[i] for tensor in batches], fit.optimizer, options.gradient_clip)
        fit.scheduler.step()

        # Evaluate the curve
        if i == interval - 1 or step == steps:
            check_finite(losses[: i + 1], step - i, steps, rate, labels)
            fit.add_curve_point(step, rate)
            bar.set_postfix(loss=f"{fit.curves[0][-1]['train_loss']:.3e}", refresh=False)
            checkpoint.write(fit.state)

    fit.restore_best_weights()
    return fit.curves


class Running(Generic[M]):
    """A fit while it runs: the models with their optimizer, schedule, random numbers, curves and best weights so far."""

    def __init__(
        self, models: Sequence[M], problem: Problem[M], options: OptimizerOptions, rates: Mapping[str, float]
    ) -> None:
        self.models, self.problem = models, problem
        self.objective = Single(models[0], problem.loss) if len(models) == 1 else Ensemble(models, problem.loss)
        self.optimizer = adam(self.objective.weights, options, rates)
        self.scheduler = learning_rates(self.optimizer, options)
        self.curves: list[list[dict[str, float]]] = [[] for _ in models]
        self.best: list[dict[str, Tensor]] = [{} for _ in models]  # weights, empty without validation
        self.add_curve_point(0, self.rate)

    @property
    def rate(self) -> float:
        """The learning rate of the next step."""
        return float(self.scheduler.get_last_lr()[0])

    def draw_batches(self, steps: range) -> list[Tensor]:
        """The batches of all models for these steps, each tensor (len(steps), …)."""
        return self.objective.join([self.problem.draw_batches(i, steps) for i in range(len(self.models))])

    def add_curve_point(self, step: int, rate: float) -> None:
        """Append a row to the curve of each model; copy its weights to `best` if its validation loss is the lowest so far."""
        for i, (model, curve, weights) in enumerate(zip(self.models, self.curves, self.best, strict=True)):
            curve.append({"step": step, "learning_rate": rate, **self.problem.curve_losses(i, model)})
            if "validation_loss" in curve[-1] and curve[-1] is min(curve, key=lambda row: row["validation_loss"]):
                weights.update(copied_weights(model))

    def restore_best_weights(self) -> None:
        """Give each model its best weights, or its present ones without validation, in storage of its own."""
        for model, weights in zip(self.models, self.best, strict=True):
            model.load_state_dict(weights or copied_weights(model), assign=True)

    def checkpoint(self, about: object) -> Checkpoint:
        """The checkpoint of a fit that has not begun, and that also depends on `about`."""
        streams = [generator.get_state() for generator in self.problem.generators]
        weights = [tensor for model in self.models for tensor in model.state_dict().values()]
        return Checkpoint((about, self.curves), [*weights, *streams, *self.problem.data])

    def state(self) -> FitState:
        """The state at the last point of the curve."""
        tensors = {f"weights.{name}": weight for name, weight in self.objective.weights.items()}
        for name, weight in self.objective.weights.items():
            tensors |= {f"optimizer.{name}.{key}": one for key, one in self.optimizer.state[weight].items()}
        for i, weights in enumerate(self.best):
            tensors |= {f"best {i}.{name}": one for name, one in weights.items()}
        tensors |= {f"generator.{i}": generator.get_state() for i, generator in enumerate(self.problem.generators)}
        return FitState(tensors, {"curves": self.curves})

    @torch.no_grad()
    def restore(self, saved: FitState) -> int:
        """Return to a saved state; return its step."""
        for name, weight in self.objective.weights.items():
            weight.copy_(saved.tensors[f"weights.{name}"])
            self.optimizer.state[weight] = saved.group(f"optimizer.{name}")
        for i, weights in enumerate(self.best):
            weights.update(saved.group(f"best {i}"))
        for i, generator in enumerate(self.problem.generators):
            generator.set_state(saved.tensors[f"generator.{i}"])
        for curve, rows in zip(self.curves, saved.values["curves"], strict=True):
            curve[:] = rows
        step = int(self.curves[0][-1]["step"])
        advance(self.scheduler, step)
        return step


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


def copied_weights(model: nn.Module) -> dict[str, Tensor]:
    """A copy of the present weights of a model."""
    return {name: weight.clone() for name, weight in model.state_dict().items()}
