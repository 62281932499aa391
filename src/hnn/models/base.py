"""The base class of learned vector fields, and their factory."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import ClassVar, Literal

import torch
from torch import Tensor, nn

from hnn.core import registry
from hnn.core.phase_space import Field

__all__ = ["Model", "energies", "make_model"]


class Model(nn.Module, ABC):
    """A learned vector field on states (*batch, 2n).

    Subclasses, one per file of `hnn.models`, build their networks in `__init__` from the arguments of `make_model` and draw
    every weight from `generator`. A model that learns an energy also has `hamiltonian(x)`, shape (*batch,).
    """

    separable: ClassVar[bool] = False
    """True if the learned forces depend on q alone, as explicit splittings need."""

    linear_output: ClassVar[bool] = False
    """True if the model has `output_weights` and `output_fields`, as a fit of its output layer by least squares needs."""

    loss: ClassVar[Literal["derivative", "trajectory", "joint"] | None] = None
    """The loss that the model is trained with whatever `train.loss` is; None: that one. Only where states are observed."""

    @abstractmethod
    def time_derivative(self, x: Tensor) -> Tensor:
        """dx/dt, shape (*batch, 2n)."""

    @property
    def output_weights(self) -> nn.Parameter:
        """The weights w of the output layer, in which the field is linear."""
        raise NotImplementedError

    def output_fields(self, x: Tensor) -> Tensor:
        """F(x), (*batch, 2n, weights): the fields that the flattened w combines, dx/dt = F(x) w."""
        raise NotImplementedError

    def frozen(self) -> Field:
        """The field with its present weights in the form that is fastest in float64 on a CPU; by default the model itself."""
        return self


def energies(members: Sequence[object], x: Sequence[Tensor]) -> Tensor | None:
    """The learned H, up to a constant, of each member i at the states x[i] (*batch, 2n); shape (members, *batch).

    None for members that learn no energy.
    """
    if not all(hasattr(member, "hamiltonian") for member in members):
        return None
    return torch.stack([member.hamiltonian(states) for member, states in zip(members, x, strict=True)])  # type: ignore[attr-defined]


def make_model(name: str, degrees: int, *, hidden: int, layers: int, activation: str, generator: torch.Generator) -> Model:
    """The model of hnn/models/<name>.py for states of 2 `degrees` components, with initial weights from `generator`.

    >>> generator = torch.Generator().manual_seed(0)
    >>> model = make_model("hnn", 1, hidden=8, layers=2, activation="tanh", generator=generator)
    >>> model.time_derivative(torch.zeros(5, 2)).shape, model.hamiltonian(torch.zeros(5, 2)).shape
    (torch.Size([5, 2]), torch.Size([5]))
    """
    kind: Callable[..., Model] = registry.find("models", name, Model)  # type: ignore[type-abstract]
    return kind(degrees, hidden=hidden, layers=layers, activation=activation, generator=generator)
