"""A point mass on a massless rod."""

from dataclasses import dataclass
from math import sqrt
from typing import ClassVar

import numpy as np
import torch
from scipy.special import ellipk
from torch import Tensor

from hnn.systems.base import System

__all__ = ["Pendulum"]


@dataclass(frozen=True)
class Pendulum(System):
    """H(q, p) = p²/(2 m l²) + m g l (1 - cos q), hanging at rest at q = 0; q in rad, p in kg m² / s.

    With m = 1/2, l = 1 and g = 6 this is the published program's H = p² + 3(1 - cos q) (Greydanus et al. 2019, section
    3.2; the paper's text has another scale). With m = l = 1 and g = 1.2 the momentum is the angular velocity, and 2H is
    the published energy p² + 2.4(1 - cos q) of the measured pendulum.
    """

    degrees: ClassVar[int] = 1
    axes: ClassVar[tuple[str, str]] = ("angle q in rad", "momentum p in kg m²/s")
    separable: ClassVar[bool] = True
    shapes: ClassVar[tuple[str, ...]] = (*System.shapes, "amplitude")
    components: ClassVar[str] = "q in rad, p in kg m²/s"

    mass: float  # kg
    length: float  # m
    gravity: float  # m / s²

    @property
    def inertia(self) -> float:
        """Moment of inertia about the pivot, in kg m²."""
        return self.mass * self.length**2

    @property
    def torque(self) -> float:
        """Torque of gravity on the rod held horizontally, in N m."""
        return self.mass * self.gravity * self.length

    def hamiltonian(self, x: Tensor) -> Tensor:
        q, p = x[..., 0], x[..., 1]
        return p**2 / (2 * self.inertia) + self.torque * (1 - torch.cos(q))

    def period(self, x: Tensor) -> Tensor:
        """4 K(k)/ω with ω² = torque/inertia and k² = H/(2 torque); beyond the separatrix, for a full turn, 2 K(1/k)/(k ω)."""
        omega = sqrt(self.torque / self.inertia)
        m = (self.hamiltonian(x) / (2 * self.torque)).numpy()  # k², SciPy's parameter
        swing, turn = 4 * ellipk(m.clip(max=1)), 2 * ellipk(1 / m.clip(min=1)) / m.clip(min=1) ** 0.5
        return torch.where(torch.as_tensor(m < 1), torch.as_tensor(swing), torch.as_tensor(turn)) / omega

    def amplitude(self, generator: np.random.Generator, count: int, low: float, high: float) -> np.ndarray:
        """States of motions with amplitude a uniform in [low, high] rad: angle uniform in ± a, random sign of the momentum."""
        a = generator.uniform(low, high, count)
        q = a * generator.uniform(-1, 1, count)
        p = np.sqrt(2 * self.inertia * self.torque * (np.cos(q) - np.cos(a)))
        return np.stack([q, p * generator.choice([-1.0, 1.0], count)], axis=-1)
