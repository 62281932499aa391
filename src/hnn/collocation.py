"""Collocation at Gauss's points: the reference solution of smooth motions, to rounding, in a few calls of the field.

A step fits the derivative along the motion by a polynomial; all its points, of all trajectories, pass the field at once. That is
what makes it fast: a call costs the same for one state as for a thousand.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import torch
from numpy.polynomial import legendre
from torch import Tensor

from hnn.errors import Refused
from hnn.phase_space import Field

__all__ = ["Gauss"]

ITERATIONS, SHRINK, GROW, SAFETY = 24, 0.5, 2.0, 0.9


@dataclass(frozen=True)
class Gauss:
    """x(τ) = x₀ + ∫₀^τ P, where P, of degree s - 1, is f(x) at the s Gauss points of a step: order 2s, symplectic, reversible.

    (Hairer, Lubich, Wanner 2006, sections II.1.3 and II.4.) The points are found by fixed-point iteration from the last step's P,
    continued. The step, one for the whole batch, is as long as the last two Legendre coefficients of P allow: they may move no
    trajectory by more than `tolerance` times its size. Times between are read off the polynomial, at the same accuracy.
    """

    tolerance: float = 1e-12
    stages: int = 16

    @torch.no_grad()
    def __call__(self, field: Field, x0: Tensor, t: Tensor) -> Tensor:
        """States at the times t (time,) of trajectories from x0 (*batch, 2n) at t[0]; (*batch, time, 2n), in float64."""
        times, end = t.double().tolist(), float(t[-1])
        direction = 1.0 if end > times[0] else -1.0
        x, now, saved = x0.double(), times[0], [x0.double()]
        step, slopes, before = self.first_step(field, x, end - now), None, 1.0
        while len(saved) < len(times):
            step = min(step, direction * (end - now))
            if step < 1e-12 * abs(end - times[0]):
                raise Refused(
                    f"the motion cannot be followed beyond t = {now:.6g} s: steps would have to be shorter than {step:.1g} s"
                )
            found = self.points(field, x, direction * step, slopes, step / before)
            if found is None:
                step *= SHRINK
                continue
            coefficients = self.coefficients(found)
            tail = float((direction * step * coefficients[-2:].abs().amax((0, -1)) / size(x)).abs().max())
            factor = SAFETY * (self.tolerance / max(tail, 1e-300)) ** (1 / (self.stages - 1))
            if tail > self.tolerance:
                step *= max(factor, 0.2)
                continue
            until = now + direction * step if step < direction * (end - now) else end
            due = [time for time in times[len(saved) :] if direction * time <= direction * until]
            read = torch.tensor(integrals(self.stages, (np.array([*due, until]) - now) / (until - now))).to(x)
            path = x + direction * step * torch.tensordot(read, coefficients, 1)
            saved += list(path[:-1])
            x, now, slopes, before = path[-1], until, found, step
            step *= min(factor, GROW)
        return torch.stack(saved, dim=-2)

    def first_step(self, field: Field, x: Tensor, duration: float) -> float:
        """A hundredth of the time in which the fastest trajectory would move by its own size."""
        rate = float((field.time_derivative(x).abs().amax(-1) / size(x)).max())
        return min(abs(duration), 0.01 / max(rate, 1e-300))

    def points(self, field: Field, x: Tensor, step: float, slopes: Tensor | None, ratio: float) -> Tensor | None:
        """f at the Gauss points of a step, (stages, *batch, 2n); None if the iteration does not settle."""
        inner = step * torch.from_numpy(weights(self.stages)).to(x)
        if slopes is None:
            k = field.time_derivative(x).expand(self.stages, *x.shape)
        else:
            k = torch.tensordot(
                torch.from_numpy(values(self.stages, 1 + ratio * nodes(self.stages))).to(x), self.coefficients(slopes), 1
            )
        last = np.inf
        for _ in range(ITERATIONS):
            k, previous = field.time_derivative(x + torch.tensordot(inner, k, 1)), k
            moved = float((step * (k - previous).abs().amax((0, -1)) / size(x)).abs().max())
            if moved <= 1e-15 or (moved <= 1e-13 and moved >= last / 2):  # as close as rounding lets it come
                return k
            if not moved < 4 * last:
                return None
            last = moved
        return None

    def coefficients(self, slopes: Tensor) -> Tensor:
        """The Legendre coefficients of P, (stages, *batch, 2n), from its values at the Gauss points."""
        return torch.tensordot(torch.from_numpy(transform(self.stages)).to(slopes), slopes, 1)


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
