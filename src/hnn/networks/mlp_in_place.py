"""The multilayer perceptron and its gradient in NumPy, with the derivatives of a loss by the weights: for training on a CPU.

Everything is computed in place, in buffers that are kept from step to step, so that a step takes little more than its matrix
products. Other devices and losses take `hnn.networks.mlp`, whose `Gradient` has the same equations.

Notation: n points in rows, d inputs, hidden layers l = 1 … L of width m, activation φ. With h₀ = x (n, d), aₗ = hₗ₋₁ Wₗᵀ + bₗ,
hₗ = φ(aₗ) and sₗ = φ'(aₗ), each (n, m), the network is y = h_L wᵀ (n, outputs). Products without a sign of transposition or @
between arrays of equal shape are elementwise.

A loss of y, with Y = ∂loss/∂y (n, outputs): let Aₗ = ∂loss/∂aₗ (n, m). Then A_L = (Y w) s_L and Aₗ₋₁ = (Aₗ Wₗ) sₗ₋₁, and

    ∂loss/∂Wₗ = Aₗᵀ hₗ₋₁,   ∂loss/∂bₗ = the sum of Aₗ over the points,   ∂loss/∂w = Yᵀ h_L.

A loss of g = ∂y/∂x (n, d) with one output: let uₗ = ∂y/∂aₗ (n, m). As above u_L = w s_L, uₗ₋₁ = (uₗ Wₗ) sₗ₋₁, and g = u₁ W₁.
Let V₀ = ∂loss/∂g (n, d). The chain rule takes these products in reverse: Uₗ = ∂loss/∂uₗ = Vₗ₋₁ Wₗᵀ, and Vₗ = Uₗ sₗ is the
derivative by the other factor of uₗ, which is uₗ₊₁ Wₗ₊₁, or w for l = L. The factor sₗ = φ'(aₗ) of uₗ passes on to aₗ the
derivative Cₗ = Uₗ uₗ φ''(aₗ) / φ'(aₗ). With what the layers above pass on through hₗ, A_L = C_L and
Aₗ₋₁ = (Aₗ Wₗ) sₗ₋₁ + Cₗ₋₁. Wₗ stands in aₗ and in uₗ Wₗ, therefore

    ∂loss/∂Wₗ = uₗᵀ Vₗ₋₁ + Aₗᵀ hₗ₋₁,   ∂loss/∂bₗ as above,   ∂loss/∂w = the sum of V_L over the points.

The first is one product of (2n, m) and (2n, m) matrices, if uₗ is stored above Aₗ and Vₗ₋₁ above hₗ₋₁. An inner layer takes
six products of (n, m) with (m, m) for g, three for y.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy import ndarray
from torch import nn

from hnn.networks.mlp_numpy import NUMPY_ACTIVATIONS

__all__ = ["CURVATURES", "InPlaceField", "InPlaceMLP"]


def tanh_curvature(h: ndarray, s: ndarray, c: ndarray) -> None:
    """φ''/φ' = -2h."""
    c *= h
    c *= -2


def softplus_curvature(h: ndarray, s: ndarray, c: ndarray) -> None:
    """φ''/φ' = 1 - s."""
    c -= c * s


def relu_curvature(h: ndarray, s: ndarray, c: ndarray) -> None:
    """φ'' = 0."""
    c.fill(0)


CURVATURES: dict[str, Callable[[ndarray, ndarray, ndarray], None]] = {
    "tanh": tanh_curvature,
    "softplus": softplus_curvature,
    "relu": relu_curvature,
}
"""(h, s, c): multiply c by φ''/φ'. Activations that have no such finite ratio are left to `hnn.networks.mlp`."""


@dataclass(frozen=True)
class InPlaceField:
    """A vector field at points (points, 2n), and the derivatives of a loss of it by the weights."""

    value: Callable[[ndarray], ndarray]
    """x -> dx/dt."""
    differentiate: Callable[[ndarray], None]
    """∂loss/∂(dx/dt) at the points of the last call of `value`: write ∂loss/∂weight to the `grad` of each weight."""


