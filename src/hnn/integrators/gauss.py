"""Gauss collocation: reference solutions of smooth motions, accurate to rounding, with few calls of the field.

A step approximates the derivative along the motion by a polynomial. All its nodes of all trajectories are evaluated in one
call of the field, which is fast because a call on a thousand states costs little more than on one.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import torch
from numpy.polynomial import legendre
from torch import Tensor

from hnn.core.errors import NotFollowed
from hnn.core.phase_space import Field, Progress

__all__ = ["Gauss"]

ITERATIONS = 24
"""Largest number of fixed-point iterations per step."""
CONVERGENCE_FRACTION = 0.01
"""The iteration has converged when its relative change is below this fraction of the tolerance, or at rounding level."""
ROUNDING = 1e-15
"""Smallest relative change that the iteration must reach."""

SHRINK, LEAST, GROW, SAFETY = 0.5, 0.2, 2.0, 0.9
"""Step size control: factor after an iteration that did not converge; smallest and largest factor; safety factor."""


@dataclass(frozen=True)
class Gauss:
    """x(τ) = x₀ + ∫₀^τ P with P of degree s - 1 equal to f(x) at the s Gauss nodes of a step: symplectic of order 2s.

    Time-reversible (Hairer, Lubich, Wanner 2006, sections II.1.3 and II.4). The nodes are solved for by fixed-point iteration
    from the extrapolated P of the last step. The step size, one for the whole batch, is controlled by the last two Legendre
    coefficients of P: their contribution to any trajectory is at most `tolerance` times its size. Times within a step are read
    from the polynomial with the same accuracy. Symplecticity holds to the convergence of the iteration, a hundredth of the
    tolerance.

    >>> from hnn.systems.base import make_system
    >>> spring = make_system("mass_spring", mass=0.5, stiffness=2.0)  # period π
    >>> x0 = torch.tensor([1.0, 0.0], dtype=torch.float64)
    >>> x = Gauss()(spring, x0, torch.linspace(0, torch.pi, 5, dtype=torch.float64))
    >>> bool((x[-1] - x0).abs().max() < 1e-12)
    True
    """

    tolerance: float = 1e-12
    stages: int = 16

    @torch.no_grad()
    def __call__(self, field: Field, x0: Tensor, t: Tensor, progress: Progress | None = None) -> Tensor:
        """States at the times t (time,) of trajectories from x0 (*batch, 2n) at t[0]; (*batch, time, 2n), in float64.

        `progress` is called with the fraction of the time that has passed. Raises `NotFollowed` if the step size underflows,
        as before a collision.
        """
        times, x = t.double().cpu().numpy(), x0.double()
        forward, now, end = np.sign(times[-1] - times[0]), times[0], times[-1]
        saved, slopes, before = [x], None, 1.0
        step = self.first_step(field, x, end - now)
        while len(saved) < len(times):
            step = min(step, abs(end - now))
            if step < 1e-12 * abs(end - times[0]):
                raise NotFollowed(f"the motion cannot be followed beyond t = {now:.6g} s: the step size underflows")
            node_slopes = self.solve_nodes(field, x, forward * step, slopes, step / before)
            if node_slopes is None:
                step *= SHRINK
                continue
            coefficients = step * forward * legendre_coefficients(node_slopes)
            tail = largest(coefficients[-2:], x)
            factor = SAFETY * (self.tolerance / max(tail, 1e-300)) ** (1 / (self.stages - 1))
            if tail > self.tolerance:
                step *= max(factor, LEAST)
                continue
            until = now + forward * step if step < abs(end - now) else end
            due = times[len(saved) :][forward * times[len(saved) :] <= forward * until]
            read = integrals(self.stages, (np.array([*due, until]) - now) / (until - now))
            *path, x = x + torch.tensordot(torch.from_numpy(read).to(x), coefficients, 1)
            saved += path
            now, slopes, before, step = until, node_slopes, step, step * min(factor, GROW)
            if progress:
                progress(abs(now - times[0]) / abs(end - times[0]))
        return torch.stack(saved, dim=-2)

    def first_step(self, field: Field, x: Tensor, duration: float) -> float:
        """A hundredth of the time in which the fastest trajectory moves by its own size."""
        rate = float((field.time_derivative(x).abs().amax(-1) / size(x)).max())
        return min(abs(duration), 0.01 / max(rate, 1e-300))

    def solve_nodes(self, field: Field, x: Tensor, step: float, slopes: Tensor | None, ratio: float) -> Tensor | None:
        """f at the Gauss nodes of a step, (stages, *batch, 2n); None if the iteration does not converge.

        The iteration starts from the extrapolation of `slopes`, f at the nodes of the last step; `ratio` is the length of this
        step over that of the last one.
        """
        inner = step * torch.from_numpy(runge_kutta_matrix(self.stages)).to(x)
        if slopes is None:
            k = field.time_derivative(x).expand(self.stages, *x.shape)
        else:
            ahead = torch.from_numpy(values(self.stages, 1 + ratio * nodes(self.stages))).to(x)
            k = torch.tensordot(ahead, legendre_coefficients(slopes), 1)
        last, bound = np.inf, max(CONVERGENCE_FRACTION * self.tolerance, ROUNDING)
        for _ in range(ITERATIONS):
            k, previous = field.time_derivative(x + torch.tensordot(inner, k, 1)), k
            change = abs(step) * largest(k - previous, x)
            if change <= bound or (change <= 100 * ROUNDING and change >= last / 2):  # limited by rounding
                return k
            if not change < 4 * last:
                return None
            last = change
        return None


def legendre_coefficients(slopes: Tensor) -> Tensor:
    """Legendre coefficients of P, (stages, *batch, 2n), from its values at the Gauss nodes."""
    return torch.tensordot(torch.from_numpy(transform(len(slopes))).to(slopes), slopes, 1)


def largest(change: Tensor, x: Tensor) -> float:
    """Largest |component| of a change (points, *batch, 2n) relative to the size of its trajectory's state x (*batch, 2n)."""
    return float((change.abs().amax(0).amax(-1) / size(x)).max())  # a reduction over both axes at once is three times slower


