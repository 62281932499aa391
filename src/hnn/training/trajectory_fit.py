"""Fits of models to noisy trajectories: by descent for any model, by Gauss-Newton steps for the output layer."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from hnn.core.trajectories import of_seed
from hnn.models.base import Model
from hnn.training.gauss_newton import fit_with_initial_states
from hnn.training.loop import Problem, minimise
from hnn.training.noisy_trajectories import NoisyTrajectories, TrajectoryOptions
from hnn.training.optimizer import OptimizerOptions
from hnn.training.shooting import Shooting, shooting_loss

__all__ = ["Descent", "fit_trajectories"]

Curves = list[list[dict[str, float]]]

MOST = 100
"""Largest number of trajectories in Gauss-Newton steps: thousands of residuals for each weight of the output layer."""


@dataclass(frozen=True)
class Descent:
    """Options of a fit to trajectories, with the batches, the curve and the label of each model."""

    trajectories: TrajectoryOptions
    optimizer: OptimizerOptions
    batch: int | Literal["full"]
    """Intervals between observations in a batch."""
    generators: Sequence[torch.Generator]
    labels: Sequence[str] | None = None
    curve_losses: Callable[[int, Model], dict[str, float]] | None = None
    """The losses of a row of the curve of model i; None: that of the descent."""


def fit_trajectories(models: Sequence[Model], data: Sequence[NoisyTrajectories], descent: Descent) -> Curves:
    """Fit models to trajectories, in place; return the training curves of the descent, none where there is no descent.

    The output layer takes a few Gauss-Newton steps where the field is linear in it. A descent of all weights comes before, but
    for the loss `joint`, whose models were trained on derivatives, and so need it only where the field is not.
    """
    linear = models[0].linear_output
    curves = [] if descent.trajectories.loss == "joint" and linear else descend(models, data, descent)
    for i, model in enumerate(models) if linear else ():
        own = of_seed(data, i).spread(MOST)
        fit_with_initial_states(model, descent.trajectories.method(own.intervals), own)
    return curves


def descend(models: Sequence[Model], data: Sequence[NoisyTrajectories], descent: Descent) -> Curves:
    """Minimise `shooting_loss` for each model over its weights and the initial states of all segments; return the curves."""
    options = descent.trajectories
    method = options.method(data[0].intervals)
    shootings = [Shooting(model, of_seed(data, i), options.segment) for i, model in enumerate(models)]
    segments, length = len(shootings[0].starts), shootings[0].get_buffer("x").shape[1] - 1
    device = data[0].x.device
    everything = torch.arange(segments, device=device)

    def draw_batches(i: int, steps: range) -> list[Tensor]:
        """Indices (steps, batch) of the segments of the next batches of model i."""
        if descent.batch == "full":
            return [everything.expand(len(steps), -1)]
        size = max(1, descent.batch // length)
        return [torch.randint(segments, (len(steps), size), generator=descent.generators[i]).to(device)]

    def row(i: int, shooting: Shooting) -> dict[str, float]:
        """The losses of a row of the curve."""
        if descent.curve_losses:
            return descent.curve_losses(i, shooting.model)
        return {"train_loss": float(shooting_loss(shooting, method, everything).detach())}

    problem: Problem[Shooting] = Problem(
        lambda shooting, i: shooting_loss(shooting, method, i), draw_batches, row, descent.generators
    )
    return minimise(shootings, problem, descent.optimizer, labels=descent.labels)