class InPlaceMLP:
    """`hnn.networks.mlp.MLP` on its own parameters W₁, b₁, …, w, to whose `grad` the derivatives of a loss are written.

    A result is overwritten by the next call; derivatives are those at the points of the call before.
    """

    def __init__(self, activation: str, parameters: Sequence[nn.Parameter]) -> None:
        self.phi, self.curvature = NUMPY_ACTIVATIONS[activation], CURVATURES[activation]
        gradients = [torch.zeros_like(parameter) for parameter in parameters]
        for parameter, gradient in zip(parameters, gradients, strict=True):
            parameter.grad = gradient
        *hiddens, self.w = (parameter.detach().numpy() for parameter in parameters)
        *hidden_gradients, self.w_gradient = (gradient.numpy() for gradient in gradients)
        self.weights, self.biases = hiddens[::2], hiddens[1::2]
        self.weight_gradients, self.bias_gradients = hidden_gradients[::2], hidden_gradients[1::2]
        self.allocate(0)

    def allocate(self, points: int) -> None:
        """Make the buffers of so many points, lists in the order of the layers."""
        (hidden, inputs), depth, dtype = self.weights[0].shape, len(self.weights), self.w.dtype
        self.y, self.g, self.ones = (
            np.empty((points, len(self.w)), dtype),
            np.empty((points, inputs), dtype),
            np.ones(points, dtype),
        )
        self.upper = [np.empty((2 * points, hidden), dtype) for _ in range(depth)]  # uₗ above Aₗ
        self.lower = [np.empty((2 * points, width), dtype) for width in [inputs] + [hidden] * depth]  # Vₗ above hₗ, from l = 0
        self.u, self.A = ([both[half] for both in self.upper] for half in (slice(points), slice(points, None)))
        self.V, self.h = ([both[half] for both in self.lower] for half in (slice(points), slice(points, None)))
        self.s, self.H = [np.empty((points, hidden), dtype) for _ in range(depth)], np.empty((points, hidden), dtype)

    def value(self, x: ndarray) -> ndarray:
        """y, (n, outputs), at x (n, d)."""
        self.forward(x)
        return np.matmul(self.h[-1], self.w.T, out=self.y)

    def differentiate_value(self, Y: ndarray) -> None:
        """Write the derivatives of a loss with the derivative Y (n, outputs) by the value."""
        np.matmul(Y, self.w, out=self.A[-1])
        self.backward(self.A)
        self.differentiate_hidden(self.A, self.h)
        np.matmul(Y.T, self.h[-1], out=self.w_gradient)

    def gradient(self, x: ndarray) -> ndarray:
        """g, (n, d), of a network with one output, at x (n, d)."""
        self.forward(x)
        self.u[-1][:] = self.w
        self.backward(self.u)
        return np.matmul(self.u[0], self.weights[0], out=self.g)

    def differentiate_gradient(self, V0: ndarray) -> None:
        """Write the derivatives of a loss with the derivative V₀ (n, d) by the gradient."""
        A, s = self.A, self.s
        self.V[0][:] = V0
        for i, weight in enumerate(self.weights):
            np.matmul(self.V[i], weight.T, out=A[i])  # Uₗ
            np.multiply(A[i], s[i], out=self.V[i + 1])
            A[i] *= self.u[i]
            self.curvature(self.h[i + 1], s[i], A[i])  # Cₗ
        for i in range(len(A) - 1, 0, -1):
            np.matmul(A[i], self.weights[i], out=self.H)
            np.multiply(self.H, s[i - 1], out=self.H)
            A[i - 1] += self.H
        self.differentiate_hidden(self.upper, self.lower)
        np.matmul(self.ones, self.V[-1], out=self.w_gradient[0])

    def forward(self, x: ndarray) -> None:
        """hₗ and sₗ of all layers."""
        if len(x) != len(self.ones):
            self.allocate(len(x))
        self.h[0][:] = x
        for i, (weight, bias) in enumerate(zip(self.weights, self.biases, strict=True)):
            a = np.matmul(self.h[i], weight.T, out=self.h[i + 1])
            a += bias
            self.phi.value_and_derivative(a, self.s[i])

    def backward(self, by_a: list[ndarray]) -> None:
        """Derivatives by aₗ of all layers, in place, from that by h_L, which stands in the last of them."""
        by_a[-1] *= self.s[-1]
        for i in range(len(by_a) - 1, 0, -1):
            np.matmul(by_a[i], self.weights[i], out=by_a[i - 1])
            by_a[i - 1] *= self.s[i - 1]

    def differentiate_hidden(self, left: list[ndarray], right: list[ndarray]) -> None:
        """Write the derivatives by Wₗ, the products leftₗᵀ rightₗ₋₁, and those by bₗ."""
        for i in range(len(left)):
            np.matmul(left[i].T, right[i], out=self.weight_gradients[i])
            np.matmul(self.ones, self.A[i], out=self.bias_gradients[i])
