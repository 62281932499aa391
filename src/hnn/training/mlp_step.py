"""The gradient of the derivative loss of a multilayer perceptron in closed form, in buffers that are kept from step to step.

At the size of a batch, recording a graph and allocating its tensors cost about as much as the products of matrices. Here all is
computed in place, in NumPy on the memory of the weights and their gradients. The network is that of `hnn.networks.mlp` with
φ = tanh: from h₀ = x, for the hidden layers l = 1 … L, aₗ = Wₗ hₗ₋₁ + bₗ, hₗ = tanh aₗ and sₗ = φ'(aₗ) = 1 - hₗ²; y = w h_L. The
loss is the mean of |r|² over N components, and R = 2 r / N.

Baseline: r = y - dx. Back from H_L = wᵀ R: Aₗ = Hₗ sₗ, Hₗ₋₁ = Wₗᵀ Aₗ. The derivatives by Wₗ, bₗ and w are Aₗ hₗ₋₁ᵀ, Aₗ and
R h_Lᵀ, summed over the points.

HNN: |J ∇y - dx| = |∇y - Jᵀ dx|, since J is orthogonal. The gradient ∇y = v₀ follows from v_L = w by uₗ = vₗ sₗ, vₗ₋₁ = Wₗᵀ uₗ.
With r = v₀ - Jᵀ dx its derivative passes both sweeps in reverse (see `hnn.networks.mlp.Gradient`). From V₀ = R: Uₗ = Wₗ Vₗ₋₁,
Vₗ = Uₗ sₗ; then from H_L = 0, with vₗ φ''(aₗ) = -2 hₗ uₗ: Aₗ = Hₗ sₗ - 2 hₗ uₗ Uₗ, Hₗ₋₁ = Wₗᵀ Aₗ. The derivatives by Wₗ, bₗ
and w are uₗ Vₗ₋₁ᵀ + Aₗ hₗ₋₁ᵀ, Aₗ and V_L. The first is a single product: u and A, V and h lie one above the other in memory.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from numpy import ndarray
from torch import Tensor

from hnn.models.base import Model
from hnn.models.baseline import Baseline
from hnn.models.hnn import HamiltonianNetwork
from hnn.networks.mlp import MLP

__all__ = ["DerivativeStep", "derivative_step"]


def derivative_step(model: Model) -> "DerivativeStep | None":
    """The closed form of `derivative_loss` and its gradient for the model; None for one that has none and is left to autograd.

    It has one if it is an `hnn` or a `baseline` on the CPU whose activation is tanh and whose weights are all trained.
    """
    of_kind: dict[Any, Callable[[Any], tuple[MLP, bool]]] = {
        HamiltonianNetwork.time_derivative: lambda model: (model.energy, True),
        Baseline.time_derivative: lambda model: (model.field, False),
    }
    find = of_kind.get(type(model).time_derivative)
    suits = all(w.device.type == "cpu" and w.requires_grad for w in model.parameters())
    if find is None or not suits:
        return None
    network, of_gradient = find(model)
    return DerivativeStep(network, of_gradient) if network.activation == "tanh" else None


class HiddenLayer:
    """A hidden layer: NumPy views of its weights and their gradients, and buffers for batches of `points` points."""

    def __init__(self, layer: Any, points: int) -> None:
        self.W, self.b = layer.weight.detach().numpy(), layer.bias.detach().numpy()
        self.W_gradient, self.b_gradient = gradient_of(layer.weight), gradient_of(layer.bias)
        outputs, inputs = self.W.shape
        self.uA = np.empty((2 * points, outputs), self.W.dtype)
        """uₗ above Aₗ."""
        self.Vh_below = np.empty((2 * points, inputs), self.W.dtype)
        """Vₗ₋₁ above hₗ₋₁."""
        self.u, self.A = self.uA[:points], self.uA[points:]
        self.V_below, self.h_below = self.Vh_below[:points], self.Vh_below[points:]
        self.s, self.U = np.empty_like(self.u), np.empty_like(self.u)
        self.below = np.empty_like(self.V_below)
        """vₗ₋₁, later Hₗ₋₁."""


def gradient_of(parameter: Tensor) -> ndarray:
    """The gradient of a parameter as a NumPy array, which shares memory with it."""
    parameter.grad = torch.zeros_like(parameter)
    gradient: ndarray = parameter.grad.numpy()
    return gradient


class DerivativeStep:
    """`derivative_loss` of a batch and its gradient: of a field J ∇y if `of_gradient`, else of a field y."""

    def __init__(self, network: MLP, of_gradient: bool) -> None:
        self.network, self.of_gradient, self.points = network, of_gradient, -1

    def __call__(self, x: Tensor, dx: Tensor) -> float:
        """The loss of the points x and dx (points, 2n), both with the dtype of the weights; their gradients are overwritten."""
        if len(x) != self.points:
            self.allocate(len(x))
        self.forward(x.numpy())
        return self.of_hamiltonian(dx.numpy()) if self.of_gradient else self.of_field(dx.numpy())

    def allocate(self, points: int) -> None:
        """Make the gradients of the weights, and the buffers of a batch."""
        *hiddens, last = list(self.network.layers)
        weights = self.network.output_weights
        self.points, self.hiddens = points, [HiddenLayer(layer, points) for layer in hiddens]
        self.w, self.w_gradient = weights.detach().numpy(), gradient_of(weights)
        self.Vh = np.empty((2 * points, self.w.shape[1]), self.w.dtype)
        """V_L above h_L."""
        self.V, self.h = self.Vh[:points], self.Vh[points:]
        self.above = [*((layer.V_below, layer.h_below) for layer in self.hiddens[1:]), (self.V, self.h)]
        """(Vₗ, hₗ) of the hidden layers."""
        self.ones = np.ones(points, self.w.dtype)

    def forward(self, x: ndarray) -> None:
        """hₗ and sₗ of every layer."""
        self.hiddens[0].h_below[:] = x
        for layer, (_, h) in zip(self.hiddens, self.above, strict=True):
            np.matmul(layer.h_below, layer.W.T, out=h)
            h += layer.b
            tanh(h)
            np.multiply(h, h, out=layer.s)
            np.subtract(1, layer.s, out=layer.s)

    def of_field(self, dx: ndarray) -> float:
        """The loss of y, and its gradient."""
        r = self.h @ self.w.T - dx
        R = r * (2 / r.size)
        np.matmul(R.T, self.h, out=self.w_gradient)
        H: ndarray = np.matmul(R, self.w, out=self.V)
        for layer in reversed(self.hiddens):
            np.multiply(H, layer.s, out=layer.A)
            np.matmul(layer.A.T, layer.h_below, out=layer.W_gradient)
            np.matmul(self.ones, layer.A, out=layer.b_gradient)
            if layer is not self.hiddens[0]:
                H = np.matmul(layer.A, layer.W, out=layer.below)
        return float(np.square(r).mean())

    def of_hamiltonian(self, dx: ndarray) -> float:
        """The loss of J ∇y, and its gradient."""
        v = self.w
        for layer in reversed(self.hiddens):
            np.multiply(v, layer.s, out=layer.u)
            v = np.matmul(layer.u, layer.W, out=layer.below)
        dq, dp = np.split(dx, 2, axis=-1)
        r = v - np.concatenate([-dp, dq], axis=-1)
        np.multiply(r, 2 / r.size, out=self.hiddens[0].V_below)
        for layer, (V, _) in zip(self.hiddens, self.above, strict=True):
            np.matmul(layer.V_below, layer.W.T, out=layer.U)
            np.multiply(layer.U, layer.s, out=V)
        np.matmul(self.ones, self.V, out=self.w_gradient[0])
        H: ndarray | None = None
        for layer, (_, h) in zip(reversed(self.hiddens), reversed(self.above), strict=True):
            np.multiply(h, layer.u, out=layer.A)
            layer.A *= layer.U
            layer.A *= -2
            if H is not None:
                H *= layer.s
                layer.A += H
            np.matmul(layer.uA.T, layer.Vh_below, out=layer.W_gradient)
            np.matmul(self.ones, layer.A, out=layer.b_gradient)
            if layer is not self.hiddens[0]:
                H = np.matmul(layer.A, layer.W, out=layer.below)
        return float(np.square(r).mean())


def tanh(a: ndarray) -> None:
    """Replace a by tanh a = 2σ(2a) - 1, with PyTorch's σ, which is faster than NumPy's tanh."""
    a += a
    torch.from_numpy(a).sigmoid_()
    a += a
    a -= 1
