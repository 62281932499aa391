"""Collocation at Gauss's points: the reference solution of smooth motions, to rounding, in a few calls of the field.

A step fits the derivative along the motion by a polynomial; all its points, of all trajectories, pass the field at once. That
is what makes it fast: a call on a thousand states costs little more than on one.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import torch
from numpy.polynomial import legendre
from torch import Tensor

from hnn.core.errors import Refused
from hnn.core.phase_space import Field

__all__ = ["Gauss"]

ITERATIONS, PART, ROUNDING = 24, 0.01, 1e-15
"""How often the points of a step are improved at most, and the relative change below which they are found: that part of the
tolerance, but not less than rounding."""

SHRINK, LEAST, GROW, SAFETY = 0.5, 0.2, 2.0, 0.9
"""Of the step: by how much it shrinks if they are not found, and bounds and margin of its control."""


@dataclass(frozen=True)
class Gauss:
    """x(τ) = x₀ + ∫₀^τ P, where P, of degree s - 1, is f(x) at the s Gauss points of a step: order 2s, symplectic, reversible.

    (Hairer, Lubich, Wanner 2006, sections II.1.3 and II.4.) The points are found by fixed-point iteration from the last step's
    P, continued. The step, one for the whole batch, is as long as the last two Legendre coefficients of P allow: they may move
    no trajectory by more than `tolerance` times its size. Times between are read off the polynomial, at the same accuracy. The
    structure holds as far as the points are found, to a hundredth of the tolerance.
    """

    tolerance: float = 1e-12
    stages: int = 16

    @torch.no_grad()
    def __call__(self, field: Field, x0: Tensor, t: Tensor) -> Tensor:
        """States at the times t (time,) of trajectories from x0 (*batch, 2n) at t[0]; (*batch, time, 2n), in float64.

        Raises `Refused` where steps become too short to get on, as before a collision.
        """
        times, x = t.double().cpu().numpy(), x0.double()
        forward, now, end = np.sign(times[-1] - times[0]), times[0], times[-1]
        saved, slopes, before = [x], None, 1.0
        step = self.first_step(field, x, end - now)
        while len(saved) < len(times):
            step = min(step, abs(end - now))
            if step < 1e-12 * abs(end - times[0]):
                raise Refused(f"the motion cannot be followed beyond t = {now:.6g} s: its steps shrink to nothing")
            found = self.points(field, x, forward * step, slopes, step / before)
            if found is None:
                step *= SHRINK
                continue
            coefficients = step * forward * transformed(found)
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
            now, slopes, before, step = until, found, step, step * min(factor, GROW)
        return torch.stack(saved, dim=-2)

    def first_step(self, field: Field, x: Tensor, duration: float) -> float:
        """A hundredth of the time in which the fastest trajectory would move by its own size."""
        rate = float((field.time_derivative(x).abs().amax(-1) / size(x)).max())
        return min(abs(duration), 0.01 / max(rate, 1e-300))

    def points(self, field: Field, x: Tensor, step: float, slopes: Tensor | None, ratio: float) -> Tensor | None:
        """f at the Gauss points of a step, (stages, *batch, 2n); None if the iteration does not settle.

        It starts from `slopes`, those of the step before, which was shorter by `ratio`.
        """
        inner = step * torch.from_numpy(weights(self.stages)).to(x)
        if slopes is None:
            k = field.time_derivative(x).expand(self.stages, *x.shape)
        else:
            ahead = torch.from_numpy(values(self.stages, 1 + ratio * nodes(self.stages))).to(x)
            k = torch.tensordot(ahead, transformed(slopes), 1)
        last, enough = np.inf, max(PART * self.tolerance, ROUNDING)
        for _ in range(ITERATIONS):
            k, previous = field.time_derivative(x + torch.tensordot(inner, k, 1)), k
            moved = abs(step) * largest(k - previous, x)
            if moved <= enough or (moved <= 100 * ROUNDING and moved >= last / 2):  # as close as rounding lets it come
                return k
            if not moved < 4 * last:
                return None
            last = moved
        return None


def transformed(slopes: Tensor) -> Tensor:
    """The Legendre coefficients of P, (stages, *batch, 2n), from its values at the Gauss points."""
    return torch.tensordot(torch.from_numpy(transform(len(slopes))).to(slopes), slopes, 1)


def largest(change: Tensor, x: Tensor) -> float:
    """The largest component of a change (points, *batch, 2n) over the size of its trajectory's state x (*batch, 2n)."""
    return float((change.abs().amax(0).amax(-1) / size(x)).max())  # over both axes at once it takes three times as long


def size(x: Tensor) -> Tensor:
    """The largest |component| of each state (*batch, 2n), never zero."""
    return x.abs().amax(-1).clamp(min=1e-100)


@lru_cache
def nodes(stages: int) -> np.ndarray:
    """The Gauss points of [0, 1]."""
    return (legendre.leggauss(stages)[0] + 1) / 2


@lru_cache
def transform(stages: int) -> np.ndarray:
    """From values at the Gauss points to Legendre coefficients."""
    return np.linalg.inv(values(stages, nodes(stages)))


@lru_cache
def weights(stages: int) -> np.ndarray:
    """The matrix aᵢⱼ of the method: integrals from 0 to the Gauss points, from values there."""
    return integrals(stages, nodes(stages)) @ transform(stages)


def values(stages: int, u: np.ndarray) -> np.ndarray:
    """The Legendre polynomials of [0, 1] of degree 0 to stages - 1 at u, (len(u), stages)."""
    return legendre.legvander(2 * u - 1, stages - 1)


def integrals(stages: int, u: np.ndarray) -> np.ndarray:
    """Their integrals from 0 to u: ∫ P_k = (P_{k+1} - P_{k-1})/(2 (2k + 1)), and u itself for k = 0; (len(u), stages)."""
    p, k = legendre.legvander(2 * u - 1, stages), np.arange(1, stages)
    return np.concatenate([u[:, None], (p[:, 2:] - p[:, :-2]) / (2 * (2 * k + 1))], axis=1)
