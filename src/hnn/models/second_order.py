"""A network that learns forces, not an energy: second-order structure alone."""

import numpy as np
import torch
from numpy import ndarray
from torch import Tensor

from hnn.core.phase_space import Field, join, split
from hnn.models.base import Model
from hnn.networks.cholesky import CholeskyFactor
from hnn.networks.mlp import MLP
from hnn.networks.mlp_numpy import NumpyField

__all__ = ["SecondOrderNetwork"]


class SecondOrderNetwork(Model):
    """dq/dt = M⁻¹ p, dp/dt = f(q, p) with a constant positive definite M⁻¹ = L Lᵀ and an unconstrained network f.

    The baseline that shares with Hamiltonian models what explains most of their advantage, the second-order structure
    (Gruver, Finzi, Stanton, Wilson 2022, section 4).
    """

    def __init__(self, degrees: int, *, hidden: int, layers: int, activation: str, generator: torch.Generator) -> None:
        super().__init__()
        self.force = MLP(2 * degrees, degrees, hidden=hidden, layers=layers, activation=activation, generator=generator)
        self.factor = CholeskyFactor(degrees)

    def inverse_mass(self, q: Tensor) -> Tensor:
        """M⁻¹, shape (n, n)."""
        L: Tensor = self.factor(q)
        return L @ L.mT

    def time_derivative(self, x: Tensor) -> Tensor:
        """dx/dt = (M⁻¹ p, F(q, p)), shaped like the states x (*batch, 2n)."""
        q, p = split(x)
        return join(p @ self.inverse_mass(q), self.force(x))

    def frozen(self) -> Field:
        """The same field in NumPy with the weights of now, for rollouts."""
        force, inverse_mass = self.force.frozen(), self.inverse_mass(torch.empty(0)).detach().cpu().double().numpy()

        def field(x: ndarray) -> ndarray:
            """dx/dt of x, both (points, 2n)."""
            return np.concatenate([np.split(x, 2, axis=-1)[1] @ inverse_mass, force.value(x)], axis=-1)

        return NumpyField(field)
