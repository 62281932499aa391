"""A fit of one's own arrays without the pipeline: `hnn.fit`."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy import ndarray

from hnn.core.errors import Refused
from hnn.core.trajectories import Trial
from hnn.datasets.inspection import period_of
from hnn.datasets.preparation import cut_at_gaps
from hnn.models.base import accepted, find_model, make_model
from hnn.trained import Trained
from hnn.training.recording import RecordingOptions, fit_recording

__all__ = ["fit"]

NETWORK = {"hidden": 16, "layers": 2, "activation": "tanh", "mass_matrix": "of_position"}
"""Arguments of the networks where none are given."""


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

    Of several runs x and t are lists; t may be one step for all. Arrays may be NumPy's or PyTorch's. Velocities may stand for
    momenta: H is then that of unit masses. Times need not be even, and no step is taken across a gap. `period` is the
    characteristic period in s, by default that of the autocorrelation; `network` may give hidden, layers and activation.
    Raises `Refused` with a line that says what is wrong.

    >>> t = np.linspace(0, 10, 200)
    >>> few = RecordingOptions(steps=20, segments=(0.5,), iterations=5)
    >>> model = fit(np.stack([np.cos(t), -np.sin(t)], -1), t, "hnn", hidden=8, options=few)
    >>> model.rollout(np.array([1.0, 0.0]), t).shape, model.energy(np.zeros(2)).shape
    ((200, 2), ())
    """
    given = trials_of(x, t)
    period = period or characteristic_period(given)
    trials = cut_at_gaps(given, period)
    kind = find_model(model)
    if kind.closed_form:
        raise Refused(f"model: given {model!r}, which is fitted to derivatives in closed form; allowed: all others")
    unknown = network.keys() - {*NETWORK, *kind.options}
    if unknown:
        raise Refused(f"{min(unknown)}: no argument of {model}; allowed: {', '.join([*NETWORK, *kind.options])}")
    degrees = trials[0].q.shape[1]
    arguments = accepted(model, {"bodies": 1, **NETWORK, **network})
    generator = torch.Generator().manual_seed(seed)
    untrained = make_model(model, degrees, generator=generator, **arguments).double()
    fitted = fit_recording(untrained, trials, trials, period, options or RecordingOptions())
    about = {"name": model, "degrees": degrees, "scaled": 1, **arguments}
    return Trained(fitted.model.eval().requires_grad_(False), about)


def characteristic_period(trials: Sequence[Trial]) -> float:
    """The shortest period of a position, in s, as the median over trials; the duration of the longest trial without one."""
    found = [[period_of(trial.t, trial.q[:, i]) for trial in trials] for i in range(trials[0].q.shape[1])]
    periods = [float(np.median(known)) for of_position in found if (known := [one for one in of_position if one])]
    return min(periods, default=max(float(np.ptp(trial.t)) for trial in trials))


def trials_of(x: Any, t: Any) -> list[Trial]:
    """The runs in the arguments of `fit`, checked."""
    several = isinstance(x, list | tuple) and len(x) > 0 and np.ndim(x[0]) == 2
    runs = [np.asarray(one, float) for one in x] if several else [np.asarray(x, float)]
    if isinstance(t, int | float) or (not isinstance(t, list | tuple) and np.ndim(t) == 0):
        times = [float(t) * np.arange(len(run)) for run in runs]
    else:
        times = [np.asarray(one, float) for one in t] if several and np.ndim(t[0]) == 1 else [np.asarray(t, float)]
    if len(times) != len(runs):
        raise Refused(f"t: given times of {len(times)} runs, x has {len(runs)}")
    return [trial_of(str(i), one, at) for i, (one, at) in enumerate(zip(runs, times, strict=True))]


def trial_of(name: str, x: ndarray, t: ndarray) -> Trial:
    """One run; raises `Refused` for shapes, values and times that are none of a run."""
    if x.ndim != 2 or x.shape[1] % 2 or x.shape[1] == 0:
        raise Refused(f"x, run {name}: has the shape {x.shape}, must be (time, 2n): n positions, then n momenta or velocities")
    if t.shape != x.shape[:1]:
        raise Refused(f"t, run {name}: has the shape {t.shape}, must be ({len(x)},), as x has {len(x)} rows")
    for what, values in (("x", x), ("t", t[:, None])):
        if not np.isfinite(values).all():
            row = int(np.argmin(np.isfinite(values).all(1)))
            raise Refused(f"{what}, run {name}: row {row} is not finite; leave such rows out: a gap is allowed")
    if not (np.diff(t) > 0).all():
        row = int(np.argmin(np.diff(t) > 0)) + 1
        raise Refused(f"t, run {name}: row {row} is not later than the one before")
    q, p = np.split(x, 2, axis=1)
    return Trial(name, t, q, p)
