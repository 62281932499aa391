"""Fits of models to recordings: by derivatives first, then of all weights to trajectories that grow longer.

Differences of noisy states make poor derivatives, and errors of a field that single intervals hardly show grow along a
trajectory. So derivatives only start the fit; its end are segments of several periods. Networks are small, and see states and
times without units.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from hnn.core.errors import Refused
from hnn.core.trajectories import Trial
from hnn.datasets.preparation import derivatives, segments
from hnn.integrators.fixed_step import RK4, Substeps, steps_within
from hnn.models._scaled import Scaled, Units, in_units
from hnn.models.base import Model
from hnn.training.fit import Fit
from hnn.training.levenberg_marquardt import Segments, fit_all_weights
from hnn.training.loop import Problem, minimise
from hnn.training.losses import derivative_loss
from hnn.training.optimizer import OptimizerOptions

__all__ = ["RecordingOptions", "fit_recording", "units_of"]

MOST_POINTS = 2000
"""Largest number of states whose derivatives are fitted."""
MOST_STEPS = 4000
"""Largest number of intervals in the segments of a fit of all weights, which bounds its memory."""
STEPS_PER_PERIOD = 20
"""Least number of Runge-Kutta steps in a period, whose error is then below 1e-4 of the motion in a period."""
JUDGED = 1.0
"""Length in periods of the segments of the losses."""


@dataclass(frozen=True)
class RecordingOptions:
    """Options of the fit of a recording."""

    steps: int = 600
    """Steps of Adam on the derivatives."""
    learning_rate: float = 5e-3
    segments: tuple[float, ...] = (0.2, 1.0, 3.0)
    """Lengths in periods of the segments that all weights are fitted to, one after the other."""
    iterations: int = 20
    """Most Levenberg-Marquardt steps for each length."""

    @property
    def optimizer(self) -> OptimizerOptions:
        """The options of Adam."""
        return OptimizerOptions(
            steps=self.steps,
            learning_rate=self.learning_rate,
            schedule="one_cycle",
            warmup_fraction=0.3,
            beta1=0.95,
            beta1_min=0.85,
            beta2=0.99,
            weight_decay=0.0,
            gradient_clip=0.0,
        )


def units_of(trials: Sequence[Trial], period: float) -> Units:
    """The units in which the states of trials and their rates are of the size of 1."""
    return Units.of(*derivatives(trials, period))


def fit_recording(
    model: Model,
    train: Sequence[Trial],
    test: Sequence[Trial],
    period: float,
    options: RecordingOptions,
    *,
    label: str | None = None,
) -> Fit[Scaled]:
    """The fit of a float64 model to trials without gaps, whose characteristic period is given in s.

    Losses are the mean square of x̂ - x in units of the motion's size along segments of a period from their observed first
    states, of training and of held-out trials.
    """
    units = units_of(train, period)
    inside, held = (without_units(trials, units) for trials in (train, test))
    x, dx = (evenly(torch.from_numpy(one), MOST_POINTS) for one in derivatives(inside, period / units.time))
    judged = [Recorded.of(trials, JUDGED, period / units.time) for trials in (inside, held)]

    def losses(model: Model) -> dict[str, float]:
        """The losses of the curve."""
        return {f"{name}_loss": one.loss(model) for name, one in zip(("train", "test"), judged, strict=True)}

    problem: Problem[Model] = Problem(
        lambda model: derivative_loss(model, x, dx), lambda i, steps: [], lambda i, model: losses(model), data=[x, dx]
    )
    (curve,) = minimise([model], problem, options.optimizer, labels=[label] if label else None)
    for length in options.segments:
        data = Recorded.of(inside, length, period / units.time)
        fit_all_weights(model, data.method, data.few(MOST_STEPS), iterations=options.iterations)
        curve.append(curve[-1] | {"step": curve[-1]["step"] + options.iterations, **losses(model)})
    return Fit(in_units(model, units), curve, losses(model))


def evenly(x: Tensor, most: int) -> Tensor:
    """At most so many of the rows, evenly spread."""
    return x[:: -(-len(x) // most)]


def without_units(trials: Sequence[Trial], units: Units) -> list[Trial]:
    """Trials with x' and t' in place of x and t."""
    inside = []
    for trial in trials:
        q, p = np.split(units.without(trial.x), 2, axis=-1)
        inside.append(Trial(trial.name, trial.t / units.time, q, p))
    return inside


@dataclass(frozen=True)
class Recorded:
    """Segments of trials with the step map that follows them."""

    data: Segments
    method: Callable[..., Tensor]

    @classmethod
    def of(cls, trials: Sequence[Trial], length: float, period: float) -> "Recorded":
        """The segments of a length in periods, or as long as the longest trial; raises `Refused` if there are none."""
        interval = float(np.median(np.concatenate([np.diff(trial.t) for trial in trials])))
        most = max(len(trial.t) for trial in trials) - 1
        x, t = segments(trials, min(max(1, round(length * period / interval)), most))
        if not len(x):
            raise Refused("the trials have no two rows in a row; lower source.every")
        intervals = torch.from_numpy(np.diff(t))[..., None]
        count = steps_within(float(intervals.max()), period / STEPS_PER_PERIOD)
        return cls(Segments(torch.from_numpy(x), intervals), RK4 if count == 1 else Substeps(RK4, count))

    def few(self, most: int) -> Segments:
        """So many of the segments, evenly spread, that they have at most `most` intervals; at least one."""
        count = max(1, most // self.data.intervals.shape[1])
        return Segments(evenly(self.data.x, count), evenly(self.data.intervals, count))

    @torch.no_grad()
    def loss(self, model: Model) -> float:
        """Mean of |x̂ - x|² from the observed first states; infinite where a trajectory is."""
        data, field = self.few(MOST_STEPS), model.frozen()  # a step at a time has few states, for which NumPy is faster
        states = [data.x[:, 0]]
        for dt in data.intervals.unbind(1):
            states.append(self.method(field, states[-1], dt))
        error = torch.stack(states, 1) - data.x
        return float(error[:, 1:].square().mean().nan_to_num(torch.inf))