def size(x: Tensor) -> Tensor:
    """Largest |component| of each state (*batch, 2n), bounded away from zero."""
    return x.abs().amax(-1).clamp(min=1e-100)


@lru_cache
def nodes(stages: int) -> np.ndarray:
    """The Gauss-Legendre nodes of [0, 1]."""
    return (legendre.leggauss(stages)[0] + 1) / 2


@lru_cache
def transform(stages: int) -> np.ndarray:
    """The matrix from values at the Gauss nodes to Legendre coefficients."""
    return np.linalg.inv(values(stages, nodes(stages)))


@lru_cache
def runge_kutta_matrix(stages: int) -> np.ndarray:
    """The Runge-Kutta matrix aᵢⱼ: integrals from 0 to the Gauss nodes, from values at the nodes."""
    return integrals(stages, nodes(stages)) @ transform(stages)


def values(stages: int, u: np.ndarray) -> np.ndarray:
    """The Legendre polynomials of [0, 1] of degree 0 to stages - 1 at u, (len(u), stages)."""
    return legendre.legvander(2 * u - 1, stages - 1)


def integrals(stages: int, u: np.ndarray) -> np.ndarray:
    """Integrals from 0 to u of the Legendre polynomials of [0, 1] of degree 0 to stages - 1, (len(u), stages).

    They are (P_{k+1} - P_{k-1})/(2 (2k + 1)) of degree k, and u for k = 0.
    """
    p, k = legendre.legvander(2 * u - 1, stages), np.arange(1, stages)
    return np.concatenate([u[:, None], (p[:, 2:] - p[:, :-2]) / (2 * (2 * k + 1))], axis=1)
