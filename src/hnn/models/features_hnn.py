"""The Hamiltonian network of random features, which is fitted in closed form."""

from collections.abc import Mapping
from math import log
from typing import Any

import torch
from torch import Tensor

from hnn.models.base import Layout
from hnn.models.hnn import HamiltonianNetwork

__all__ = ["RandomFeatureHamiltonian"]

STEEPNESS, SHIFT = log(3), log(3) / 2
"""s₁ and s₂ of Bolager et al. (2023): tanh is -1/2 and 1/2 at the two points of a feature."""


class RandomFeatureHamiltonian(HamiltonianNetwork):
    """dx/dt = J ∇H(x), H(x) = Σ cᵢ φ(wᵢ·x + bᵢ), w and b fixed, so that c follows by linear least squares.

    Each feature is steepest between two points x₁ and x₂ of the data: w = s₁ (x₂ - x₁)/|x₂ - x₁|² and w·x₁ + b = -s₂ (Bolager,
    Burak, Datar, Sun, Dietrich 2023; for Hamiltonian systems Rahma, Datar, Dietrich 2024, arXiv:2411.17511). All weights are
    float64. A fit chooses the number of features, `max_features` at most; `hidden` and `layers` of other models do not apply.
    """

    closed_form = True
    options = ("max_features",)

    def __init__(
        self, degrees: int, *, hidden: int, layers: int, activation: str, generator: torch.Generator, max_features: int
    ) -> None:
        super().__init__(degrees, hidden=max_features, layers=1, activation=activation, generator=generator)
        self.max_features = max_features
        self.double()
        self.energy.layers[0].requires_grad_(False)

    @classmethod
    def refusal(cls, layout: Layout) -> str | None:
        if layout.latent:
            return "it is fitted in one step, and the latent states change while an autoencoder is trained"
        return None

    @torch.no_grad()
    def sample_features(self, x: Tensor, generator: torch.Generator) -> None:
        """Replace all features by `max_features` new ones, each of a random pair of points of x (points, 2n)."""
        pairs = torch.randint(len(x), (2, self.max_features), generator=generator).to(x.device)
        x1, x2 = x[pairs].to(self.energy.output_weights)
        squared = (x2 - x1).square().sum(-1, keepdim=True)
        w = STEEPNESS * (x2 - x1) / torch.where(squared > 0, squared, torch.inf)  # no feature of a point with itself
        self.set_weights(w, -(w * x1).sum(-1) - SHIFT, torch.zeros_like(w[:, 0]))

    @torch.no_grad()
    def set_weights(self, w: Tensor, b: Tensor, c: Tensor) -> None:
        """Make the model one of these features: w (features, 2n), b (features,) and c (features,)."""
        hidden, last = self.energy.layers
        hidden.weight = torch.nn.Parameter(w, requires_grad=False)
        hidden.bias = torch.nn.Parameter(b, requires_grad=False)
        last.weight = torch.nn.Parameter(c[None])

    def keep(self, c: Tensor) -> None:
        """Keep the first features, with the coefficients c (features,)."""
        w, b, _ = self.energy.parameters()
        self.set_weights(w[: len(c)].clone(), b[: len(c)].clone(), c)

    def load_state_dict(self, state_dict: Mapping[str, Any], strict: bool = True, assign: bool = False) -> Any:
        """Load weights; the number of features is theirs, which each seed chooses for itself."""
        weights = [state_dict[f"energy.layers.{name}"] for name in ("0.weight", "0.bias", "1.weight")]
        w, b, c = (weight.to(self.energy.output_weights) for weight in weights)
        self.set_weights(w, b, c[0])
        return super().load_state_dict(state_dict, strict, assign)
