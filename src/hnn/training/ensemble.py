"""Objectives that the training loop minimises: of a single model, or of several models as one batch (model ensembling)."""

from collections.abc import Callable, Sequence
from copy import deepcopy

import torch
from torch import Tensor, nn
from torch.func import functional_call, stack_module_state, vmap

__all__ = ["Ensemble", "Single"]


class Single:
    """A single model with its loss, weights and gradients."""

    def __init__(self, model: nn.Module, loss: Callable[..., Tensor]) -> None:
        self.model, self.loss = model, loss
        self.weights = {name: weight for name, weight in model.named_parameters() if weight.requires_grad}

    def join(self, batches: Sequence[Sequence[Tensor]]) -> list[Tensor]:
        """The batches of the only model, each tensor (batches, …)."""
        return list(batches[0])

    def losses(self, batch: Sequence[Tensor]) -> Tensor:
        """The loss, shape (1,)."""
        return self.loss(self.model, *batch)[None]

    def gradients(self) -> list[list[Tensor]]:
        """The gradients of the only model."""
        return [[weight.grad for weight in self.weights.values() if weight.grad is not None]]


class Ensemble:
    """Several models of one architecture, computed as one batch with `vmap`: on a GPU kernel launches dominate small networks.

    The models share storage with the stacked weights, so they are updated in place.
    """

    def __init__(self, models: Sequence[nn.Module], loss: Callable[..., Tensor]) -> None:
        self.parameters, self.buffers = stack_module_state(list(models))
        for name, stacked in self.parameters.items():
            for model, weight in zip(models, stacked.detach(), strict=True):
                model.get_parameter(name).data = weight
        self.weights = {name: weight for name, weight in self.parameters.items() if weight.requires_grad}
        self.objective = Objective(deepcopy(models[0]).to("meta"), loss)

    def join(self, batches: Sequence[Sequence[Tensor]]) -> list[Tensor]:
        """The batches of all models, each tensor stacked to (batches, models, …)."""
        return [torch.stack(tensors, dim=1) for tensors in zip(*batches, strict=True)]

    def losses(self, batch: Sequence[Tensor]) -> Tensor:
        """The loss of each model, shape (models,)."""

        def loss(parameters: dict[str, Tensor], buffers: dict[str, Tensor], *batch: Tensor) -> Tensor:
            """The loss of one model with the given state."""
            state = {f"model.{name}": tensor for name, tensor in (parameters | buffers).items()}
            value: Tensor = functional_call(self.objective, state, batch)
            return value

        return vmap(loss)(self.parameters, self.buffers, *batch)

    def gradients(self) -> list[list[Tensor]]:
        """The gradients of each model."""
        stacked = [weight.grad for weight in self.weights.values() if weight.grad is not None]
        return [list(gradients) for gradients in zip(*stacked, strict=True)]


class Objective(nn.Module):
    """A model and its loss wrapped in one module, as `functional_call` needs."""

    def __init__(self, model: nn.Module, loss: Callable[..., Tensor]) -> None:
        super().__init__()
        self.model, self.loss = model, loss

    def forward(self, *batch: Tensor) -> Tensor:
        """The loss, a scalar."""
        return self.loss(self.model, *batch)
