"""The Hamiltonian neural network."""

import torch
from torch import Tensor, nn

from hnn.core.phase_space import Field, canonical_matrix, rotate
from hnn.models.base import Model
from hnn.networks.mlp import MLP
from hnn.networks.mlp_in_place import InPlaceField
from hnn.networks.mlp_numpy import NumpyField

__all__ = ["HamiltonianNetwork"]


class HamiltonianNetwork(Model):
    """dx/dt = J ∇H(x) with a scalar network H, which is constant along the learned flow (Greydanus et al. 2019, eq. 2-4).

    H is learned from its gradient alone, hence up to a constant.
    """

    conservative = True
    linear_output = True

    def __init__(self, degrees: int, *, hidden: int, layers: int, activation: str, generator: torch.Generator) -> None:
        super().__init__()
        self.degrees = degrees
        self.energy = MLP(2 * degrees, 1, hidden=hidden, layers=layers, activation=activation, generator=generator)

    def hamiltonian(self, x: Tensor) -> Tensor:
        """The learned energy, shape (*batch,)."""
        return self.energy(x).squeeze(-1)

    def time_derivative(self, x: Tensor) -> Tensor:
        return rotate(self.energy.gradient(x))

    @property
    def output_layers(self) -> tuple[nn.Parameter, ...]:
        return (self.energy.output_weights,)

    def output_fields(self, x: Tensor) -> Tensor:
        _, slopes = self.energy.features(x)
        return rotate(slopes.mT).mT

    def linearised(self, x: Tensor) -> tuple[Tensor, Tensor]:
        slopes, hessian = self.energy.curvature(x)
        return rotate(slopes.mT).mT, rotate(hessian.mT).mT

    def frozen(self) -> Field:
        energy, J = self.energy.frozen(), canonical_matrix(self.degrees).double().numpy()
        return NumpyField(lambda x: energy.gradient(x) @ J.T)

    def in_place(self) -> InPlaceField | None:
        energy, J = self.energy.in_place(), canonical_matrix(self.degrees).to(self.output_weights).numpy()
        if energy is None:
            return None
        return InPlaceField(lambda x: energy.gradient(x) @ J.T, lambda by_dx: energy.differentiate_gradient(by_dx @ J))
