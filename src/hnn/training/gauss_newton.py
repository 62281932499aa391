"""The output layer of a model and the initial states of noisy trajectories, fitted together by the Gauss-Newton method.

Unknown are the weights w of the output layer, in which the field f(x) = F(x) w is linear, and a state s₀ of each trajectory.
The squares of x̂ₙ - xₙ, and of f(x̂ₙ) - dxₙ with a weight, are summed along the trajectory x̂ from s₀. They are linearised at
states s₀ … s_k that need not yet be a trajectory: with the step map Φ, A = ∂Φ/∂x and B = ∂Φ/∂w,
δₙ₊₁ = Aₙ δₙ + Bₙ δw + Φ(sₙ) - sₙ₊₁ (multiple shooting: Bock, Plitt 1984). From the observed states on, a long trajectory is as
easy as a short one, and all its steps are computed as one batch. δ₀ of each trajectory is eliminated by orthogonal projection.
"""

from copy import deepcopy
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor

from hnn.integrators.fixed_step import Step
from hnn.models.base import Model
from hnn.training.checkpoints import Checkpoint, FitState
from hnn.training.noisy_trajectories import NoisyTrajectories, weighted_square
from hnn.training.output_layer import BATCH, accumulate, sensitivities

__all__ = ["Linearised", "fit_with_initial_states", "linearise", "objective"]

RIDGES = (1e-5, 1e-3, 1e-1)
"""Weights of |δw|², relative to the mean square of the derivatives by w: the first that lowers the objective is taken."""

ENOUGH = 1e-3
"""Relative fall of the objective below which the iteration ends."""


@dataclass(frozen=True)
class Linearised:
    """The linear least-squares problem of a Gauss-Newton step, its initial states eliminated."""

    normal: Tensor
    """GᵀG of the residuals' derivatives G by w, (weights, weights)."""
    slope: Tensor
    """Gᵀ of the residuals, (weights,)."""
    tangent: Tensor
    """A, (trajectories, time - 1, 2n, 2n)."""
    start: Tensor
    """δ₀ = start₀ + start₁ δw, (trajectories, 2n, 1 + weights)."""


@torch.no_grad()
def fit_with_initial_states(model: Model, method: Step, data: NoisyTrajectories, *, iterations: int = 6) -> Tensor:
    """Lower `objective` over the output layer, in place, and over the initial states; return these, (trajectories, 2n).

    In float64, whatever the dtype of the model. A step that does not lower the objective is damped (Levenberg, Marquardt).
    """
    fitted = deepcopy(model).double()
    data = NoisyTrajectories(data.x.double(), data.dx.double(), data.weight.double(), data.intervals.double())
    checkpoint = Checkpoint("Gauss-Newton", [*fitted.state_dict().values(), *vars(data).values()])
    start = checkpoint.read() or FitState(
        {"weights": fitted.output_weights, "states": data.x},
        {"done": 0, "lowest": objective(fitted, method, data, data.x[:, 0])},
    )
    weights, states, lowest = start.tensors["weights"], start.tensors["states"], start.values["lowest"]
    for iteration in range(start.values["done"], iterations):
        fitted.set_output_weights(weights)
        problem, last = linearise(fitted, method, data, states), lowest
        identity = problem.normal.diagonal().mean() * torch.eye(len(problem.normal)).to(states)
        for ridge in RIDGES:
            change = -torch.linalg.solve(problem.normal + ridge * identity, problem.slope)
            fitted.set_output_weights(weights + change)
            moved = move(fitted, method, data, states, problem, change)
            if (lower := objective(fitted, method, data, moved[:, 0])) < lowest:
                weights, lowest, states = weights + change, lower, moved
                break
        if last - lowest < ENOUGH * last:
            break
        checkpoint.write(partial(FitState, {"weights": weights, "states": states}, {"done": iteration + 1, "lowest": lowest}))
    model.set_output_weights(weights)
    return states[:, 0]


@torch.no_grad()
def objective(model: Model, method: Step, data: NoisyTrajectories, x0: Tensor) -> float:
    """Mean of |x̂ - x|² + w |f(x̂) - dx|² over trajectories x̂ of the model from x0 (trajectories, 2n); single shooting."""
    states = [x0]
    for dt in data.intervals:
        states.append(method(model, states[-1], dt))
    x = torch.stack(states, 1)
    return float((x - data.x).square().mean() + weighted_square(model.time_derivative(x) - data.dx, data.weight))


@torch.no_grad()
def linearise(model: Model, method: Step, data: NoisyTrajectories, states: Tensor) -> Linearised:
    """The Gauss-Newton problem at states (trajectories, time, 2n), computed for a few trajectories at a time."""
    count, size = model.output_weights.numel(), states.shape[-1]
    normal, slope = states.new_zeros(count, count), states.new_zeros(count)
    tangents, starts = [], []
    at_once = max(1, BATCH // states.shape[1])
    for s, x, dx, weight in zip(*(a.split(at_once) for a in (states, data.x, data.dx, data.weight)), strict=True):
        tangent, rows = residuals(model, method, s, x, dx, weight, data.intervals)
        # Project onto the complement of the derivatives by the initial states: what these cannot fit
        by_start, rest = rows[..., :size], rows[..., size:]
        q, r = torch.linalg.qr(by_start)
        along = q.mT @ rest
        e, G = (rest - q @ along).flatten(0, 1).split([1, count], -1)
        normal += G.mT @ G
        slope += (G.mT @ e).squeeze(-1)
        tangents.append(tangent)
        starts.append(-torch.linalg.solve_triangular(r, along, upper=True))
    return Linearised(normal, slope, torch.cat(tangents), torch.cat(starts))


def residuals(
    model: Model, method: Step, s: Tensor, x: Tensor, dx: Tensor, weight: Tensor, intervals: Tensor
) -> tuple[Tensor, Tensor]:
    """A, and for each trajectory the rows of ∂r/∂δ₀, r and ∂r/∂w: (batch, residuals, 2n + 1 + weights)."""
    size, count = s.shape[-1], model.output_weights.numel()
    image, tangent, by_weights = sensitivities(model, method, s[:, :-1], intervals)
    defect = (image - s[:, 1:])[..., None]
    single = torch.cat([torch.zeros_like(tangent), defect, by_weights], -1)
    first = torch.eye(size, size + 1 + count).to(s).expand(len(s), -1, -1)
    of_states = accumulate(tangent, single, first)  # δ = of_states (δ₀, 1, δw)
    fields, jacobian = model.linearised(s)
    of_derivatives = jacobian @ of_states
    of_derivatives[..., size] += fields @ model.output_weights - dx
    of_derivatives[..., size + 1 :] += fields
    of_states[..., size] += s - x
    return tangent, torch.cat([of_states, weight[..., None].sqrt() * of_derivatives], 1).flatten(1, 2)


def move(model: Model, method: Step, data: NoisyTrajectories, states: Tensor, problem: Linearised, change: Tensor) -> Tensor:
    """States (trajectories, time, 2n) after the step: linear in the states, exact in the already changed weights."""
    image = method(model, states[:, :-1], data.intervals)
    moved = [states[:, 0] + problem.start[..., 0] + problem.start[..., 1:] @ change]
    for n in range(image.shape[1]):
        shift = problem.tangent[:, n] @ (moved[-1] - states[:, n])[..., None]
        moved.append(image[:, n] + shift.squeeze(-1))
    return torch.stack(moved, 1)
