"""Simulated trajectories of true systems, their observations with noise, and bounds on their numerical errors."""

from collections.abc import Mapping
from functools import partial
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from hnn.core.errors import Refused
from hnn.core.trajectories import Observations, TrueMotion
from hnn.datasets.finite_differences import finite_difference
from hnn.integrators.gauss import Gauss
from hnn.parallel.mapping import ParallelMap, serial_map
from hnn.systems.base import System

__all__ = ["PUBLISHED_STARTS", "certify", "check_size", "grid", "horizons", "observe", "true_motion", "until"]

PUBLISHED_STARTS = 15
"""Number of starts of rollouts in the published protocol."""

MOST_PERIODS, MOST_VALUES = 10_000, 10**8
"""Most periods of a motion and numbers in the states of one set of starts: minutes, and 0.8 GB."""


@torch.no_grad()
def check_size(system: System, starts: Mapping[str, Tensor], grids: Mapping[str, Tensor]) -> None:
    """Refuse sets of starts (starts, 2n) whose motions on their grids (time,) would take too long or too much memory."""
    for name, x0 in starts.items():
        t, period = grids[name], system.period(x0)
        periods = float(t[-1] / period[period.isfinite()].min()) if period.isfinite().any() else 0.0
        if periods > MOST_PERIODS:
            raise Refused(
                f"simulate: the motions of {name} last {float(t[-1]):g} s, about {periods:.2g} periods, "
                f"allowed: {MOST_PERIODS}; lower simulate.duration, horizon or long_horizon_factor"
            )
        if (values := x0.numel() * len(t)) > MOST_VALUES:
            raise Refused(
                f"simulate: the motions of {name} have {len(t)} states of {len(x0)} starts, {8e-9 * values:.2g} GB, "
                f"allowed: {8e-9 * MOST_VALUES:.2g} GB; lower the numbers of points or starts"
            )


def true_motion(
    system: System,
    x0: Tensor,
    t: Tensor,
    tolerance: float,
    *,
    batch_of_starts: int = 1000,
    parallel_map: ParallelMap = serial_map,
) -> TrueMotion:
    """The motion from x0 (starts, 2n) at the times t (time,), solved for at most `batch_of_starts` starts at once.

    >>> from hnn.systems.base import make_system
    >>> spring = make_system("mass_spring", mass=0.5, stiffness=2.0)  # period π
    >>> t = torch.linspace(0, torch.pi, 3, dtype=torch.float64)
    >>> motion = true_motion(spring, torch.tensor([[1.0, 0.0]], dtype=torch.float64), t, tolerance=1e-12)
    >>> bool(np.abs(motion.x[0] - [[1, 0], [-1, 0], [1, 0]]).max() < 1e-12), motion.period.round(6).tolist()
    (True, [3.141593])
    """
    x = torch.cat(parallel_map(partial(Gauss(tolerance), system, t=t), list(x0.split(batch_of_starts))))
    return TrueMotion(t.numpy(), x.numpy(), system.period(x0).numpy())


@torch.no_grad()
def observe(
    system: System,
    motion: TrueMotion,
    noise: tuple[float, float],
    generator: np.random.Generator,
    derivative: Literal["exact", "central", "forward"] = "exact",
) -> Observations:
    """Observe the motion with Gaussian noise of standard deviations `noise` on q and p.

    Derivatives are exact, of the true motion, as published, or finite differences of the noisy states.
    """
    sigma = np.repeat(noise, system.degrees)
    x = motion.x + sigma * generator.standard_normal(motion.x.shape)
    if derivative == "exact":
        return Observations(motion.t, x, system.time_derivative(torch.from_numpy(motion.x)).numpy())
    return Observations(motion.t, x, finite_difference(motion.t, x, derivative))


def certify(system: System, motions: list[TrueMotion], tolerance: float, bound: float) -> dict[str, float]:
    """Numerical errors of the motions, the largest over all of them; raises `Refused` if one exceeds `bound`.

    `energy_error`, for conservative systems: |E(t) - E(0)| over the largest |E|. `solution_error`, if there is an exact
    solution: the distance to it over the size of the motion. `reversal_error`, for systems with dissipation: the distance to
    the start after integration backward from the end, over the size of the motion.
    """
    largest: dict[str, float] = {}
    for motion in motions:
        t, x = torch.from_numpy(motion.t), torch.from_numpy(motion.x)
        errors: dict[str, Tensor] = {}
        if system.conservative:
            energy = system.hamiltonian(x)
            errors["energy_error"] = (energy - energy[:, :1]) / energy.abs().max()
        else:
            back = Gauss(tolerance)(system, x[:, -1], t[[-1, 0]])[:, -1]
            errors["reversal_error"] = (back - x[:, 0]) / x.abs().max()
        exact = system.solution(x[:, 0], t)
        if exact is not None:
            errors["solution_error"] = (x - exact) / x.abs().max()
        for name, error in errors.items():
            largest[name] = max(largest.get(name, 0.0), float(error.abs().max()))
    if not all(error <= bound for error in largest.values()):
        errors_text = ", ".join(f"{name} {error:.3g}" for name, error in largest.items())
        raise Refused(
            f"{type(system).__name__}: {errors_text} exceed simulate.max_energy_error, {bound}: lower simulate.tolerance"
        )
    return largest


def horizons(horizon: float, growth: float) -> np.ndarray:
    """The horizon of each start of the published protocol in s, (PUBLISHED_STARTS,): horizon growth^(i + 2), i = 0, 1, ….

    The published program multiplies the same time span in place, once for a figure before the first start and again before
    each rollout (analyze-spring.ipynb, growth 1.09, to compensate the low frequency of the models). For the programs that do
    not, growth is 1.

    >>> horizons(20.0, 1.1)[:2].round(3).tolist()
    [24.2, 26.62]
    """
    return horizon * growth ** np.arange(2, PUBLISHED_STARTS + 2)


def grid(ends: np.ndarray, horizon: float, points: int) -> Tensor:
    """Times (time,) up to the last of the ends (starts,), with the spacing of `points` times on [0, horizon]."""
    longest = float(ends[-1])
    return torch.linspace(0, longest, round(longest / horizon * (points - 1)) + 1, dtype=torch.float64)


def until(motion: TrueMotion, ends: np.ndarray) -> TrueMotion:
    """The motion of each start up to its own horizon, NaN beyond it, so that later times are not scored."""
    within = motion.t <= ends[:, None] * (1 + 1e-12)
    return TrueMotion(motion.t, np.where(within[..., None], motion.x, np.nan), motion.period)
