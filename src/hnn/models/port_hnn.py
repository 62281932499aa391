"""The port-Hamiltonian network: an energy and a dissipation matrix."""

import torch
from torch import Tensor

from hnn.core.phase_space import rotate
from hnn.models.base import Model
from hnn.networks.mlp import MLP

__all__ = ["PortHamiltonianNetwork"]

INITIAL = 0.1
"""Factor of the network of B: friction is mostly weak, and R = B Bᵀ is to begin below it."""


class PortHamiltonianNetwork(Model):
    """dx/dt = (J - R(x)) ∇H(x) with networks for H and for R = B Bᵀ, positive semidefinite (van der Schaft, Jeltsema 2014).

    Learned as by Desai, Mattheakis, Sondak, Protopapas, Roberts (2021), but with R a function of the state. Energy never
    grows: dH/dt = -|Bᵀ ∇H|².
    """

    def __init__(self, degrees: int, *, hidden: int, layers: int, activation: str, generator: torch.Generator) -> None:
        super().__init__()
        self.energy = MLP(2 * degrees, 1, hidden=hidden, layers=layers, activation=activation, generator=generator)
        size = (2 * degrees) ** 2
        self.factor = MLP(2 * degrees, size, hidden=hidden, layers=layers, activation=activation, generator=generator)

    def hamiltonian(self, x: Tensor) -> Tensor:
        """The learned energy, shape (*batch,)."""
        return self.energy(x).squeeze(-1)

    def dissipation_matrix(self, x: Tensor) -> Tensor:
        """R(x), shape (*batch, 2n, 2n)."""
        B = self.dissipation_factor(x)
        return B @ B.mT

    def dissipation_factor(self, x: Tensor) -> Tensor:
        """B(x), shape (*batch, 2n, 2n)."""
        return INITIAL * self.factor(x).unflatten(-1, (x.shape[-1], -1))

    def dissipation(self, x: Tensor) -> Tensor:
        return self.damped(x, self.energy.gradient(x))

    def damped(self, x: Tensor, gradient: Tensor) -> Tensor:
        """-R(x) ∇H of the gradient ∇H at x, both and the result (*batch, 2n)."""
        B = self.dissipation_factor(x)
        return -(B @ (B.mT @ gradient[..., None])).squeeze(-1)

    def time_derivative(self, x: Tensor) -> Tensor:
        gradient = self.energy.gradient(x)
        return rotate(gradient) + self.damped(x, gradient)
