"""The pendulum with linear friction: the system a conservative model cannot fit."""

from dataclasses import dataclass

import torch
from torch import Tensor

from hnn.core.phase_space import join, split
from hnn.systems.pendulum import Pendulum

__all__ = ["DampedPendulum"]


@dataclass(frozen=True)
class DampedPendulum(Pendulum):
    """dp/dt = -∂H/∂q - γ p with the H of `Pendulum`, so that dH/dt = -γ p²/(m l²) ≤ 0.

    `period` is the period of the frictionless motion with the energy of x.
    """

    friction: float  # γ in 1 / s

    def dissipation(self, x: Tensor) -> Tensor:
        q, p = split(x)
        return join(torch.zeros_like(q), -self.friction * p)
