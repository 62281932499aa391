"""The multilayer perceptron that every model is made of."""

import torch
from torch import Tensor, nn

__all__ = ["ACTIVATIONS", "MLP", "initialise"]

ACTIVATIONS: dict[str, type[nn.Module]] = {"tanh": nn.Tanh, "softplus": nn.Softplus, "silu": nn.SiLU, "relu": nn.ReLU}


class MLP(nn.Sequential):
    """y = W_L φ(… φ(W_1 x + b_1) …), `layers` hidden layers of width `hidden`; (*batch, inputs) to (*batch, outputs).

    As published: weights orthogonal, biases uniform in ± 1/√fan-in, none on the last layer (Greydanus et al. 2019,
    section 3 and its program). All draws come from `generator`.
    """

    def __init__(
        self, inputs: int, outputs: int, *, hidden: int, layers: int, activation: str, generator: torch.Generator
    ) -> None:
        modules: list[nn.Module] = []
        for width in [inputs] + [hidden] * (layers - 1):
            modules += [nn.Linear(width, hidden), ACTIVATIONS[activation]()]
        super().__init__(*modules, nn.Linear(hidden, outputs, bias=False))
        for module in self:
            if isinstance(module, nn.Linear):
                initialise(module, generator)


def initialise(linear: nn.Linear, generator: torch.Generator) -> None:
    """Orthogonal weight, bias uniform in ± 1/√fan-in."""
    nn.init.orthogonal_(linear.weight, generator=generator)
    if isinstance(linear.bias, Tensor):
        bound = linear.in_features**-0.5
        nn.init.uniform_(linear.bias, -bound, bound, generator=generator)
