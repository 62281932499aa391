"""Fits of models to observed states and their time derivatives."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import ceil, isfinite
from statistics import fmean
from typing import Any, Generic, Literal, TypeVar

import torch
from torch import Tensor, nn

from hnn.core.errors import Refused
from hnn.core.trajectories import Observations, of_seed
from hnn.models.base import Model
from hnn.training.loop import Problem, minimise
from hnn.training.losses import derivative_loss, in_place_loss
from hnn.training.noisy_trajectories import NoisyTrajectories, TrajectoryOptions
from hnn.training.optimizer import OptimizerOptions
from hnn.training.shooting import interval_loss
from hnn.training.trajectory_fit import Descent, fit_trajectories

__all__ = ["Fit", "curves", "fit", "refuse_diverged", "split_validation"]

CURVE_SAMPLE = 500
"""Largest number of points on which a loss of the training curve is evaluated, which bounds its cost."""

FAR_ABOVE = 10.0
"""A fit has diverged if its training loss ends at more than this many times the loss of its first weights."""

M = TypeVar("M", bound=nn.Module)


@dataclass(frozen=True)
class Fit(Generic[M]):
    """A trained model with its training curve and final losses."""

    model: M
    curve: list[dict[str, float]]
    """Rows of step, learning_rate, train_loss, test_loss and further losses, on a sample of the points."""
    losses: dict[str, float]
    """The same losses of the final model on all points."""

    @property
    def divergence(self) -> str | None:
        """The losses of a fit that ended far above where it began, in words; None for any other."""
        first = self.curve[0]["train_loss"]
        last = min(self.curve[-1]["train_loss"], self.losses["train_loss"])  # an autoencoder is rescaled after its curve
        if isfinite(last) and not last > FAR_ABOVE * first:
            return None
        return f"the training loss began at {first:.3g} and ended at {last:.3g}"


def fit(
    models: Sequence[Model],
    train: Sequence[Observations],
    test: Observations,
    options: OptimizerOptions,
    *,
    batch: int | Literal["full"],
    validation: float,
    generators: Sequence[torch.Generator],
    labels: Sequence[str] | None = None,
    trajectories: TrajectoryOptions | None = None,
) -> list[Fit[Model]]:
    """Minimise a loss for each model, in place, with the dtype and on the device of the models.

    The loss is `derivative_loss`, unless `trajectories` names another: `joint` goes on from there, `trajectory` uses states
    alone; see `hnn.training.trajectory_fit`. Losses of the curve are `derivative_loss`, or for `trajectory` `interval_loss`.

    `train` is a draw of training data for each model, of equal size, or one for all. `test` serves the training curve only.
    `validation` is the fraction of `train` that is held out to select the best weights. Batches are drawn with replacement
    from `generators[i]` for model i, unless they are the full data. `labels` name the fits on the progress bar.

    >>> from hnn.models.base import make_model
    >>> from hnn.systems.base import make_system
    >>> x = torch.randn(4, 10, 2, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    >>> dx = make_system("mass_spring", mass=0.5, stiffness=2.0).time_derivative(x).detach()
    >>> data = Observations(x[0, :, 0].numpy(), x.numpy(), dx.numpy())
    >>> generator = torch.Generator().manual_seed(0)
    >>> model = make_model("hnn", 1, hidden=16, layers=2, activation="tanh", generator=generator)
    >>> options = OptimizerOptions(
    ...     steps=100, learning_rate=0.01, schedule="one_cycle", warmup_fraction=0.3,
    ...     beta1=0.95, beta1_min=0.85, beta2=0.999, weight_decay=0.0, gradient_clip=0.0,
    ... )
    >>> (result,) = fit([model], [data], data, options, batch="full", validation=0.0, generators=[generator])
    >>> result.losses["train_loss"] < 0.1 * result.curve[0]["train_loss"]
    True
    """
    if trajectories is not None and trajectories.loss == "trajectory":
        descent = Descent(trajectories, options, batch, generators, labels)
        return fit_to_states(models, train, test, validation, descent)
    sets = [points_by_loss(draw, test, validation, next(models[0].parameters())) for draw in train]
    samples = [
        {name: tuple(p[:: ceil(len(p) / CURVE_SAMPLE)] for p in points) for name, points in one.items()} for one in sets
    ]
    x, dx = (torch.cat([one["train_loss"][part] for one in sets]) for part in (0, 1))
    size, *others = {len(one["train_loss"][0]) for one in sets}  # points of each draw
    if others:
        raise Refused(f"draws of training data have {sorted([size, *others])} points; allowed: the same number in each")

    def draw_batches(i: int, steps: range) -> list[Tensor]:
        """Indices (steps, batch) of the points of the next batches of model i; nothing where all train on all points."""
        if batch == "full" and len(sets) == 1:
            return []
        if batch == "full":
            indices = torch.arange(size).expand(len(steps), -1)
        else:
            indices = torch.randint(size, (len(steps), batch), generator=generators[i])
        return [(indices + of_seed(range(0, len(x), size), i)).to(x.device)]

    in_place = models[0].in_place() if len(models) == 1 and x.device.type == "cpu" else None
    fast_loss = in_place_loss(in_place, x, dx) if in_place else None

    def loss(model: Model, *indices: Tensor) -> Tensor:
        """The loss on the points of one batch."""
        if fast_loss:
            return fast_loss(*indices)
        return derivative_loss(model, x[indices], dx[indices]) if indices else derivative_loss(model, x, dx)

    problem: Problem[Model] = Problem(
        loss, draw_batches, lambda i, model: losses(model, of_seed(samples, i)), generators, [x, dx]
    )
    curves = minimise(models, problem, options, labels=labels)
    if trajectories is not None and trajectories.loss == "joint":
        parts = [split_validation(draw, validation)[0] for draw in train]
        data = [NoisyTrajectories.of(part, trajectories.weight, x) for part in parts]
        fit_trajectories(models, data, Descent(trajectories, options, batch, generators, labels))
        for i, (model, curve) in enumerate(zip(models, curves, strict=True)):
            curve[-1] |= losses(model, of_seed(samples, i))
    return [Fit(model, curves[i], losses(model, of_seed(sets, i))) for i, model in enumerate(models)]


def refuse_diverged(key: str, fits: Sequence[Fit[Any]]) -> None:
    """Raise `Refused` if a fit of the seeds of a cell or task has diverged: its numbers are not to be averaged with others."""
    for seed, one in enumerate(fits):
        if one.divergence:
            raise Refused(
                f"{key} seed {seed}: {one.divergence}: the fit has diverged; lower learning_rate or set gradient_clip"
            )


def fit_to_states(
    models: Sequence[Model],
    train: Sequence[Observations],
    test: Observations,
    validation: float,
    descent: Descent,
) -> list[Fit[Model]]:
    """The fits of models to observed states alone; losses are `interval_loss`."""
    like, sets = next(models[0].parameters()), []
    for draw in train:
        train_part, validation_part = split_validation(draw, validation)
        parts = {"train_loss": train_part, "test_loss": test} | (
            {"validation_loss": validation_part} if validation_part else {}
        )
        sets.append({name: NoisyTrajectories.of(part, 0.0, like) for name, part in parts.items()})
    method = descent.trajectories.method(sets[0]["train_loss"].intervals)

    def losses(i: int, model: Model) -> dict[str, float]:
        """The loss of each set of observations."""
        return {name: interval_loss(model, method, data) for name, data in of_seed(sets, i).items()}

    curves = fit_trajectories(models, [one["train_loss"] for one in sets], replace(descent, curve_losses=losses))
    for i, (model, curve) in enumerate(zip(models, curves, strict=True)):
        curve[-1] |= losses(i, model)  # after the Gauss-Newton steps
    return [Fit(model, curves[i], losses(i, model)) for i, model in enumerate(models)]


def split_validation(observations: Observations, fraction: float) -> tuple[Observations, Observations | None]:
    """Training and validation part: the latter is the last trajectories, or the last times of a single recording.

    The validation part is None if `fraction` is 0.

    >>> import numpy as np
    >>> data = Observations(np.arange(3.0), np.zeros((10, 3, 2)), np.zeros((10, 3, 2)))
    >>> [part.x.shape for part in split_validation(data, 0.2)]
    [(8, 3, 2), (2, 3, 2)]
    """
    if fraction == 0:
        return observations, None
    trajectories, time = observations.x.shape[:2]
    if trajectories == 1:
        cut = time - max(1, round(fraction * time))
        return observations.part(time=slice(cut)), observations.part(time=slice(cut, None))
    cut = trajectories - max(1, round(fraction * trajectories))
    return observations.part(slice(cut)), observations.part(slice(cut, None))


def curves(fits: Sequence[Fit[Any]]) -> list[dict[str, float]]:
    """The training curves of all seeds as one table: step, learning rate, mean of each loss, then the loss of each seed."""
    table = []
    for rows in zip(*(fit.curve for fit in fits), strict=True):
        names = [name for name in rows[0] if name.endswith("_loss")]
        means = {name: fmean(row[name] for row in rows) for name in names}
        of_seeds = {f"{name}.{seed}": row[name] for seed, row in enumerate(rows) for name in names}
        table.append({"step": rows[0]["step"], "learning_rate": rows[0]["learning_rate"], **means, **of_seeds})
    return table


def points_by_loss(
    train: Observations, test: Observations, validation: float, like: Tensor
) -> dict[str, tuple[Tensor, Tensor]]:
    """The points (x, dx) of each loss of the curve; raises `Refused` if the validation split leaves a set empty."""
    train_part, validation_part = split_validation(train, validation)
    sets = {"train_loss": tensors(train_part, like), "test_loss": tensors(test, like)}
    if validation_part is not None:
        sets["validation_loss"] = tensors(validation_part, like)
    empty = [name for name, (x, _) in sets.items() if len(x) == 0]
    if empty:
        allowed = "0, or a fraction that leaves points on both sides"
        raise Refused(
            f"train.validation: given {validation}, which leaves no points for {', '.join(empty)}; allowed: {allowed}"
        )
    return sets


def tensors(observations: Observations, like: Tensor) -> tuple[Tensor, Tensor]:
    """The points of the observations with the dtype and on the device of `like`; all other data are float64."""
    x, dx = observations.points()
    return torch.from_numpy(x).to(like), torch.from_numpy(dx).to(like)


def losses(model: Model, sets: Mapping[str, tuple[Tensor, ...]]) -> dict[str, float]:
    """The loss of each set of points (x, dx)."""
    with torch.no_grad():
        return {name: derivative_loss(model, x, dx).item() for name, (x, dx) in sets.items()}
