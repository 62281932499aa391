"""What a model is: a network that answers dx/dt, like a system, and knows nothing of the truth."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import ClassVar

import torch
from torch import Tensor, nn

from hnn import registry

__all__ = ["Ensemble", "Model", "make"]


class Model(nn.Module, ABC):
    """A learned vector field on states (*batch, 2n).

    Subclasses, one per file of `hnn.models`, build their networks in `__init__` from the arguments that `make` gives them and
    draw every weight from `generator`. One that learns an energy also has `hamiltonian(x)`, shape (*batch,).
    """

    separable: ClassVar[bool] = False
    """Whether the learned forces depend on q alone, as explicit splittings need."""

    @abstractmethod
    def time_derivative(self, x: Tensor) -> Tensor:
        """dx/dt, shape (*batch, 2n)."""


class Ensemble:
    """Fits of one model for several seeds, answering as one: states have shape (seeds, *batch, 2n)."""

    def __init__(self, members: Sequence[Model]) -> None:
        self.members = list(members)

    @property
    def device(self) -> torch.device:
        """Where the weights are."""
        return next(self.members[0].parameters()).device

    @property
    def separable(self) -> bool:
        """Whether explicit splittings apply to every member."""
        return all(member.separable for member in self.members)

    @property
    def learns_energy(self) -> bool:
        """Whether the members have a learned H."""
        return all(hasattr(member, "hamiltonian") for member in self.members)

    def time_derivative(self, x: Tensor) -> Tensor:
        """dx/dt, each member at its own states; shape (seeds, *batch, 2n)."""
        return torch.stack([member.time_derivative(x_i) for member, x_i in zip(self.members, x, strict=True)])

    def hamiltonian(self, x: Tensor) -> Tensor:
        """The learned H of each member at its own states, shape (seeds, *batch), up to a constant for each member."""
        return torch.stack([member.hamiltonian(x_i) for member, x_i in zip(self.members, x, strict=True)])  # type: ignore[operator]


def make(name: str, degrees: int, *, hidden: int, layers: int, activation: str, generator: torch.Generator) -> Model:
    """The model of hnn/models/<name>.py for states of 2 `degrees` components, with fresh weights."""
    kind: Callable[..., Model] = registry.find("models", name, Model)  # type: ignore[type-abstract]
    return kind(degrees, hidden=hidden, layers=layers, activation=activation, generator=generator)
