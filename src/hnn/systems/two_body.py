"""Two bodies in a plane under their mutual gravity."""

from dataclasses import dataclass
from math import pi
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor

from hnn.core.phase_space import split
from hnn.systems.base import System

__all__ = ["TwoBody"]


@dataclass(frozen=True)
class TwoBody(System):
    """H = |p₁|²/(2m) + |p₂|²/(2m) - G m²/|q₁ - q₂|, x = (x₁, y₁, x₂, y₂, and the momenta alike), equal masses m.

    With G = m = 1 this is the published system (Greydanus et al. 2019, section 4), which orders the components differently.
    """

    degrees: ClassVar[int] = 4
    equal_bodies: ClassVar[int] = 2
    separable: ClassVar[bool] = True
    components: ClassVar[str] = "x1, y1, x2, y2 in m, then their momenta in kg m/s"
    shapes: ClassVar[tuple[str, ...]] = ("near_circular",)

    mass: float  # kg, of each body
    gravity: float  # G in m³ / (kg s²)

    def hamiltonian(self, x: Tensor) -> Tensor:
        q, p = split(x)
        r = torch.linalg.vector_norm(q[..., :2] - q[..., 2:], dim=-1)
        return (p**2).sum(-1) / (2 * self.mass) - self.gravity * self.mass**2 / r

    def period(self, x: Tensor) -> Tensor:
        """T = 2π √(a³/(2 G m)) with the semi-major axis a = -G m²/(2 E), E the energy of the relative motion (Kepler)."""
        _, p = split(x)
        total = p[..., :2] + p[..., 2:]
        bound = self.hamiltonian(x) - (total**2).sum(-1) / (4 * self.mass)
        a = -self.gravity * self.mass**2 / (2 * bound)
        return 2 * pi * torch.sqrt(a**3 / (2 * self.gravity * self.mass))

    def plane(self, x: Tensor) -> Tensor:
        """Position of the first body relative to the second."""
        return x[..., :2] - x[..., 2:4]

    def invariants(self, x: Tensor) -> dict[str, Tensor]:
        """Total momentum in kg m/s, and angular momentum about the origin in kg m²/s."""
        q, p = split(x)
        spin = (q[..., 0::2] * p[..., 1::2] - q[..., 1::2] * p[..., 0::2]).sum(-1, keepdim=True)
        return {"momentum": p[..., :2] + p[..., 2:], "angular_momentum": spin}

    def near_circular(
        self, generator: np.random.Generator, count: int, low: float, high: float, speed_spread: float
    ) -> np.ndarray:
        """Opposite positions ± (x, y) with x, y uniform in [low, high]; circular speed times 1 + speed_spread N(0, 1)."""
        q = generator.uniform(low, high, (count, 2))
        r = np.linalg.norm(q, axis=-1, keepdims=True)  # half the distance
        speed = np.sqrt(self.gravity * self.mass / (4 * r)) * (1 + speed_spread * generator.standard_normal((count, 1)))
        p = self.mass * speed * q[:, ::-1] * [-1, 1] / r  # a quarter turn ahead of q
        return np.concatenate([q, -q, p, -p], axis=-1)
