"""A uniform rod that swings about one of its ends."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from hnn.systems.pendulum import Pendulum

__all__ = ["RodPendulum"]


@dataclass(frozen=True)
class RodPendulum(Pendulum):
    """H(q, p) = 3p²/(2 m l²) + ½ m g l (1 - cos q), hanging at rest at q = 0; q in rad, p in kg m² / s.

    With m = l = 1 and g = 10 this is H = 1.5p² + 5(1 - cos q), p = θ'/3: the pendulum of the published frames (Greydanus et
    al. 2019, section 5). The published "energy" (0.25 θ')² + 1.9(1 - cos θ) is 0.375 H with 1.875 rounded to 1.9.
    """

    shapes: ClassVar[tuple[str, ...]] = (*Pendulum.shapes, "swing")

    @property
    def inertia(self) -> float:
        """Moment of inertia about the pivot, in kg m²."""
        return self.mass * self.length**2 / 3

    @property
    def torque(self) -> float:
        """Torque of gravity on the rod held horizontally, in N m."""
        return self.mass * self.gravity * self.length / 2

    def swing(self, generator: np.random.Generator, count: int, angle: float, speed: float) -> np.ndarray:
        """Angle uniform in ± `angle` rad, angular velocity in ± `speed` rad / s, as published."""
        q = generator.uniform(-angle, angle, count)
        return np.stack([q, self.inertia * generator.uniform(-speed, speed, count)], axis=-1)
