"""From a vector field to trajectories: one-step methods as data, an adaptive reference solver, the rollout that drives them.

A method knows no system: it is given a `Field`, states of shape (*batch, 2n) and a step in seconds.
"""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import cycle
from math import ceil

import numpy as np
import torch
from scipy.integrate import solve_ivp
from torch import Tensor

from hnn.collocation import Gauss
from hnn.errors import Refused
from hnn.phase_space import Field, join, split

__all__ = [
    "ADAPTIVE",
    "EULER",
    "INTEGRATORS",
    "LEAPFROG",
    "RK4",
    "STEP_MAPS",
    "YOSHIDA4",
    "ImplicitMidpoint",
    "Reference",
    "RungeKutta",
    "Splitting",
    "frozen",
    "rollout",
]

Step = Callable[[Field, Tensor, float], Tensor]


@dataclass(frozen=True)
class RungeKutta:
    """An explicit Runge-Kutta method is its tableau: stages kᵢ = f(x + dt Σⱼ aᵢⱼ kⱼ), x ← x + dt Σᵢ bᵢ kᵢ."""

    order: int
    a: tuple[tuple[float, ...], ...]
    b: tuple[float, ...]

    def __call__(self, field: Field, x: Tensor, dt: float) -> Tensor:
        """One step."""
        stages: list[Tensor] = []
        for row in self.a:
            stages.append(field.time_derivative(x + dt * weighted_sum(row, stages, x)))
        return x + dt * weighted_sum(self.b, stages, x)


def weighted_sum(weights: tuple[float, ...], terms: list[Tensor], like: Tensor) -> Tensor:
    """Σ wᵢ kᵢ over the weights that are not zero; zero, shaped as `like`, if there is none."""
    total = torch.zeros_like(like)
    for weight, term in zip(weights, terms, strict=True):
        if weight != 0:
            total = total + weight * term
    return total


