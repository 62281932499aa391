"""The Hamiltonian network with a learned dissipation function."""

import torch
from torch import Tensor, nn

from hnn.core.phase_space import Field, canonical_matrix, rotate
from hnn.models.base import Model
from hnn.networks.mlp import MLP
from hnn.networks.mlp_numpy import NumpyField

__all__ = ["DissipativeHamiltonianNetwork"]


class DissipativeHamiltonianNetwork(Model):
    """dx/dt = J ∇H(x) + ∇D(x) with two scalar networks, H and the dissipation function D (Sosanya, Greydanus 2022).

    This is the Helmholtz decomposition of a field into its divergence-free and its curl-free part. The parts are unique up to
    a field that is both: what the data determine is the sum, and the divergence ΔD, which is the rate at which the flow
    contracts volumes of phase space. H has the initial weights of the `hnn` from the same generator; D = 0 gives that model.
    """

    linear_output = True

    def __init__(self, degrees: int, *, hidden: int, layers: int, activation: str, generator: torch.Generator) -> None:
        super().__init__()
        self.degrees = degrees
        self.energy, self.dissipative = (
            MLP(2 * degrees, 1, hidden=hidden, layers=layers, activation=activation, generator=generator) for _ in range(2)
        )

    def hamiltonian(self, x: Tensor) -> Tensor:
        """The learned energy H, shape (*batch,)."""
        return self.energy(x).squeeze(-1)

    def dissipation_function(self, x: Tensor) -> Tensor:
        """The learned D, up to a constant, shape (*batch,)."""
        return self.dissipative(x).squeeze(-1)

    def dissipation(self, x: Tensor) -> Tensor:
        return self.dissipative.gradient(x)

    def time_derivative(self, x: Tensor) -> Tensor:
        return rotate(self.energy.gradient(x)) + self.dissipation(x)

    @property
    def output_layers(self) -> tuple[nn.Parameter, ...]:
        return self.energy.output_weights, self.dissipative.output_weights

    def output_fields(self, x: Tensor) -> Tensor:
        (_, of_energy), (_, of_loss) = self.energy.features(x), self.dissipative.features(x)
        return torch.cat([rotate(of_energy.mT).mT, of_loss], -1)

    def linearised(self, x: Tensor) -> tuple[Tensor, Tensor]:
        (of_energy, hessian), (of_loss, curvature) = self.energy.curvature(x), self.dissipative.curvature(x)
        return torch.cat([rotate(of_energy.mT).mT, of_loss], -1), rotate(hessian.mT).mT + curvature

    def frozen(self) -> Field:
        energy, loss, J = self.energy.frozen(), self.dissipative.frozen(), canonical_matrix(self.degrees).double().numpy()
        return NumpyField(lambda x: energy.gradient(x) @ J.T + loss.gradient(x))
