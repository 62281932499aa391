"""The multilayer perceptron with fixed weights in NumPy, for rollouts: they evaluate a few states at a time, very often.

For such small batches NumPy has a fraction of PyTorch's overhead per call, and its BLAS multiplies small matrices faster.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy import ndarray
from torch import Tensor

__all__ = ["NUMPY_ACTIVATIONS", "NumpyActivation", "NumpyField", "NumpyLayer", "NumpyMLP"]


@dataclass(frozen=True)
class NumpyActivation:
    """An activation φ and its derivative."""

    value: Callable[[ndarray], ndarray]
    """a -> h = φ(a)."""
    derivative: Callable[[ndarray, ndarray], ndarray]
    """(a, h) -> φ'(a)."""


def sigmoid(a: ndarray) -> ndarray:
    """1 / (1 + e⁻ᵃ), without overflow."""
    return 0.5 + 0.5 * np.tanh(a / 2)


NUMPY_ACTIVATIONS = {
    "tanh": NumpyActivation(np.tanh, lambda a, h: 1 - h * h),
    "softplus": NumpyActivation(lambda a: np.logaddexp(0, a), lambda a, h: -np.expm1(-h)),
    "silu": NumpyActivation(lambda a: a * sigmoid(a), lambda a, h: sigmoid(a) * (1 + a - h)),
    "relu": NumpyActivation(lambda a: np.maximum(a, 0), lambda a, h: (h > 0).astype(h.dtype)),
}
"""Activations by their name in params.yaml; `hnn.networks.mlp.TORCH_ACTIVATIONS` has the same."""


class NumpyLayer:
    """W (outputs, inputs), b (outputs,) and a contiguous copy of Wᵀ, since BLAS is slower on a transposed view."""

    def __init__(self, weight: Tensor, bias: Tensor) -> None:
        self.weight, self.bias = float64_copy(weight), float64_copy(bias)
        self.transposed = np.ascontiguousarray(self.weight.T)


def float64_copy(parameter: Tensor) -> ndarray:
    """A NumPy copy of a parameter in float64."""
    return parameter.detach().cpu().double().numpy().copy()


class NumpyMLP:
    """y = w φ(… φ(W₁ x + b₁) …) as in `hnn.networks.mlp.MLP`, from copies of its parameters W₁, b₁, W₂, b₂, …, w."""

    def __init__(self, activation: str, parameters: Sequence[Tensor]) -> None:
        self.phi = NUMPY_ACTIVATIONS[activation]
        *hiddens, w = parameters
        self.hiddens = [NumpyLayer(weight, bias) for weight, bias in zip(hiddens[::2], hiddens[1::2], strict=True)]
        self.w = float64_copy(w)

    def value(self, x: ndarray) -> ndarray:
        """y, (points, outputs), of x (points, inputs)."""
        for layer in self.hiddens:
            x = self.phi.value(x @ layer.transposed + layer.bias)
        return x @ self.w.T

    def gradient(self, x: ndarray) -> ndarray:
        """∇y of a network with one output, (points, inputs), at x (points, inputs): as `hnn.networks.mlp.Gradient.forward`."""
        h, derivatives = x, []
        for layer in self.hiddens:
            a = h @ layer.transposed + layer.bias
            h = self.phi.value(a)
            derivatives.append(self.phi.derivative(a, h))
        v = self.w
        for layer, s in zip(reversed(self.hiddens), reversed(derivatives), strict=True):
            v = (v * s) @ layer.weight
        return v


@dataclass(frozen=True)
class NumpyField:
    """A vector field computed in NumPy: `function` maps x (points, 2n) to dx/dt (points, 2n).

    >>> NumpyField(lambda x: -x).time_derivative(torch.ones(2, dtype=torch.float64)).tolist()
    [-1.0, -1.0]
    """

    function: Callable[[ndarray], ndarray]

    def time_derivative(self, x: Tensor) -> Tensor:
        """dx/dt, shape (*batch, 2n), at states of shape (*batch, 2n) in float64 on a CPU."""
        return torch.from_numpy(self.function(x.reshape(-1, x.shape[-1]).numpy())).view(x.shape)
