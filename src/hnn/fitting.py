"""A fit of one's own arrays without the pipeline: `hnn.fit`."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
import torch
from pydantic import ValidationError

from hnn.core.errors import Refused
from hnn.core.trajectories import Trial
from hnn.datasets.array_trials import trials_of_arrays
from hnn.datasets.inspection import period_of
from hnn.datasets.preparation import cut_at_gaps
from hnn.models.base import Layout, Model, accepted, find_model, make_model
from hnn.params.base import describe_error
from hnn.params.sections import Network, Recording
from hnn.trained import Trained
from hnn.training.fit import refuse_diverged
from hnn.training.recording import RecordingOptions, fit_recording

__all__ = ["fit"]

NETWORK: dict[str, Any] = {
    "hidden": 16,
    "layers": 2,
    "activation": "tanh",
    "mass_matrix": "of_position",
    "pair_potential": "of_distance",
    "max_features": 1000,
    "bodies": 1,
}
"""Arguments of the networks, and options of single models, where none are given."""


def fit(
    x: Any,
    t: Any,
    model: str = "dissipative_hnn",
    *,
    period: float | None = None,
    seed: int = 0,
    options: RecordingOptions | None = None,
    **network: Any,
) -> Trained:
    """A model fitted to states x (time, 2n), positions then momenta, at times t (time,) in s, or every t seconds.

    Of several runs x and t are lists, see `trials_of_arrays`. Velocities may stand for momenta: H is then that of unit
    masses. Times need not be even, and no step is taken across a gap. `period` is the characteristic period in s, by default
    that of the autocorrelation; `network` may give hidden, layers and activation, and the options of the model. Raises
    `Refused` with a line that says what is wrong.

    >>> t = np.linspace(0, 10, 200)
    >>> few = RecordingOptions(steps=20, segments=(0.5,), iterations=5)
    >>> model = fit(np.stack([np.cos(t), -np.sin(t)], -1), t, "hnn", hidden=8, options=few)
    >>> model.rollout(np.array([1.0, 0.0]), t).shape, model.energy(np.zeros(2)).shape
    ((200, 2), ())
    """
    given, options, kind = trials_of_arrays(x, t), options or RecordingOptions(), find_model(model)
    if kind.closed_form:
        raise Refused(f"model: given {model!r}, which is fitted to derivatives in closed form; allowed: all others")
    arguments, degrees = network_arguments(kind, model, network, options), given[0].q.shape[1]
    if degrees % arguments.get("bodies", 1):
        raise Refused(f"bodies: given {arguments['bodies']}, must divide the {degrees} positions")
    check_motion(given)
    if period is not None and not 0 < period < np.inf:
        raise Refused(f"period: given {period}, must be a positive number of seconds")
    period = period or characteristic_period(given)
    trials = cut_at_gaps(given, period)
    generator = torch.Generator().manual_seed(seed)
    untrained = make_model(model, degrees, generator=generator, **arguments).double()
    fitted = fit_recording(untrained, trials, trials, period, options)
    refuse_diverged(model, [fitted])
    about = {"name": model, "degrees": degrees, "scaled": 1, **arguments}
    return Trained(fitted.model.eval().requires_grad_(False), about)


def characteristic_period(trials: Sequence[Trial]) -> float:
    """The shortest period of a position, in s, as the median over trials; the duration of the longest trial without one."""
    found = [[period_of(trial.t, trial.q[:, i]) for trial in trials] for i in range(trials[0].q.shape[1])]
    periods = [float(np.median(known)) for of_position in found if (known := [one for one in of_position if one])]
    return min(periods, default=max(float(np.ptp(trial.t)) for trial in trials))


def network_arguments(kind: type[Model], name: str, network: Mapping[str, Any], options: RecordingOptions) -> dict[str, Any]:
    """The arguments of a model's networks, given ones before `NETWORK`.

    Raises `Refused` for those that the model does not take, and for values, of `options` too, that params.yaml may not have.
    """
    allowed = accepted(name, {**NETWORK, **network})
    if unknown := network.keys() - allowed.keys():
        raise Refused(f"{min(unknown)}: no argument of {name}; allowed: {', '.join(allowed)}")
    values = {**NETWORK, **network}
    bodies = values.pop("bodies")
    fit = {key: values[key] for key in ("hidden", "layers", "activation")} | asdict(options)
    try:
        Network.model_validate(values)
        Recording.model_validate(fit | {"segments": list(options.segments)})
    except ValidationError as error:
        raise Refused(describe_error(error.errors()[0])) from None
    if not isinstance(bodies, int) or bodies < 1:
        raise Refused(f"bodies: given {bodies!r}, must be a positive whole number")
    if refusal := kind.refusal(Layout(bodies=bodies)):
        raise Refused(f"{name}: {refusal}" + ("; give their number, such as bodies=2" if "bodies" in kind.options else ""))
    return allowed


def check_motion(trials: Sequence[Trial]) -> None:
    """Refuse trials in which a position is constant: nothing is learned from it."""
    for i in range(trials[0].q.shape[1]):
        if all(np.ptp(trial.q[:, i]) == 0 for trial in trials):
            raise Refused(f"x: position {i} is {trials[0].q[0, i]:g} in all rows; leave it and its momentum out")
