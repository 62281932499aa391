"""A mass on a spring that hardens as it is stretched."""

from dataclasses import dataclass
from typing import ClassVar

import torch
from scipy.special import ellipk
from torch import Tensor

from hnn.systems.base import System


@dataclass(frozen=True)
class Duffing(System):
    """H(q, p) = p²/(2m) + k q²/2 + b q⁴/4, at rest at q = 0 (Duffing's oscillator)."""

    degrees: ClassVar[int] = 1
    separable: ClassVar[bool] = True

    mass: float  # kg
    stiffness: float  # k in N / m
    hardening: float  # b in N / m³

    def hamiltonian(self, x: Tensor) -> Tensor:
        q, p = x[..., 0], x[..., 1]
        return p**2 / (2 * self.mass) + self.stiffness * q**2 / 2 + self.hardening * q**4 / 4

    def period(self, x: Tensor) -> Tensor:
        """4 K/ω, ω² = (k + b a²)/m, of the parameter b a²/(2 m ω²); a is the amplitude: k a²/2 + b a⁴/4 = H."""
        k, b = self.stiffness, self.hardening
        stretch = torch.sqrt(k**2 + 4 * b * self.hamiltonian(x)) - k  # b a²
        parameter = stretch / (2 * (k + stretch))
        return 4 * torch.as_tensor(ellipk(parameter.numpy())) * torch.sqrt(self.mass / (k + stretch))
