"""The plain network that the Hamiltonian one is compared with."""

import torch
from torch import Tensor, nn

from hnn.core.phase_space import Field
from hnn.models.base import Model
from hnn.networks.mlp import MLP
from hnn.networks.mlp_in_place import InPlaceField
from hnn.networks.mlp_numpy import NumpyField

__all__ = ["Baseline"]


class Baseline(Model):
    """dx/dt = f(x) with an unconstrained network f (Greydanus et al. 2019, section 3)."""

    linear_output = True

    def __init__(self, degrees: int, *, hidden: int, layers: int, activation: str, generator: torch.Generator) -> None:
        super().__init__()
        self.degrees = degrees
        self.field = MLP(2 * degrees, 2 * degrees, hidden=hidden, layers=layers, activation=activation, generator=generator)

    def time_derivative(self, x: Tensor) -> Tensor:
        return self.field(x)

    @property
    def output_layers(self) -> tuple[nn.Parameter, ...]:
        return (self.field.output_weights,)

    def output_fields(self, x: Tensor) -> Tensor:
        return self.linearised(x)[0]

    def linearised(self, x: Tensor) -> tuple[Tensor, Tensor]:
        h, slopes = self.field.features(x)
        return torch.kron(torch.eye(x.shape[-1]).to(h), h.unsqueeze(-2)), self.field.output_weights @ slopes.mT

    def frozen(self) -> Field:
        return NumpyField(self.field.frozen().value)

    def in_place(self) -> InPlaceField | None:
        field = self.field.in_place()
        return None if field is None else InPlaceField(field.value, field.differentiate_value)
