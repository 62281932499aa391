"""Initial states to trajectories of a true system, with derivatives, noise and a certificate of their accuracy."""

from functools import partial
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from hnn.core.errors import Refused
from hnn.core.trajectories import Observations, TrueMotion
from hnn.datasets.finite_differences import difference
from hnn.integrators.gauss import Gauss
from hnn.parallel.mapping import ParallelMap, serial_map
from hnn.systems.base import System

__all__ = ["PUBLISHED_STARTS", "certify", "grid", "horizons", "observe", "true_motion", "until"]

PUBLISHED_STARTS = 15
"""From how many starts the published protocol rolls out."""


def true_motion(
    system: System,
    x0: Tensor,
    t: Tensor,
    tolerance: float,
    *,
    batch_of_starts: int = 1000,
    parallel_map: ParallelMap = serial_map,
) -> TrueMotion:
    """The motion from x0 (starts, 2n) at the times t (time,), solved for at most `batch_of_starts` starts at once."""
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
    """The motion seen with Gaussian noise of standard deviations `noise` on q and p.

    Derivatives are those of the true motion, as published, or differences of what is seen: see `hnn.differences`.
    """
    sigma = np.repeat(noise, system.degrees)
    x = motion.x + sigma * generator.standard_normal(motion.x.shape)
    if derivative == "exact":
        return Observations(motion.t, x, system.time_derivative(torch.from_numpy(motion.x)).numpy())
    return Observations(motion.t, x, difference(motion.t, x, derivative))


def certify(system: System, motions: list[TrueMotion], tolerance: float, bound: float) -> dict[str, float]:
    """How wrong the motions may be, each figure the largest over all of them; raises `Refused` if one exceeds `bound`.

    `energy_error`, of an ideal system: |E(t) - E(0)| over the largest |E|. `solution_error`, where there is an exact solution:
    the distance to it over the size of the motion. `reversal_error`, of a system with friction: the distance to the start
    after integrating back from the end, over the size of the motion.
    """
    found: dict[str, float] = {}
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
            found[name] = max(found.get(name, 0.0), float(error.abs().max()))
    if not all(error <= bound for error in found.values()):
        raise Refused(
            f"{found} of {type(system).__name__} exceed simulate.max_energy_error, {bound}: lower simulate.tolerance"
        )
    return found


def horizons(horizon: float, growth: float, count: int = PUBLISHED_STARTS) -> np.ndarray:
    """The horizon of each start in the published protocol, (count,) in s: horizon growth^(i + 2) of start i = 0, 1, ….

    The published program lengthens one and the same time span in place, for a picture before the first start and then again
    before each rollout (analyze-spring.ipynb; 1.09 there, against the slow clocks). Where it does not, growth is 1.
    """
    return horizon * growth ** np.arange(2, count + 2)


def grid(horizons: np.ndarray, horizon: float, points: int) -> Tensor:
    """Times (time,) up to the last of the horizons, spaced as `points` are on [0, horizon]."""
    longest = float(horizons[-1])
    return torch.linspace(0, longest, round(longest / horizon * (points - 1)) + 1, dtype=torch.float64)


def until(motion: TrueMotion, horizons: np.ndarray) -> TrueMotion:
    """The motion of each start up to its own horizon, NaN from there on: nothing is held against what is not known."""
    known = motion.t <= horizons[:, None] * (1 + 1e-12)
    return TrueMotion(motion.t, np.where(known[..., None], motion.x, np.nan), motion.period)
