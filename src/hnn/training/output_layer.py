"""The output layer of a model, fitted to trajectories over many steps by least squares.

A field is linear in the weights w of its output layer, f(x) = F(x) w, so that a few steps of Gauss-Newton find the best w of
all, where gradient descent leaves errors of the frequency that single steps hardly show (variable projection: Golub, Pereyra
2003, Inverse Problems 19:R1).

Observed states x₀ … x_k are `dt` apart. Rolled out from x₀ by the step map Φ, the model is at step n + 1 off by
eₙ₊₁ = Aₙ eₙ + Φ(xₙ) - xₙ₊₁ with Aₙ = ∂Φ/∂x, and e changes with w by Gₙ₊₁ = Aₙ Gₙ + ∂Φ/∂w, all at the observed xₙ and to
first order in e (multiple shooting: Bock, Plitt 1984). All single steps are computed as one batch.
"""

from copy import deepcopy
from functools import partial

import torch
from torch import Tensor

from hnn.integrators.fixed_step import Step
from hnn.models.base import Model
from hnn.training.checkpoints import Checkpoint, FitState

__all__ = ["accumulate", "deviations", "fit_output_layer", "sensitivities", "trajectory_loss"]

RIDGES = (1e-9, 1e-6, 1e-3, 1.0)
"""Weights of the squared change of w, relative to the mean square of the derivatives by w: the first that lowers the loss."""

BATCH = 400
"""Number of states whose derivatives are computed at once: of a few MB, which bounds memory and fits into a cache."""


@torch.no_grad()
def fit_output_layer(model: Model, method: Step, x: Tensor, dt: float, *, iterations: int = 2) -> None:
    """Lower the mean of |x̂ - x|² over all steps of trajectories x̂ from the first states of x (*batch, k + 1, 2n).

    By Levenberg and Marquardt's method over the weights of the output layer, in place; in float64, whatever the dtype of the
    model. Far from the minimum, where the first order misleads, the change is damped until the loss falls.
    """
    fitted, paths = deepcopy(model).double(), x.double().flatten(0, -3)
    checkpoint = Checkpoint("output layer", [*fitted.state_dict().values(), paths])
    start = checkpoint.read() or FitState(
        {"weights": fitted.output_weights}, {"done": 0, "loss": trajectory_loss(fitted, method, paths, dt)}
    )
    weights = start.tensors["weights"]
    fitted.set_output_weights(weights)
    loss = start.values["loss"]
    for iteration in range(start.values["done"], iterations):
        normal, slope = normal_equations(fitted, method, paths, dt)
        scale = normal.diagonal().mean()
        for ridge in RIDGES:
            damped = normal + ridge * scale * torch.eye(len(normal)).to(normal)
            changed = weights - torch.linalg.solve(damped, slope)
            fitted.set_output_weights(changed)
            if (lower := trajectory_loss(fitted, method, paths, dt)) < loss:
                weights, loss = changed, lower
                break
        else:
            break
        checkpoint.write(partial(FitState, {"weights": weights}, {"done": iteration + 1, "loss": loss}))
    model.set_output_weights(weights)


@torch.no_grad()
def trajectory_loss(model: Model, method: Step, x: Tensor, dt: float | Tensor) -> float:
    """Mean of |x̂ - x|² over the steps 1 … k of the trajectories x̂ from the first states of x (trajectories, k + 1, 2n)."""
    state, total = x[:, 0], 0.0
    for true in x.unbind(1)[1:]:
        state = method(model, state, dt)
        total += float((state - true).square().mean())
    return total / (x.shape[1] - 1)


def normal_equations(model: Model, method: Step, x: Tensor, dt: float | Tensor) -> tuple[Tensor, Tensor]:
    """GᵀG and Gᵀe summed over all steps of the trajectories x (trajectories, k + 1, 2n): see `deviations`."""
    count = model.output_weights.numel()
    normal, slope = x.new_zeros(count, count), x.new_zeros(count)
    for part in x.split(max(1, BATCH // (x.shape[1] - 1))):
        e, G = deviations(model, method, part, dt)
        rows = G.flatten(0, -2)
        normal += rows.mT @ rows
        slope += rows.mT @ e.flatten()
    return normal, slope


@torch.no_grad()
def deviations(model: Model, method: Step, x: Tensor, dt: float | Tensor) -> tuple[Tensor, Tensor]:
    """e and G = ∂e/∂w at steps 1 … k of trajectories x (*batch, k + 1, 2n): (*batch, k, 2n) and (*batch, k, 2n, weights)."""
    image, tangent, by_weights = sensitivities(model, method, x[..., :-1, :], dt)
    single = torch.cat([(image - x[..., 1:, :])[..., None], by_weights], -1)  # e and G obey the same recurrence
    both = accumulate(tangent[..., 1:, :, :], single[..., 1:, :, :], single[..., 0, :, :])
    return both[..., 0], both[..., 1:]


def accumulate(tangent: Tensor, single: Tensor, first: Tensor) -> Tensor:
    """Cₙ₊₁ = Aₙ Cₙ + Sₙ from C₀ = `first` (*batch, 2n, columns): C₀ … C_k, (*batch, k + 1, 2n, columns).

    `tangent` is A (*batch, k, 2n, 2n), `single` is S (*batch, k, 2n, columns).
    """
    found = [first]
    for n in range(single.shape[-3]):
        found.append(tangent[..., n, :, :] @ found[-1] + single[..., n, :, :])
    return torch.stack(found, -3)


@torch.no_grad()
def sensitivities(model: Model, method: Step, x: Tensor, dt: float | Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Φ(x), ∂Φ/∂x and ∂Φ/∂w of a step from states x (*batch, 2n): (*batch, 2n), (*batch, 2n, 2n) and (*batch, 2n, weights).

    A step of the variational equations is the derivative of the step (Hairer, Lubich, Wanner 2006, lemma VI.4.1).
    """
    size, weights = x.shape[-1], model.output_weights.numel()
    start = torch.cat([x[..., None], torch.eye(size).to(x).expand(*x.shape, size), x.new_zeros(*x.shape, weights)], -1)
    end = method(Variational(model, size), start.flatten(-2), dt).view_as(start)
    image, tangent, by_weights = end.split([1, size, weights], dim=-1)
    return image.squeeze(-1), tangent, by_weights


class Variational:
    """The field of (x, ∂x/∂x₀, ∂x/∂w), flattened: f(x), ∂f/∂x ∂x/∂x₀ and ∂f/∂x ∂x/∂w + F(x)."""

    def __init__(self, model: Model, size: int) -> None:
        self.model, self.size = model, size
        self.separable = model.separable

    def time_derivative(self, y: Tensor) -> Tensor:
        """The time derivative, shaped like y."""
        columns = y.unflatten(-1, (self.size, -1))
        x, varied = columns[..., 0], columns[..., 1:]
        fields, jacobian = self.model.linearised(x)
        dx = fields @ self.model.output_weights
        change = jacobian @ varied
        change[..., self.size :] += fields
        return torch.cat([dx[..., None], change], -1).flatten(-2)
