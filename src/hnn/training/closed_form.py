"""Fits of models that are linear in their weights, by least squares without descent; all in float64.

The number of features and the penalty on the coefficients are chosen by the error on held-out trajectories. Every fold of the
data is first reduced to the triangular factor R of its equations [A | y] = Q R, which has all that the fits need:
|A c - y| = |R (c, -1)|. Normal equations would lose half of the digits.
"""

from collections.abc import Sequence
from math import ceil
from typing import Protocol

import torch
from torch import Tensor

from hnn.core.errors import Refused
from hnn.core.trajectories import Observations, of_seed
from hnn.models.base import Model
from hnn.training.fit import Fit, losses, points_by_loss

__all__ = ["FeatureModel", "fit_features", "ridge_regression"]


class FeatureModel(Protocol):
    """A model whose field is linear in the coefficients of features that are sampled from the data."""

    max_features: int

    def sample_features(self, x: Tensor, generator: torch.Generator) -> None:
        """Sample `max_features` new features from the states x (points, 2n)."""
        ...

    def keep(self, c: Tensor) -> None:
        """Keep the first features, with the coefficients c (features,)."""
        ...

    def output_fields(self, x: Tensor) -> Tensor:
        """The fields of all features, (*batch, 2n, features), at states (*batch, 2n)."""
        ...


FOLDS = 5
FEWEST = 25
"""Features of the first fit; each further one has twice as many."""
WORTHWHILE = 0.98
"""Ratio of held-out errors below which more features are taken: on noisy data their chance decides what is nearer to 1."""
PATIENCE = 2
"""Number of fits without a smaller error after which no more features are tried."""
PENALTIES = tuple(10.0**k for k in range(-15, 1))
"""Squares of the coefficients count as this much of the mean square of the singular values of A."""
POINTS = 8000
"""Largest number of points of a fit: beyond it points are left out at equal distances."""


def fit_features(
    models: Sequence[Model],
    train: Sequence[Observations],
    test: Observations,
    *,
    generators: Sequence[torch.Generator],
) -> list[Fit[Model]]:
    """Fit each model, a `FeatureModel`, in place: its features, their number and the penalty, and the coefficients.

    `train` is a draw of training data for each model, or one for all. The training curve has two rows, before and after.
    """
    fits = []
    for i, model in enumerate(models):
        own = of_seed(train, i)
        sets = points_by_loss(own, test, 0.0, model.output_weights)
        folds = [thinned(*fold) for fold in folds_of(own, sets["train_loss"])]
        before = {"step": 0, "learning_rate": 0.0, **losses(model, sets)}
        features: FeatureModel = model  # type: ignore[assignment]
        features.sample_features(torch.cat([x for x, _ in folds]), generators[i])
        features.keep(cross_validated(features, folds))
        found = losses(model, sets)
        fits.append(Fit(model, [before, {"step": 1, "learning_rate": 0.0, **found}], found))
    return fits


def folds_of(observations: Observations, points: tuple[Tensor, Tensor]) -> list[tuple[Tensor, Tensor]]:
    """The points (x, dx) in `FOLDS` parts of whole trajectories, or of consecutive times of a single recording.

    `points` are those of the observations, in their order; raises `Refused` for fewer points than parts.
    """
    x, dx = points
    if len(x) < FOLDS:
        raise Refused(f"given {len(x)} training points, allowed: at least {FOLDS}, for cross-validation")
    trajectories = len(observations.x)
    parts = min(FOLDS, trajectories) if trajectories > 1 else FOLDS
    size = ceil(trajectories / parts) * (len(x) // trajectories) if trajectories > 1 else ceil(len(x) / parts)
    return list(zip(x.split(size), dx.split(size), strict=True))


def thinned(x: Tensor, dx: Tensor) -> tuple[Tensor, Tensor]:
    """Points (x, dx) of a fold, at equal distances, at most its share of `POINTS`."""
    step = ceil(FOLDS * len(x) / POINTS)
    return x[::step], dx[::step]


def cross_validated(model: FeatureModel, folds: Sequence[tuple[Tensor, Tensor]]) -> Tensor:
    """The coefficients (features,) of the first features of the model, as many as are worthwhile, with the best penalty."""
    error, coefficients, without, count = torch.inf, torch.empty(0), 0, min(FEWEST, model.max_features)
    while True:
        factors = [triangular_factor(model, count, x, dx) for x, dx in folds]
        errors = torch.stack([held_out_errors(factors, k) for k in range(len(factors))]).sum(0)
        least = int(errors.argmin())
        without = 0 if errors[least] < WORTHWHILE * error else without + 1
        if without == 0:
            error, coefficients = float(errors[least]), ridge_regression(torch.cat(factors), PENALTIES)[least]
        if without == PATIENCE or count == model.max_features:
            return coefficients
        count = min(2 * count, model.max_features)


def triangular_factor(model: FeatureModel, count: int, x: Tensor, dx: Tensor) -> Tensor:
    """R of [A | y], (rows, count + 1), A the fields of the first `count` features at x and y the derivatives dx."""
    A = model.output_fields(x)[..., :count].flatten(0, 1)
    factor: Tensor = torch.linalg.qr(torch.cat([A, dx.reshape(-1, 1)], -1), mode="r").R
    return factor


def held_out_errors(factors: Sequence[Tensor], k: int) -> Tensor:
    """Σ |A c - y|² over fold k, for each penalty, of the coefficients that are fitted to all other folds."""
    c = ridge_regression(torch.cat([one for i, one in enumerate(factors) if i != k]), PENALTIES)
    deviations = torch.cat([c, -torch.ones_like(c[:, :1])], -1) @ factors[k].mT
    return deviations.square().sum(-1)


def ridge_regression(equations: Tensor, penalties: Sequence[float]) -> Tensor:
    """The c, (penalties, features), that minimise |A c - y|² + λ |c|², of equations [A | y] (rows, features + 1).

    λ is a penalty times the mean square of the singular values of A.

    >>> ridge_regression(torch.tensor([[1.0, 0.0, 3.0], [0.0, 1.0, 4.0]]), [0.0, 1.0]).tolist()
    [[3.0, 4.0], [1.5, 2.0]]
    """
    R = torch.linalg.qr(equations, mode="r").R  # the same minimum, of fewer equations
    U, s, V = torch.linalg.svd(R[:, :-1], full_matrices=False)
    squares = s.square()
    damping = torch.tensor(penalties).to(s)[:, None] * squares.mean()
    return (U.mT @ R[:, -1] * s / (squares + damping)) @ V
