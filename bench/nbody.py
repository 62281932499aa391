"""A system of any size: light bodies around a heavy one."""

from dataclasses import dataclass
from math import pi

import torch
from torch import Tensor

from hnn.core.phase_space import split
from hnn.systems.base import System

__all__ = ["Planets"]

APART = 0.5  # m between neighbouring orbits


@dataclass(frozen=True)
class Planets(System):
    """H = Σ |pᵢ|²/(2mᵢ) - Σ_{i<j} G mᵢ mⱼ/|qᵢ - qⱼ| in a plane, x = (x₁, y₁, x₂, …, and the momenta alike), G = 1.

    The first body weighs 1 kg, each other a millionth of that, on a circle half a metre wider than the last. So the innermost
    sets the pace of a solver whatever the number of bodies, and what grows with it is the cost of the forces alone.
    """

    bodies: int

    def __post_init__(self) -> None:
        object.__setattr__(self, "degrees", 2 * self.bodies)  # of the class in other systems

    @property
    def masses(self) -> Tensor:
        """The masses of all bodies in kg, (bodies,)."""
        light = torch.full((self.bodies,), 1e-6, dtype=torch.float64)
        light[0] = 1.0
        return light

    def hamiltonian(self, x: Tensor) -> Tensor:
        q, p = (part.unflatten(-1, (self.bodies, 2)) for part in split(x))
        i, j = torch.triu_indices(self.bodies, self.bodies, 1)
        m = self.masses.to(x)
        r = torch.linalg.vector_norm(q[..., i, :] - q[..., j, :], dim=-1)
        return (p.square().sum(-1) / (2 * m)).sum(-1) - (m[i] * m[j] / r).sum(-1)

    def period(self, x: Tensor) -> Tensor:
        """2π of the innermost circle, of radius 1 m around 1 kg."""
        return torch.full(x.shape[:-1], 2 * pi, dtype=x.dtype)

    def on_circles(self, angles: Tensor) -> Tensor:
        """States (count, 4 bodies) with every body on its circle, at `angles` (count, bodies); the heavy one rests at 0."""
        radius = 1 + APART * torch.arange(-1, self.bodies - 1, dtype=torch.float64)
        radius[0] = 0.0
        speed = torch.where(radius > 0, radius, torch.inf).rsqrt()
        q = radius[:, None] * torch.stack([angles.cos(), angles.sin()], dim=-1)
        p = (self.masses * speed)[:, None] * torch.stack([-angles.sin(), angles.cos()], dim=-1)
        return torch.cat([q.flatten(1), p.flatten(1)], dim=-1)
