"""The base class of learned vector fields, and their factory."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import torch
from torch import Tensor, nn

from hnn.core import registry
from hnn.core.phase_space import Field
from hnn.networks.mlp_in_place import InPlaceField

__all__ = ["Layout", "Model", "accepted", "conserve", "energies", "find_model", "make_model"]


@dataclass(frozen=True)
class Layout:
    """The meaning of the components of a state, as far as it decides whether a model can learn a task."""

    bodies: int = 1
    """Positions consist of as many blocks of equal size."""
    latent: bool = False
    """True for the latent states of a pixel task, whose components are those of no body."""


class Model(nn.Module, ABC):
    """A learned vector field on states (*batch, 2n).

    Subclasses, one per file of `hnn.models`, build their networks in `__init__` from the arguments of `make_model` and draw
    every weight from `generator`. A model that learns an energy also has `hamiltonian(x)`, shape (*batch,).
    """

    conservative: ClassVar[bool] = False
    """True if dx/dt = J ∇H with the `hamiltonian` of the model, which is then constant along the learned flow.

    A model that has `hamiltonian` and is not conservative learns an energy and its loss: see `dissipation`.
    """

    separable: bool = False
    """True if dq/dt depends on p alone and dp/dt on q alone, as explicit splittings need."""

    closed_form: ClassVar[bool] = False
    """True if the model is fitted in one step by least squares, without descent."""

    options: ClassVar[tuple[str, ...]] = ()
    """Names of the arguments that the model takes beside those of every model."""

    linear_output: ClassVar[bool] = False
    """True if the model has `output_layers` and `output_fields`, as a fit of its output layer by least squares needs."""

    loss: ClassVar[Literal["derivative", "trajectory", "joint"] | None] = None
    """The loss that the model is trained with whatever `train.loss` is; None: that one. Only where states are observed."""

    @classmethod
    def refusal(cls, layout: Layout) -> str | None:
        """The reason why the model cannot learn from states of this layout; None if it can."""
        return None

    @abstractmethod
    def time_derivative(self, x: Tensor) -> Tensor:
        """dx/dt, shape (*batch, 2n)."""

    def dissipation(self, x: Tensor) -> Tensor | None:
        """The learned part of dx/dt beside J ∇H, shape (*batch, 2n); None for a model that learns no such part."""
        return None

    @property
    def output_layers(self) -> tuple[nn.Parameter, ...]:
        """The weights of the output layer of each network, in which the field is linear."""
        raise NotImplementedError

    @property
    def output_weights(self) -> Tensor:
        """The weights w of all output layers, (weights,), a copy."""
        return torch.cat([layer.detach().flatten() for layer in self.output_layers])

    @torch.no_grad()
    def set_output_weights(self, w: Tensor) -> None:
        """Replace the weights of all output layers by w (weights,)."""
        for layer, part in zip(self.output_layers, w.split([layer.numel() for layer in self.output_layers]), strict=True):
            layer.copy_(part.view_as(layer))

    def output_fields(self, x: Tensor) -> Tensor:
        """F(x), (*batch, 2n, weights): the fields that w combines, dx/dt = F(x) w."""
        raise NotImplementedError

    def linearised(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """F(x) as `output_fields`, and ∂f/∂x (*batch, 2n, 2n), here by forward differences in float64."""
        shift, fields = 1e-7, self.output_fields(x)
        ahead = self.time_derivative(x[..., None, :] + shift * torch.eye(x.shape[-1]).to(x))
        return fields, (ahead - (fields @ self.output_weights)[..., None, :]).mT / shift

    def frozen(self) -> Field:
        """The field with its present weights in the form that is fastest in float64 on a CPU; by default the model itself."""
        return self

    def in_place(self) -> InPlaceField | None:
        """The field on the present parameters in the form that is fastest to train on a CPU; None where there is no such form.

        It writes to the `grad` of the parameters. A subclass that overrides `time_derivative` overrides this too.
        """
        return None


def energies(members: Sequence[object], x: Sequence[Tensor]) -> Tensor | None:
    """The learned H, up to a constant, of each member i at the states x[i] (*batch, 2n); shape (members, *batch).

    None for members that learn no energy.
    """
    if not all(hasattr(member, "hamiltonian") for member in members):
        return None
    return torch.stack([member.hamiltonian(states) for member, states in zip(members, x, strict=True)])  # type: ignore[attr-defined]


def conserve(members: Sequence[object]) -> bool:
    """True if every member, a learned or a true field, keeps its energy constant along its flow: see `Model.conservative`."""
    return all(getattr(member, "conservative", False) for member in members)


def find_model(name: str) -> type[Model]:
    """The class of hnn/models/<name>.py."""
    return registry.find("models", name, Model)  # type: ignore[type-abstract]


def accepted(name: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """The subset of the arguments that a model takes: `hidden`, `layers`, `activation`, and its `options`.

    >>> accepted("hnn", {"hidden": 8, "mass_matrix": "constant"})
    {'hidden': 8}
    """
    known = ("hidden", "layers", "activation", *find_model(name).options)
    return {key: value for key, value in arguments.items() if key in known}


def make_model(name: str, degrees: int, *, generator: torch.Generator, **arguments: Any) -> Model:
    """The model of hnn/models/<name>.py for states of 2 `degrees` components, with initial weights from `generator`.

    The arguments are `hidden`, `layers` and `activation` of its networks, and the `options` of the model.

    >>> generator = torch.Generator().manual_seed(0)
    >>> model = make_model("hnn", 1, hidden=8, layers=2, activation="tanh", generator=generator)
    >>> model.time_derivative(torch.zeros(5, 2)).shape, model.hamiltonian(torch.zeros(5, 2)).shape
    (torch.Size([5, 2]), torch.Size([5]))
    """
    kind: Callable[..., Model] = find_model(name)
    return kind(degrees, generator=generator, **arguments)
