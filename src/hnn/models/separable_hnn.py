"""The Hamiltonian network whose energy is a sum of kinetic and potential energy."""

import numpy as np
import torch
from numpy import ndarray
from torch import Tensor

from hnn.core.phase_space import Field, join, split
from hnn.models.base import Model
from hnn.networks.mlp import MLP
from hnn.networks.mlp_numpy import NumpyField

__all__ = ["SeparableHamiltonianNetwork"]


class SeparableHamiltonianNetwork(Model):
    """dx/dt = J ∇H(x) with H = T(p) + V(q), two scalar networks (Chen, Zhang, Arjovsky, Bottou 2020, section 3).

    Explicit splittings such as leapfrog apply, and are symplectic.
    """

    conservative = True
    separable = True

    def __init__(self, degrees: int, *, hidden: int, layers: int, activation: str, generator: torch.Generator) -> None:
        super().__init__()
        self.kinetic, self.potential = (
            MLP(degrees, 1, hidden=hidden, layers=layers, activation=activation, generator=generator) for _ in range(2)
        )

    def hamiltonian(self, x: Tensor) -> Tensor:
        """The learned energy, shape (*batch,)."""
        q, p = split(x)
        return (self.kinetic(p) + self.potential(q)).squeeze(-1)

    def time_derivative(self, x: Tensor) -> Tensor:
        """dx/dt = (∇T(p), -∇V(q)), shaped like the states x (*batch, 2n)."""
        q, p = split(x)
        return join(self.kinetic.gradient(p), -self.potential.gradient(q))

    def frozen(self) -> Field:
        """The same field in NumPy with the weights of now, for rollouts."""
        kinetic, potential = self.kinetic.frozen(), self.potential.frozen()

        def field(x: ndarray) -> ndarray:
            """dx/dt of x, both (points, 2n)."""
            q, p = np.split(x, 2, axis=-1)
            return np.concatenate([kinetic.gradient(p), -potential.gradient(q)], axis=-1)

        return NumpyField(field)
