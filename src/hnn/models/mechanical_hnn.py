"""The Hamiltonian network of a kinetic energy quadratic in p, and a potential."""

from typing import Literal

import torch
from torch import Tensor

from hnn.core.phase_space import join, split
from hnn.models.base import Model
from hnn.networks.cholesky import CholeskyFactor, CholeskyNetwork
from hnn.networks.mlp import MLP

__all__ = ["MechanicalHamiltonianNetwork"]


class MechanicalHamiltonianNetwork(Model):
    """dx/dt = J ∇H(x), H = ½ pᵀ M⁻¹(q) p + V(q), M⁻¹ = L Lᵀ with a lower triangular L (Zhong, Dey, Chakraborty 2020, eq. 8).

    Networks learn V and L; `mass_matrix: constant` has a constant L in place of the latter, which makes H separable.
    """

    conservative = True
    options = ("mass_matrix",)

    def __init__(
        self,
        degrees: int,
        *,
        hidden: int,
        layers: int,
        activation: str,
        generator: torch.Generator,
        mass_matrix: Literal["constant", "of_position"] = "of_position",
    ) -> None:
        super().__init__()
        self.separable = mass_matrix == "constant"
        self.potential = MLP(degrees, 1, hidden=hidden, layers=layers, activation=activation, generator=generator)
        self.factor: CholeskyFactor | CholeskyNetwork = CholeskyFactor(degrees)
        if not self.separable:
            self.factor = CholeskyNetwork(
                degrees, degrees, hidden=hidden, layers=layers, activation=activation, generator=generator
            )

    def inverse_mass(self, q: Tensor) -> Tensor:
        """M⁻¹(q), shape (*batch, n, n), at positions (*batch, n); (n, n) if it is constant."""
        L: Tensor = self.factor(q)
        return L @ L.mT

    def kinetic(self, q: Tensor, p: Tensor) -> Tensor:
        """½ pᵀ M⁻¹(q) p = ½ |Lᵀ p|², shape (*batch,)."""
        return (p[..., None, :] @ self.factor(q)).squeeze(-2).square().sum(-1) / 2

    def hamiltonian(self, x: Tensor) -> Tensor:
        """The learned energy, shape (*batch,)."""
        q, p = split(x)
        return self.kinetic(q, p) + self.potential(q).squeeze(-1)

    def time_derivative(self, x: Tensor) -> Tensor:
        """dx/dt = (M⁻¹(q) p, -∂H/∂q), shaped like the states x (*batch, 2n)."""
        q, p = split(x)
        force = -self.potential.gradient(q)
        if self.separable:
            return join(p @ self.inverse_mass(q), force)
        # Not by autograd.grad, which cannot be used below vmap
        energy, pull_back = torch.func.vjp(self.kinetic, q, p)  # type: ignore[misc]
        dT_dq, dT_dp = pull_back(torch.ones_like(energy))
        return join(dT_dp, force - dT_dq)
