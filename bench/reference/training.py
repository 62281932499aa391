"""The published recipe: Adam at a constant rate, the gradient of H in the graph of the loss, the test loss at every step.

Greydanus, Dzamba, Yosinski 2019 (arXiv:1906.01563), section 3 and its program.
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

__all__ = ["RECIPES", "Recipe", "Trainer", "field", "loss", "network", "train"]

HIDDEN = 200


@dataclass(frozen=True)
class Recipe:
    """The parameters that differ between the published tasks."""

    steps: int
    batch: int | None  # points of a step, drawn anew for training and test; None: all
    weight_decay: float
    learning_rate: float = 1e-3


RECIPES = {
    "mass_spring": Recipe(steps=2000, batch=None, weight_decay=1e-4),
    "pendulum": Recipe(steps=2000, batch=None, weight_decay=1e-4),
    "two_body": Recipe(steps=10_000, batch=200, weight_decay=0.0),
}


def network(inputs: int, outputs: int, seed: int) -> nn.Sequential:
    """Two hidden layers of 200, tanh, orthogonal weights, no bias at the end."""
    torch.manual_seed(seed)
    layers = [nn.Linear(inputs, HIDDEN), nn.Linear(HIDDEN, HIDDEN), nn.Linear(HIDDEN, outputs, bias=False)]
    for layer in layers:
        nn.init.orthogonal_(layer.weight)
    return nn.Sequential(layers[0], nn.Tanh(), layers[1], nn.Tanh(), layers[2])


def field(net: nn.Sequential, x: Tensor) -> Tensor:
    """dx/dt (batch, 2n): the network's output, or, if that is a scalar, its symplectic gradient."""
    last = net[-1]
    if isinstance(last, nn.Linear) and last.out_features > 1:
        return net(x)
    x = x.detach().requires_grad_()
    (gradient,) = torch.autograd.grad(net(x).sum(), x, create_graph=True)
    dH_dq, dH_dp = gradient.chunk(2, dim=-1)
    return torch.cat([dH_dp, -dH_dq], dim=-1)


def loss(net: nn.Sequential, x: Tensor, dx: Tensor) -> Tensor:
    """Mean squared error of the derivatives."""
    return (dx - field(net, x)).pow(2).mean()


class Trainer:
    """A network, its optimiser and the points (x, dx) that it learns from."""

    def __init__(self, net: nn.Sequential, x: Tensor, dx: Tensor, recipe: Recipe) -> None:
        self.net, self.x, self.dx, self.recipe = net, x, dx, recipe
        self.optimizer = torch.optim.Adam(net.parameters(), recipe.learning_rate, weight_decay=recipe.weight_decay)

    def pick(self, x: Tensor, dx: Tensor) -> tuple[Tensor, Tensor]:
        """The points of one step."""
        if self.recipe.batch is None:
            return x, dx
        i = torch.randint(len(x), (self.recipe.batch,))
        return x[i], dx[i]

    def step(self) -> None:
        """One training step."""
        value = loss(self.net, *self.pick(self.x, self.dx))
        value.backward()
        self.optimizer.step()
        self.optimizer.zero_grad()

    def steps(self, count: int) -> None:
        """Take `steps` training steps."""
        for _ in range(count):
            self.step()


def train(
    net: nn.Sequential, train_set: tuple[Tensor, Tensor], test_set: tuple[Tensor, Tensor], recipe: Recipe
) -> list[float]:
    """Train in place for the steps of the recipe; the test losses, one for each step."""
    trainer = Trainer(net, *train_set, recipe)
    test_losses = []
    for _ in range(recipe.steps):
        trainer.step()
        test_losses.append(loss(net, *trainer.pick(*test_set)).item())
    return test_losses
