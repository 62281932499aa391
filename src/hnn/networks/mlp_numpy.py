"""The multilayer perceptron with weights that no longer change, in NumPy: for rollouts, which ask for few states many times.

There a call of NumPy takes a fraction of one of PyTorch, and its BLAS multiplies small matrices faster.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy import ndarray
from torch import Tensor

__all__ = ["ACTIVATIONS", "FrozenField", "Layer", "Perceptron"]


@dataclass(frozen=True)
class Activation:
    """φ of an array a, and φ'(a) of a and h = φ(a)."""

    value: Callable[[ndarray], ndarray]
    slope: Callable[[ndarray, ndarray], ndarray]


def sigmoid(a: ndarray) -> ndarray:
    """1 / (1 + e⁻ᵃ), without overflow."""
    return 0.5 + 0.5 * np.tanh(a / 2)


ACTIVATIONS = {
    "tanh": Activation(np.tanh, lambda a, h: 1 - h * h),
    "softplus": Activation(lambda a: np.logaddexp(0, a), lambda a, h: -np.expm1(-h)),
    "silu": Activation(lambda a: a * sigmoid(a), lambda a, h: sigmoid(a) * (1 + a - h)),
    "relu": Activation(lambda a: np.maximum(a, 0), lambda a, h: (h > 0).astype(h.dtype)),
}


class Layer:
    """W (outputs, inputs) and b (outputs,), with Wᵀ beside W: BLAS takes longer for what does not lie in order."""

    def __init__(self, weight: Tensor, bias: Tensor) -> None:
        self.weight, self.bias = copied(weight), copied(bias)
        self.transposed = np.ascontiguousarray(self.weight.T)


def copied(parameter: Tensor) -> ndarray:
    """A copy in float64."""
    return parameter.detach().cpu().double().numpy().copy()


class Perceptron:
    """y = w φ(… φ(W₁ x + b₁) …) in the terms of `hnn.nn`, of the parameters W₁, b₁, W₂, b₂, …, w as they are now."""

    def __init__(self, activation: str, parameters: Sequence[Tensor]) -> None:
        self.phi = ACTIVATIONS[activation]
        *hiddens, w = parameters
        self.hiddens = [Layer(weight, bias) for weight, bias in zip(hiddens[::2], hiddens[1::2], strict=True)]
        self.w = copied(w)

    def value(self, x: ndarray) -> ndarray:
        """y, (points, outputs), of x (points, inputs)."""
        for layer in self.hiddens:
            x = self.phi.value(x @ layer.transposed + layer.bias)
        return x @ self.w.T

    def gradient(self, x: ndarray) -> ndarray:
        """∇y of the one output, (points, inputs), of x (points, inputs): the forward pass of `nn.Gradient`."""
        h, slopes = x, []
        for layer in self.hiddens:
            a = h @ layer.transposed + layer.bias
            h = self.phi.value(a)
            slopes.append(self.phi.slope(a, h))
        v = self.w
        for layer, s in zip(reversed(self.hiddens), reversed(slopes), strict=True):
            v = (v * s) @ layer.weight
        return v


@dataclass(frozen=True)
class FrozenField:
    """A field that is computed in NumPy: dx/dt (points, 2n) by a function of x (points, 2n)."""

    function: Callable[[ndarray], ndarray]

    def time_derivative(self, x: Tensor) -> Tensor:
        """dx/dt, shape (*batch, 2n), at states of shape (*batch, 2n) in float64 on a CPU."""
        return torch.from_numpy(self.function(x.reshape(-1, x.shape[-1]).numpy())).view(x.shape)