@dataclass(frozen=True)
class Splitting:
    """A symplectic method for H = T(p) + V(q) is its palindromic list of weights: kick, drift, kick, …, kick.

    A kick moves p by w dt dp/dt, a drift moves q by w dt dq/dt. Palindromic lists make the method time-reversible (Hairer,
    Lubich, Wanner 2006, section II.5).
    """

    order: int
    weights: tuple[float, ...]

    def __call__(self, field: Field, x: Tensor, dt: float) -> Tensor:
        """One step; the field must be separable, or the result is neither symplectic nor of this order."""
        if not getattr(field, "separable", False):
            raise Refused(
                f"a splitting needs H = T(p) + V(q), which {type(field).__name__} is not known to be; "
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

    Solved by fixed-point iteration until no state moves by more than `tolerance` times its size; a step too long for the
    iteration to contract gives NaN, not a wrong number.
    """

    order: int = 2
    tolerance: float = 1e-13
    iterations: int = 100

    def __call__(self, field: Field, x: Tensor, dt: float) -> Tensor:
        """One step."""
        tolerance = max(self.tolerance, 4 * torch.finfo(x.dtype).eps)
        x1 = x + dt * field.time_derivative(x)
        for _ in range(self.iterations):
            x1, previous = x + dt * field.time_derivative((x + x1) / 2), x1
            moved = (x1 - previous).abs().amax(-1, keepdim=True)
            settled = moved.isfinite() & (moved <= tolerance * x1.abs().amax(-1, keepdim=True).clamp(min=1e-300))
            if settled.all():
                return x1
        return torch.where(settled, x1, torch.nan)


@dataclass(frozen=True)
class Reference:
    """SciPy's adaptive DOP853 (Hairer, Nørsett, Wanner 1993, section II.5) on the whole batch at once, in float64.

    Local error per step at most `tolerance` (relative and absolute, root mean square over the batch). A trajectory that comes
    where a component passes `limit` or the field is not finite stops there and is NaN from then on, so that one explosion does
    not hold up the batch.
    """

    tolerance: float = 1e-9
    limit: float = 1e6

    @torch.no_grad()
    def __call__(self, field: Field, x0: Tensor, t: Tensor) -> Tensor:
        """States at the times t (time,) of trajectories from x0 (*batch, 2n) at t[0]; shape (*batch, time, 2n)."""
        times, y0 = t.double().cpu().numpy(), x0.detach().double().cpu().numpy().ravel()
        lost_at = torch.full(x0.shape[:-1], torch.inf, dtype=torch.float64)  # seconds after the start

        def derivative(time: float, y: np.ndarray) -> np.ndarray:
            """The field at all states of the batch, flat (batch * 2n,), which is 0 where a trajectory is lost."""
            x = torch.from_numpy(y).view(x0.shape)
            dx = field.time_derivative(x.to(x0)).double().cpu()
            flat = dx.numpy().ravel()
            if np.abs(y).max() < self.limit and np.isfinite(flat.sum()):
                return flat
            regular = (x.abs() < self.limit).all(-1) & dx.isfinite().all(-1)
            lost_at[~regular] = lost_at[~regular].clamp(max=abs(time - times[0]))
            return torch.where(regular[..., None], dx, 0.0).numpy().ravel()

        found = solve_ivp(derivative, times[[0, -1]], y0, "DOP853", times, rtol=self.tolerance, atol=self.tolerance)
        if not found.success:
            last = times[max(len(found.t) - 1, 0)]
            raise Refused(f"the motion cannot be followed much beyond t = {last:g} s: its steps shrink to nothing")
        x = torch.from_numpy(found.y).view(*x0.shape, len(times)).transpose(-1, -2)
        after = torch.from_numpy(np.abs(times - times[0]))
        lost = (after > lost_at[..., None])[..., None]
        return x.where(~lost, torch.nan).to(x0)


RK4 = RungeKutta(
    order=4,
    a=((), (0.5,), (0.0, 0.5), (0.0, 0.0, 1.0)),
    b=(1 / 6, 1 / 3, 1 / 3, 1 / 6),
)
"""The classical Runge-Kutta method (Hairer, Nørsett, Wanner 1993, table II.1.2); not symplectic."""

EULER = RungeKutta(order=1, a=((),), b=(1.0,))
"""x₁ = x₀ + dt f(x₀): the map that a network learns from forward differences. Not for rollouts of anything else."""

LEAPFROG = Splitting(order=2, weights=(0.5, 1.0, 0.5))
"""Kick-drift-kick leapfrog, the velocity form of Störmer and Verlet."""

W = 1 / (2 - 2 ** (1 / 3))
YOSHIDA4 = Splitting(order=4, weights=(W / 2, W, (1 - W) / 2, 1 - 2 * W, (1 - W) / 2, W, W / 2))
"""Three leapfrogs of lengths w, 1 - 2w, w, w = 1/(2 - 2^(1/3)) (Yoshida 1990, Physics Letters A 150:262, eq. 2.11)."""

STEP_MAPS = {"rk4": RK4, "euler": EULER}
"""The maps from one frame to the next through which a latent field can be trained."""

INTEGRATORS: dict[str, RungeKutta | Splitting | ImplicitMidpoint] = {
    "euler": EULER,
    "rk4": RK4,
    "leapfrog": LEAPFROG,
    "yoshida4": YOSHIDA4,
    "implicit_midpoint": ImplicitMidpoint(),
}
"""One-step methods by the name they have in params.yaml."""

ADAPTIVE: dict[str, type[Reference] | type[Gauss]] = {"dop853": Reference, "gauss": Gauss}
"""Methods that choose their steps: dop853 asks less of costly fields, gauss is far quicker on cheap ones and symplectic."""


def rollout(
    field: Field, x0: Tensor, t: Tensor, integrator: str = "dop853", step: float = 0.01, tolerance: float = 1e-9
) -> Tensor:
    """States at the times t (time,), in seconds, from x0 (*batch, 2n) at t[0]; shape (*batch, time, 2n).

    A fixed-step method takes, between two times, the smallest whole number of equal steps no longer than `step` seconds;
    `dop853` and `gauss` choose their own, for a local error of at most `tolerance`. Times must increase, or decrease
    throughout (backward).
    """
    if integrator not in (*ADAPTIVE, *INTEGRATORS):
        raise ValueError(f"integrator: given {integrator!r}, allowed: {', '.join([*ADAPTIVE, *INTEGRATORS])}")
    steps = t.diff()
    if len(t) < 2 or not (bool((steps > 0).all()) or bool((steps < 0).all())):
        raise ValueError("t: at least two times are needed, and they must increase or decrease throughout")
    if not step > 0:
        raise ValueError(f"step: given {step}, allowed: a positive number of seconds")
    if integrator in ADAPTIVE:
        return ADAPTIVE[integrator](tolerance)(frozen(field, x0), x0, t)
    method = INTEGRATORS[integrator]
    followed = field if isinstance(method, Splitting) else frozen(field, x0)  # splittings look at the field itself
    return march(method, followed, x0, steps.tolist(), step)


def frozen(field: Field, x0: Tensor) -> Field:
    """The field as states like x0 are quickest followed: as it is, or its `frozen` form on a CPU in float64."""
    suits = x0.dtype is torch.float64 and x0.device.type == "cpu" and not x0.requires_grad
    return field.frozen() if suits and hasattr(field, "frozen") else field


@torch.no_grad()
def march(method: Step, field: Field, x0: Tensor, intervals: list[float], step: float) -> Tensor:
    """The states at the ends of the intervals, x0 first, by equal steps no longer than `step` within each."""
    states = [x0]
    for interval in intervals:
        count = max(1, ceil(abs(interval) / step * (1 - 1e-9)))
        x = states[-1]
        for _ in range(count):
            x = method(field, x, interval / count)
        states.append(x)
    return torch.stack(states, dim=-2)
