"""What a descent works on: one model as it is, or several of one kind as one batch."""

from collections.abc import Callable, Sequence
from copy import deepcopy

import torch
from torch import Tensor, nn
from torch.func import functional_call, stack_module_state, vmap

__all__ = ["Ensemble", "Single"]


class Single:
    """One model: its loss, weights and gradients as they are."""

    def __init__(self, model: nn.Module, loss: Callable[..., Tensor]) -> None:
        self.model, self.loss = model, loss
        self.weights = {name: weight for name, weight in model.named_parameters() if weight.requires_grad}

    def join(self, drawn: Sequence[Sequence[Tensor]]) -> list[Tensor]:
        """What was drawn for the one model."""
        return list(drawn[0])

    def losses(self, batch: Sequence[Tensor]) -> Tensor:
        """The loss, shape (1,)."""
        return self.loss(self.model, *batch)[None]

    def gradients(self) -> list[list[Tensor]]:
        """Of the one model."""
        return [[weight.grad for weight in self.weights.values() if weight.grad is not None]]


class Ensemble:
    """Models as one batch, for a GPU, where small kernels are bound by their launches.

    Their weights lie side by side in memory, and each model's own become views of them: who looks at a model sees it trained.
    """

    def __init__(self, models: Sequence[nn.Module], loss: Callable[..., Tensor]) -> None:
        self.all, self.buffers = stack_module_state(list(models))
        for name, weights in self.all.items():
            for model, weight in zip(models, weights.detach(), strict=True):
                model.get_parameter(name).data = weight
        self.weights = {name: weight for name, weight in self.all.items() if weight.requires_grad}
        self.objective = Objective(deepcopy(models[0]).to("meta"), loss)

    def join(self, drawn: Sequence[Sequence[Tensor]]) -> list[Tensor]:
        """What was drawn, of shape (batches, models, …)."""
        return [torch.stack(parts, dim=1) for parts in zip(*drawn, strict=True)]

    def losses(self, batch: Sequence[Tensor]) -> Tensor:
        """The loss of each model, shape (models,)."""

        def of_one(weights: dict[str, Tensor], buffers: dict[str, Tensor], *parts: Tensor) -> Tensor:
            state = {f"model.{name}": tensor for name, tensor in (weights | buffers).items()}
            found: Tensor = functional_call(self.objective, state, parts)
            return found

        return vmap(of_one)(self.all, self.buffers, *batch)

    def gradients(self) -> list[list[Tensor]]:
        """Of each model."""
        stacked = [weight.grad for weight in self.weights.values() if weight.grad is not None]
        return [list(gradients) for gradients in zip(*stacked, strict=True)]


class Objective(nn.Module):
    """A loss as a module of the model that it judges, so that weights can be put in from outside."""

    def __init__(self, model: nn.Module, loss: Callable[..., Tensor]) -> None:
        super().__init__()
        self.model, self.loss = model, loss

    def forward(self, *batch: Tensor) -> Tensor:
        """The loss, a scalar."""
        return self.loss(self.model, *batch)
