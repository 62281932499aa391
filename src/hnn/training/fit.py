"""Fit models to one set of observations: a pure function of its arguments."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import ceil
from statistics import fmean
from typing import Any, Generic, Literal, TypeVar

import torch
from torch import Tensor, nn

from hnn.core.errors import Refused
from hnn.core.trajectories import Observations
from hnn.models.base import Model
from hnn.training.loop import minimise
from hnn.training.losses import derivative_loss
from hnn.training.optimizer import OptimizerOptions

__all__ = ["Fit", "curves", "fit", "hold_out"]

CURVE_SAMPLE = 500
"""On how many points at most the losses of the curve are evaluated, so that watching costs little."""

M = TypeVar("M", bound=nn.Module)


@dataclass(frozen=True)
class Fit(Generic[M]):
    """A trained model and how it got there."""

    model: M
    curve: list[dict[str, float]]
    """Rows of step, learning_rate, train_loss and test_loss (and others, where there are more), of a sample."""
    losses: dict[str, float]
    """The same losses of the model as returned, on all points."""


def fit(
    models: Sequence[Model],
    train: Observations,
    test: Observations,
    recipe: OptimizerOptions,
    *,
    batch: int | Literal["full"],
    validation: float,
    generators: Sequence[torch.Generator],
    labels: Sequence[str] | None = None,
) -> list[Fit[Model]]:
    """Minimise `derivative_loss` on `train`, in the precision and on the device of `models`, which are trained in place.

    One model for each seed, and a pure function of its arguments. `test` is only looked at, for the curve. `validation` is the
    fraction of `train` held out to choose the best weights; batches are drawn from each model's own generator, with
    replacement unless full. `labels` name the fits on the progress bar.
    """
    sets = points_by_loss(train, test, validation, next(models[0].parameters()))
    x, dx = sets["train_loss"]
    sample = {name: tuple(part[:: ceil(len(part) / CURVE_SAMPLE)] for part in points) for name, points in sets.items()}

    def draw(i: int, count: int) -> list[Tensor]:
        return [] if batch == "full" else [torch.randint(len(x), (count, batch), generator=generators[i]).to(x.device)]

    def loss(model: Model, *picked: Tensor) -> Tensor:
        return derivative_loss(model, x[picked], dx[picked]) if picked else derivative_loss(model, x, dx)

    curves = minimise(models, loss, draw, lambda model: losses(model, sample), recipe, labels=labels)
    return [Fit(model, curve, losses(model, sets)) for model, curve in zip(models, curves, strict=True)]


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


def losses(model: Model, sets: Mapping[str, tuple[Tensor, ...]]) -> dict[str, float]:
    """The loss of each set of points (x, dx)."""
    with torch.no_grad():
        return {name: derivative_loss(model, x, dx).item() for name, (x, dx) in sets.items()}
