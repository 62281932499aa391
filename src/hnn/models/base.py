"""What a model is: a network that answers dx/dt, like a system, and knows nothing of the truth."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import ClassVar

import torch
from torch import Tensor, nn

from hnn.core import registry
from hnn.core.phase_space import Field

__all__ = ["Model", "energies", "make_model"]


class Model(nn.Module, ABC):
    """A learned vector field on states (*batch, 2n).

    Subclasses, one per file of `hnn.models`, build their networks in `__init__` from the arguments of `make_model` and draw
    every weight from `generator`. One that learns an energy also has `hamiltonian(x)`, shape (*batch,).
    """

    separable: ClassVar[bool] = False
    """Whether the learned forces depend on q alone, as explicit splittings need."""

    @abstractmethod
    def time_derivative(self, x: Tensor) -> Tensor:
        """dx/dt, shape (*batch, 2n)."""

    def frozen(self) -> Field:
        """The same field with the weights as they are, for a rollout on a CPU in float64; itself where that is no quicker."""
        return self


def energies(members: Sequence[object], x: Sequence[Tensor]) -> Tensor | None:
    """The learned H of each member at its own states (*batch, 2n), shape (members, *batch), each up to a constant.

    None of members that learn no energy.
    """
    if not all(hasattr(member, "hamiltonian") for member in members):
        return None
    return torch.stack([member.hamiltonian(own) for member, own in zip(members, x, strict=True)])  # type: ignore[attr-defined]


def make_model(name: str, degrees: int, *, hidden: int, layers: int, activation: str, generator: torch.Generator) -> Model:
    """The model of hnn/models/<name>.py for states of 2 `degrees` components, with fresh weights."""
    kind: Callable[..., Model] = registry.find("models", name, Model)  # type: ignore[type-abstract]
    return kind(degrees, hidden=hidden, layers=layers, activation=activation, generator=generator)
