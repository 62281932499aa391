"""All weights of a model and the initial states of trajectories, fitted together by the Levenberg-Marquardt method.

For networks of a few thousand weights: descent leaves errors of the frequency and of weak friction that grow along a
trajectory, which a few steps of second order remove. The squares of x̂ₙ - xₙ are summed along trajectories x̂ of the model,
x̂ₙ₊₁ = Φ(x̂ₙ). With A = ∂Φ/∂x and B = ∂Φ/∂w at x̂, δₙ₊₁ = Aₙ δₙ + Bₙ δw; δ₀ of each trajectory is eliminated by orthogonal
projection, and δw solves the damped normal equations, in the space of residuals where these are fewer than weights.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor, nn
from torch.func import functional_call, jacrev, vmap

from hnn.integrators.fixed_step import Step
from hnn.models.base import Model
from hnn.training.checkpoints import Checkpoint, FitState
from hnn.training.output_layer import accumulate

__all__ = ["Segments", "fit_all_weights", "trajectories"]

FIRST_DAMPING = 1e-3
"""Weight of |δw|² at first, relative to the mean square of the derivatives by w."""
LEAST_DAMPING = 1e-12
FASTER, SLOWER = 4.0, 8.0
"""Factors of the damping: divided by the one after a step that lowers the sum, multiplied by the other until one does."""
TRIES = 6
"""Largest number of dampings that are tried in one step."""
ENOUGH = 1e-3
"""Relative fall of the sum of squares below which the iteration ends."""
CHUNK = 256
"""Number of steps whose derivatives by all weights are computed at once, which bounds memory."""


@dataclass(frozen=True)
class Segments:
    """Observed trajectories of equally many states, with times of their own."""

    x: Tensor
    """States, (segments, k + 1, 2n)."""
    intervals: Tensor
    """Seconds between them, (segments, k, 1)."""


class StepMap(nn.Module):
    """A step of the model by a method as a module, so that its weights can be varied."""

    def __init__(self, model: Model, method: Step) -> None:
        super().__init__()
        self.model, self.method = model, method

    def forward(self, x: Tensor, dt: Tensor) -> Tensor:
        """States (*batch, 2n) `dt` seconds after x."""
        return self.method(self.model, x, dt)


@torch.no_grad()
def fit_all_weights(model: Model, method: Step, data: Segments, *, iterations: int = 20) -> float:
    """Lower the mean of |x̂ - x|² over segments, by all weights of a float64 model, in place, and by initial states; return it.

    `method` must be differentiable by torch.func, as explicit Runge-Kutta methods are.
    """
    step = StepMap(model, method)
    weights = Flat(step)
    checkpoint = Checkpoint("Levenberg-Marquardt", [weights.read(), data.x, data.intervals])
    start = checkpoint.read() or FitState({"w": weights.read(), "starts": data.x[:, 0]}, {"done": 0, "damping": FIRST_DAMPING})
    w, starts, damping = start.tensors["w"], start.tensors["starts"], start.values["damping"]
    weights.write(w)
    x = trajectories(step, starts, data.intervals)
    lowest = mean_square(x, data)
    for iteration in range(start.values["done"], iterations):
        normal = linearised(step, weights, x, data)
        before = lowest
        for _ in range(TRIES):
            change = normal.solve(damping)
            weights.write(w + change)
            moved = starts + normal.start_change(change)
            x_new = trajectories(step, moved, data.intervals)
            lower = mean_square(x_new, data)
            if lower < lowest:  # false for NaN
                w, starts, x, lowest = w + change, moved, x_new, lower
                damping = max(damping / FASTER, LEAST_DAMPING)
                break
            damping *= SLOWER
        else:
            weights.write(w)
            break
        if before - lowest < ENOUGH * before:
            break
        checkpoint.write(partial(FitState, {"w": w, "starts": starts}, {"done": iteration + 1, "damping": damping}))
    return lowest


def mean_square(x: Tensor, data: Segments) -> float:
    """Mean of |x̂ - x|² over all components of all states."""
    return float((x - data.x).square().mean())


def trajectories(step: Callable[[Tensor, Tensor], Tensor], starts: Tensor, intervals: Tensor) -> Tensor:
    """Trajectories (segments, k + 1, 2n) from starts (segments, 2n) by a step map over each of the intervals."""
    states = [starts]
    for dt in intervals.unbind(1):
        states.append(step(states[-1], dt))
    return torch.stack(states, 1)


class Flat:
    """The weights of a module as one vector."""

    def __init__(self, module: nn.Module) -> None:
        self.parameters = dict(module.named_parameters())

    def read(self) -> Tensor:
        """A copy of the weights, (weights,)."""
        return torch.cat([one.flatten() for one in self.parameters.values()])

    def write(self, w: Tensor) -> None:
        """Set the weights."""
        parts = w.split([one.numel() for one in self.parameters.values()])
        for parameter, part in zip(self.parameters.values(), parts, strict=True):
            parameter.copy_(part.view_as(parameter))


@dataclass(frozen=True)
class NormalEquations:
    """The linear least-squares problem of a step, its initial states eliminated."""

    G: Tensor
    """Derivatives of the residuals by w beside those by the initial states, (residuals, weights)."""
    r: Tensor
    """Residuals beside the same, (residuals,)."""
    triangle: Tensor
    """R of the QR decomposition of the derivatives by the initial state of each segment, (segments, 2n, 2n)."""
    along: Tensor
    """Qᵀ of the residuals, then of the derivatives by w: (segments, 2n, 1 + weights)."""

    def solve(self, damping: float) -> Tensor:
        """The change of the weights, (weights,)."""
        rows, count = self.G.shape
        scale = damping * self.G.square().sum() / count
        if rows < count:
            gram = self.G @ self.G.mT + scale * torch.eye(rows).to(self.G)
            return -self.G.mT @ torch.linalg.solve(gram, self.r)
        gram = self.G.mT @ self.G + scale * torch.eye(count).to(self.G)
        return -torch.linalg.solve(gram, self.G.mT @ self.r)

    def start_change(self, change: Tensor) -> Tensor:
        """The change of the initial states (segments, 2n) that belongs to a change of the weights."""
        right = self.along[..., 0] + self.along[..., 1:] @ change
        return -torch.linalg.solve_triangular(self.triangle, right[..., None], upper=True).squeeze(-1)


def linearised(step: StepMap, weights: Flat, x: Tensor, data: Segments) -> NormalEquations:
    """The problem at trajectories x (segments, k + 1, 2n) of the model."""
    segments, states, size = x.shape
    tangent, by_weights = sensitivities(step, weights, x[:, :-1].flatten(0, 1), data.intervals.flatten(0, 1))
    single = torch.cat([torch.zeros_like(tangent), by_weights], -1).unflatten(0, (segments, states - 1))
    first = torch.eye(size, single.shape[-1]).to(x).expand(segments, -1, -1)
    derivatives = accumulate(tangent.unflatten(0, (segments, states - 1)), single, first).flatten(1, 2)
    by_start, by_w = derivatives[..., :size], derivatives[..., size:]
    rest = torch.cat([(x - data.x).flatten(1)[..., None], by_w], -1)
    q, triangle = torch.linalg.qr(by_start)
    along = q.mT @ rest
    beside = (rest - q @ along).flatten(0, 1)
    return NormalEquations(beside[:, 1:], beside[:, 0], triangle, along)


def sensitivities(step: StepMap, weights: Flat, x: Tensor, dt: Tensor) -> tuple[Tensor, Tensor]:
    """∂Φ/∂x and ∂Φ/∂w of single steps from states x (steps, 2n): (steps, 2n, 2n) and (steps, 2n, weights)."""
    parameters = {name: one.detach() for name, one in weights.parameters.items()}

    def one_step(parameters: dict[str, Tensor], x: Tensor, dt: Tensor) -> Tensor:
        """The step from a single state (2n,)."""
        end: Tensor = functional_call(step, parameters, (x[None], dt[None]))
        return end[0]

    with torch.enable_grad():
        derivatives = vmap(jacrev(one_step, argnums=(0, 1)), in_dims=(None, 0, 0), chunk_size=CHUNK)
        by_weights, tangent = derivatives(parameters, x, dt)
    return tangent.detach(), torch.cat([by_weights[name].detach().flatten(2) for name in weights.parameters], -1)
