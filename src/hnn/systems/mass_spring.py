"""A mass on an ideal spring."""

from dataclasses import dataclass
from math import pi, sqrt
from typing import ClassVar

import torch
from torch import Tensor

from hnn.core.phase_space import join, split
from hnn.systems.base import System

__all__ = ["MassSpring"]


@dataclass(frozen=True)
class MassSpring(System):
    """H(q, p) = p²/(2m) + k q²/2, at rest at q = 0.

    With m = 1/2 and k = 2 this is the published H = q² + p² (Greydanus et al. 2019, section 3.1).
    """

    degrees: ClassVar[int] = 1
    separable: ClassVar[bool] = True
    components: ClassVar[str] = "q in m, p in kg m/s"

    mass: float  # kg
    stiffness: float  # N / m

    @property
    def frequency(self) -> float:
        """ω = √(k/m) in rad / s."""
        return sqrt(self.stiffness / self.mass)

    def hamiltonian(self, x: Tensor) -> Tensor:
        q, p = x[..., 0], x[..., 1]
        return p**2 / (2 * self.mass) + self.stiffness * q**2 / 2

    def period(self, x: Tensor) -> Tensor:
        """2π/ω, the same for every amplitude."""
        return torch.full_like(x[..., 0], 2 * pi / self.frequency)

    def solution(self, x0: Tensor, t: Tensor) -> Tensor:
        """q(t) = q₀ cos ωt + p₀/(mω) sin ωt and p = m dq/dt."""
        q0, p0 = split(x0[..., None, :])
        cos, sin = torch.cos(self.frequency * t)[:, None], torch.sin(self.frequency * t)[:, None]
        impedance = self.mass * self.frequency
        return join(q0 * cos + p0 / impedance * sin, p0 * cos - impedance * q0 * sin)
