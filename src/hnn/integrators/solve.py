"""The driver of all integrators: a method by its name in params.yaml, and rollouts of a field with it."""

from dataclasses import dataclass, replace
from math import ceil

import torch
from torch import Tensor

from hnn.core.errors import NotFollowed
from hnn.core.phase_space import Field, Progress
from hnn.integrators.dop853 import DOP853
from hnn.integrators.fixed_step import FIXED_STEP, Splitting, Step, steps_within
from hnn.integrators.gauss import Gauss

__all__ = ["ADAPTIVE", "Counted", "Solver", "frozen", "rollout"]

ADAPTIVE: dict[str, type[DOP853] | type[Gauss]] = {"dop853": DOP853, "gauss": Gauss}
"""Adaptive methods. `gauss` is symplectic and faster on cheap fields; `dop853` needs fewer evaluations."""

TIGHTEST = 1e-13
"""Smallest tolerance of an adaptive method: below it rounding errors dominate."""


@dataclass(frozen=True)
class Solver:
    """A method with its accuracy: the step of a fixed-step method, the tolerance of an adaptive one.

    Raises `ValueError` for an unknown method or a step that is not positive.

    >>> Solver("rk4", step=0.1).adaptive
    False
    """

    integrator: str = "dop853"
    """A key of `FIXED_STEP` or `ADAPTIVE`."""
    step: float = 0.01
    """Largest step in seconds; adaptive methods ignore it."""
    tolerance: float = 1e-9
    """Local error per step; fixed-step methods ignore it."""
    evaluations: int | None = None
    """Most evaluations of the field by an adaptive method; None: any number."""

    def __post_init__(self) -> None:
        if self.integrator not in (*ADAPTIVE, *FIXED_STEP):
            raise ValueError(f"integrator: given {self.integrator!r}, allowed: {', '.join([*ADAPTIVE, *FIXED_STEP])}")
        if not self.step > 0:
            raise ValueError(f"step: given {self.step}, allowed: a positive number of seconds")

    @property
    def adaptive(self) -> bool:
        """True if the method chooses its own steps."""
        return self.integrator in ADAPTIVE

    def finer(self, t: Tensor) -> "Solver":
        """The same method with a hundredth of the tolerance, or half the step actually taken between the times t (time,)."""
        if self.adaptive:
            twice = None if self.evaluations is None else 2 * self.evaluations  # an order of 8 needs 100^(1/8) times as many
            return replace(self, tolerance=max(self.tolerance / 100, TIGHTEST), evaluations=twice)
        interval = float(t.diff().abs().max())
        return replace(self, step=interval / steps_within(interval, self.step) / 2)


def rollout(field: Field, x0: Tensor, t: Tensor, solver: Solver | None = None, *, progress: Progress | None = None) -> Tensor:
    """States at the times t (time,), in seconds, from x0 (*batch, 2n) at t[0]; shape (*batch, time, 2n).

    A fixed-step method takes, between two times, the smallest whole number of equal steps no longer than `solver.step`.
    Times must increase, or decrease throughout (integration backward); `ValueError` otherwise. A trajectory that takes an
    adaptive method more than `solver.evaluations`, or whose steps underflow, is NaN after t[0]; without such a limit
    `NotFollowed` is raised where steps underflow. `progress` is called with the fraction of the time that has passed,
    unless evaluations are limited.

    >>> from hnn.systems.base import make_system
    >>> spring = make_system("mass_spring", mass=0.5, stiffness=2.0)  # period π
    >>> t = torch.linspace(0, torch.pi, 5, dtype=torch.float64)
    >>> x = rollout(spring, torch.tensor([1.0, 0.0], dtype=torch.float64), t, Solver("gauss"))
    >>> bool((x[-1] - x[0]).abs().max() < 1e-9)
    True
    """
    solver = solver or Solver()
    intervals = t.diff()
    if len(t) < 2 or not (bool((intervals > 0).all()) or bool((intervals < 0).all())):
        raise ValueError("t: at least two times are needed, and they must increase or decrease throughout")
    if solver.adaptive:
        adaptive = ADAPTIVE[solver.integrator](solver.tolerance)
        if solver.evaluations is None:
            return adaptive(frozen(field, x0), x0, t, progress)
        return followed(adaptive, frozen(field, x0), x0, t, solver.evaluations, least=ceil(solver.evaluations / 10))
    method = FIXED_STEP[solver.integrator]
    field = field if isinstance(method, Splitting) else frozen(field, x0)  # a splitting reads `field.separable`
    return march(method, field, x0, intervals.tolist(), solver.step, progress)


def followed(method: DOP853 | Gauss, field: Field, x0: Tensor, t: Tensor, evaluations: int, *, least: int) -> Tensor:
    """Trajectories (*batch, time, 2n) from x0 (*batch, 2n), NaN after t[0] where they take too many evaluations of the field.

    Starts that are followed together share their steps. Where those of a batch (starts, 2n) take too many, each half is
    followed alone with half of the evaluations, but at least `least`, and so on. Other batches, whose field may depend on
    their shape, are not divided.
    """
    try:
        return method(Counted(field, evaluations), x0, t)
    except NotFollowed:
        if x0.dim() == 2 and len(x0) > 1:
            halves = x0.split((len(x0) + 1) // 2)
            fewer = max(evaluations // 2, least)
            return torch.cat([followed(method, field, half, t, fewer, least=least) for half in halves])
        return torch.stack([x0, *[torch.full_like(x0, torch.nan)] * (len(t) - 1)], -2)


class Counted:
    """A field that raises `NotFollowed` after so many evaluations."""

    def __init__(self, field: Field, evaluations: int) -> None:
        self.field, self.most, self.left = field, evaluations, evaluations

    def time_derivative(self, x: Tensor) -> Tensor:
        """dx/dt, shape (*batch, 2n)."""
        self.left -= 1
        if self.left < 0:
            raise NotFollowed(f"the motion takes more than {self.most} evaluations: the field is steep, as before a collision")
        return self.field.time_derivative(x)


def frozen(field: Field, x0: Tensor) -> Field:
    """The NumPy form of a learned field where it is faster (float64 on a CPU, no gradients), else the field itself."""
    suits = x0.dtype is torch.float64 and x0.device.type == "cpu" and not x0.requires_grad
    return field.frozen() if suits and hasattr(field, "frozen") else field


@torch.no_grad()
def march(
    method: Step, field: Field, x0: Tensor, intervals: list[float], step: float, progress: Progress | None = None
) -> Tensor:
    """States at x0 and the ends of the intervals, by equal steps no longer than `step` within each interval."""
    states, done, duration = [x0], 0.0, sum(intervals)
    for interval in intervals:
        count = steps_within(interval, step)
        x = states[-1]
        for _ in range(count):
            x = method(field, x, interval / count)
            if progress:
                done += interval / count
                progress(done / duration)
        states.append(x)
    return torch.stack(states, dim=-2)
