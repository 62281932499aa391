"""The Hamiltonian network of equal bodies and the forces between them."""

from itertools import combinations
from typing import Literal

import torch
from torch import Tensor, nn

from hnn.core.phase_space import join, split
from hnn.models.base import Layout, Model
from hnn.networks.mlp import MLP

__all__ = ["InvariantHamiltonianNetwork"]


class InvariantHamiltonianNetwork(Model):
    """dx/dt = J ∇H(x), H = Σ |pᵢ|²/(2m) over bodies + Σ φ(qᵢ - qⱼ) over pairs of them.

    The mass m is learned, and φ is one network for all pairs. Total momentum is constant along the flow, as H depends on
    differences of positions alone (Noether's theorem); a Hamiltonian form of the interaction networks of Battaglia, Pascanu,
    Lai, Rezende, Kavukcuoglu (2016). `pair_potential: of_distance` takes φ of |qᵢ - qⱼ|, so that angular momentum is constant
    too; `of_difference` symmetrises φ, so that bodies can be exchanged.

    A position has `bodies` blocks of degrees/bodies components.
    """

    conservative = True
    separable = True
    options = ("bodies", "pair_potential")

    def __init__(
        self,
        degrees: int,
        *,
        hidden: int,
        layers: int,
        activation: str,
        generator: torch.Generator,
        bodies: int,
        pair_potential: Literal["of_distance", "of_difference"] = "of_distance",
    ) -> None:
        super().__init__()
        self.bodies, self.of_distance = bodies, pair_potential == "of_distance"
        inputs = 1 if self.of_distance else degrees // bodies
        self.potential = MLP(inputs, 1, hidden=hidden, layers=layers, activation=activation, generator=generator)
        self.log_mass = nn.Parameter(torch.zeros(()))

    @classmethod
    def refusal(cls, layout: Layout) -> str | None:
        if layout.latent:
            return "it acts on positions of bodies, and latent states are none"
        if layout.bodies < 2:
            return "it learns how bodies act on each other, and there is only one"
        return None

    def differences(self, q: Tensor) -> Tensor:
        """qᵢ - qⱼ of each pair i < j, shape (*batch, pairs, dimensions), of positions (*batch, n)."""
        positions = q.unflatten(-1, (self.bodies, -1)).unbind(-2)
        return torch.stack([a - b for a, b in combinations(positions, 2)], -2)

    def pair_energy(self, r: Tensor) -> Tensor:
        """φ of each pair, shape (*batch, pairs), of differences (*batch, pairs, dimensions)."""
        if self.of_distance:
            return self.potential(distance(r)).squeeze(-1)
        return (self.potential(r) + self.potential(-r)).squeeze(-1)

    def pair_gradient(self, r: Tensor) -> Tensor:
        """∇φ of each pair, shaped like the differences r (*batch, pairs, dimensions)."""
        if self.of_distance:
            length = distance(r)
            return self.potential.gradient(length) * r / length
        return self.potential.gradient(r) - self.potential.gradient(-r)

    def hamiltonian(self, x: Tensor) -> Tensor:
        """The learned energy, shape (*batch,)."""
        q, p = split(x)
        return p.square().sum(-1) * (-self.log_mass).exp() / 2 + self.pair_energy(self.differences(q)).sum(-1)

    def time_derivative(self, x: Tensor) -> Tensor:
        """dx/dt = (p / m, -∂H/∂q), shaped like the states x (*batch, 2n)."""
        q, p = split(x)
        gradient = self.pair_gradient(self.differences(q))  # of each pair: that of its second body is the opposite
        forces = [torch.zeros_like(gradient[..., 0, :])] * self.bodies
        for pair, (i, j) in enumerate(combinations(range(self.bodies), 2)):
            forces[i] = forces[i] - gradient[..., pair, :]
            forces[j] = forces[j] + gradient[..., pair, :]
        return join(p * (-self.log_mass).exp(), torch.cat(forces, -1))


def distance(r: Tensor) -> Tensor:
    """|r|, shape (…, 1), of vectors (…, dimensions)."""
    return torch.linalg.vector_norm(r, dim=-1, keepdim=True)
