"""One-step methods as data: explicit Runge-Kutta tableaus, symplectic splittings, the implicit midpoint rule.

A method is called as `method(field, x, dt)` with states of shape (*batch, 2n) and a step in seconds, for any system.
"""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import cycle
from math import ceil

import torch
from torch import Tensor

from hnn.core.errors import Refused
from hnn.core.phase_space import Field, join, split

__all__ = [
    "EULER",
    "FIXED_STEP",
    "LEAPFROG",
    "RK4",
    "STEP_MAPS",
    "YOSHIDA4",
    "ImplicitMidpoint",
    "RungeKutta",
    "Splitting",
    "Step",
    "Substeps",
    "steps_within",
]

Step = Callable[[Field, Tensor, float | Tensor], Tensor]
"""One step of a method: (field, states (*batch, 2n), dt in seconds) to states (*batch, 2n).

A dt of its own for each state is a tensor that broadcasts against the states, such as (*batch, 1).
"""


@dataclass(frozen=True)
class RungeKutta:
    """An explicit Runge-Kutta method given by its tableau: stages kᵢ = f(x + dt Σⱼ aᵢⱼ kⱼ), x ← x + dt Σᵢ bᵢ kᵢ.

    >>> from hnn.systems.base import make_system
    >>> spring = make_system("mass_spring", mass=0.5, stiffness=2.0)  # dq/dt = 2p, dp/dt = -2q
    >>> EULER(spring, torch.tensor([1.0, 0.0], dtype=torch.float64), 0.25).tolist()
    [1.0, -0.5]
    """

    order: int
    a: tuple[tuple[float, ...], ...]
    b: tuple[float, ...]

    def __call__(self, field: Field, x: Tensor, dt: float | Tensor) -> Tensor:
        """States (*batch, 2n) one step of `dt` seconds after x."""
        stages: list[Tensor] = []
        for row in self.a:
            stages.append(field.time_derivative(moved(x, dt, row, stages)))
        return moved(x, dt, self.b, stages)


def moved(x: Tensor, dt: float | Tensor, weights: tuple[float, ...], stages: list[Tensor]) -> Tensor:
    """x + dt Σ wᵢ kᵢ over the non-zero weights, one pass over memory for each."""
    for weight, stage in zip(weights, stages, strict=True):
        if weight != 0:
            x = x.addcmul(stage, dt, value=weight) if isinstance(dt, Tensor) else x.add(stage, alpha=weight * dt)
    return x


@dataclass(frozen=True)
class Splitting:
    """A symplectic method for H = T(p) + V(q) given by its palindromic list of weights: kick, drift, kick, …, kick.

    A kick moves p by w dt dp/dt, a drift moves q by w dt dq/dt. Palindromic lists make the method time-reversible (Hairer,
    Lubich, Wanner 2006, section II.5).
    """

    order: int
    weights: tuple[float, ...]

    def __call__(self, field: Field, x: Tensor, dt: float | Tensor) -> Tensor:
        """States (*batch, 2n) one step of `dt` seconds after x.

        Raises `Refused` for a field that is not separable: the step would lose its order and symplecticity.
        """
        if not getattr(field, "separable", False):
            raise Refused(
                f"a splitting needs H = T(p) + V(q), but {type(field).__name__} is not marked as separable; "
                "allowed for any field: dop853, gauss, rk4, implicit_midpoint"
            )
        for weight, kick in zip(self.weights, cycle([True, False])):
            q, p = split(x)
            dq, dp = split(field.time_derivative(x))
            x = join(q, p + weight * dt * dp) if kick else join(q + weight * dt * dq, p)
        return x


@dataclass(frozen=True)
class ImplicitMidpoint:
    """x₁ = x₀ + dt f((x₀ + x₁)/2), order 2, symplectic and time-reversible for any H (Hairer, Lubich, Wanner 2006, VI.4).

    Solved by fixed-point iteration until no state changes by more than `tolerance` times its size. If the step is too long for
    the iteration to converge, the result is NaN.
    """

    order: int = 2
    tolerance: float = 1e-13
    iterations: int = 100

    def __call__(self, field: Field, x: Tensor, dt: float | Tensor) -> Tensor:
        """States (*batch, 2n) one step of `dt` seconds after x."""
        tolerance = max(self.tolerance, 4 * torch.finfo(x.dtype).eps)
        x1 = x + dt * field.time_derivative(x)
        for _ in range(self.iterations):
            x1, previous = x + dt * field.time_derivative((x + x1) / 2), x1
            change = (x1 - previous).abs().amax(-1, keepdim=True)
            converged = change.isfinite() & (change <= tolerance * x1.abs().amax(-1, keepdim=True).clamp(min=1e-300))
            if converged.all():
                return x1
        return torch.where(converged, x1, torch.nan)


@dataclass(frozen=True)
class Substeps:
    """`count` equal steps of a method as one."""

    method: Step
    count: int

    def __call__(self, field: Field, x: Tensor, dt: float | Tensor) -> Tensor:
        """States (*batch, 2n) `dt` seconds after x."""
        for _ in range(self.count):
            x = self.method(field, x, dt / self.count)
        return x


def steps_within(interval: float, step: float) -> int:
    """Smallest number of equal steps that divide the interval and are, up to rounding, no longer than `step`."""
    return max(1, ceil(abs(interval) / step * (1 - 1e-9)))


RK4 = RungeKutta(
    order=4,
    a=((), (0.5,), (0.0, 0.5), (0.0, 0.0, 1.0)),
    b=(1 / 6, 1 / 3, 1 / 3, 1 / 6),
)
"""The classical Runge-Kutta method (Hairer, Nørsett, Wanner 1993, table II.1.2); not symplectic."""

EULER = RungeKutta(order=1, a=((),), b=(1.0,))
"""x₁ = x₀ + dt f(x₀): the map that a network learns from forward differences; for rollouts of such networks only."""

LEAPFROG = Splitting(order=2, weights=(0.5, 1.0, 0.5))
"""Kick-drift-kick leapfrog, the velocity form of Störmer and Verlet."""

W = 1 / (2 - 2 ** (1 / 3))
YOSHIDA4 = Splitting(order=4, weights=(W / 2, W, (1 - W) / 2, 1 - 2 * W, (1 - W) / 2, W, W / 2))
"""Three leapfrogs of lengths w, 1 - 2w, w, w = 1/(2 - 2^(1/3)) (Yoshida 1990, Physics Letters A 150:262, eq. 2.11)."""

STEP_MAPS = {"rk4": RK4, "euler": EULER}
"""Maps from one frame to the next through which a latent field can be trained."""

FIXED_STEP: dict[str, RungeKutta | Splitting | ImplicitMidpoint] = {
    "euler": EULER,
    "rk4": RK4,
    "leapfrog": LEAPFROG,
    "yoshida4": YOSHIDA4,
    "implicit_midpoint": ImplicitMidpoint(),
}
"""One-step methods by their name in params.yaml."""
