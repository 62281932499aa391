"""The multilayer perceptron with fixed weights in NumPy, for rollouts: they evaluate a few states at a time, very often.

For such small batches NumPy has a fraction of PyTorch's overhead per call, and its BLAS multiplies small matrices faster.
Hidden layers are computed in place in buffers that are kept from call to call, for a few hundred points at a time: these stay
in the cache, and a call allocates little more than its result, however many points it has.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy import ndarray
from torch import Tensor

__all__ = ["NUMPY_ACTIVATIONS", "NumpyActivation", "NumpyField", "NumpyLayer", "NumpyMLP"]

POINTS = 200
"""Largest number of points that are computed at once: a buffer of a layer of width 200 has 320 KB."""


@dataclass(frozen=True)
class NumpyActivation:
    """An activation φ and its derivative, both in place."""

    value: Callable[[ndarray], None]
    """Replace a by h = φ(a)."""
    value_and_derivative: Callable[[ndarray, ndarray], None]
    """(a, s): replace a by h = φ(a), and write φ'(a) to s."""


def sigmoid(a: ndarray) -> None:
    """Replace a by 1 / (1 + e⁻ᵃ), by PyTorch on the same memory: without AVX-512 its exponential is faster than NumPy's."""
    torch.from_numpy(a).sigmoid_()


def tanh(a: ndarray) -> None:
    """Replace a by tanh a = 2σ(2a) - 1."""
    np.add(a, a, out=a)
    sigmoid(a)
    np.add(a, a, out=a)
    np.subtract(a, 1, out=a)


def tanh_and_derivative(a: ndarray, s: ndarray) -> None:
    """tanh a, and 1 - h²."""
    tanh(a)
    np.multiply(a, a, out=s)
    np.subtract(1, s, out=s)


def softplus(a: ndarray) -> None:
    """Replace a by log(1 + eᵃ), by PyTorch, as `sigmoid`."""
    a[:] = torch.nn.functional.softplus(torch.from_numpy(a)).numpy()


def softplus_and_derivative(a: ndarray, s: ndarray) -> None:
    """log(1 + eᵃ), and σ(a)."""
    s[:] = a
    sigmoid(s)
    softplus(a)


def silu(a: ndarray) -> None:
    """Replace a by a σ(a)."""
    silu_and_derivative(a, np.empty_like(a))


def silu_and_derivative(a: ndarray, s: ndarray) -> None:
    """h = a σ(a), and σ(a) (1 + a - h)."""
    s[:] = a
    sigmoid(s)
    h = a * s
    s *= 1 + a - h
    a[:] = h


def relu(a: ndarray) -> None:
    """Replace a by max(a, 0)."""
    np.maximum(a, 0, out=a)


def relu_and_derivative(a: ndarray, s: ndarray) -> None:
    """max(a, 0), and 1 where a is positive."""
    np.greater(a, 0, out=s)
    relu(a)


NUMPY_ACTIVATIONS = {
    "tanh": NumpyActivation(tanh, tanh_and_derivative),
    "softplus": NumpyActivation(softplus, softplus_and_derivative),
    "silu": NumpyActivation(silu, silu_and_derivative),
    "relu": NumpyActivation(relu, relu_and_derivative),
}
"""Activations by their name in params.yaml; `hnn.networks.mlp.TORCH_ACTIVATIONS` has the same."""


class NumpyLayer:
    """W (outputs, inputs), b (outputs,) and a contiguous copy of Wᵀ, since BLAS is slower on a transposed view; buffers."""

    def __init__(self, weight: Tensor, bias: Tensor) -> None:
        self.weight, self.bias = float64_copy(weight), float64_copy(bias)
        self.transposed = np.ascontiguousarray(self.weight.T)
        outputs, inputs = self.weight.shape
        self.h, self.s = (np.empty((POINTS, outputs)) for _ in range(2))
        self.v = np.empty((POINTS, inputs))

    def argument(self, x: ndarray) -> ndarray:
        """a = W x + b in the buffer of h, (points, outputs), of x (points, inputs), at most `POINTS`."""
        a = np.matmul(x, self.transposed, out=self.h[: len(x)])
        a += self.bias
        return a


def float64_copy(parameter: Tensor) -> ndarray:
    """A NumPy copy of a parameter in float64."""
    return parameter.detach().cpu().double().numpy().copy()


class NumpyMLP:
    """y = w φ(… φ(W₁ x + b₁) …) as in `hnn.networks.mlp.MLP`, from copies of its parameters W₁, b₁, W₂, b₂, …, w.

    Its buffers serve one call at a time: threads need a copy each.
    """

    def __init__(self, activation: str, parameters: Sequence[Tensor]) -> None:
        self.phi = NUMPY_ACTIVATIONS[activation]
        *hiddens, w = parameters
        self.hiddens = [NumpyLayer(weight, bias) for weight, bias in zip(hiddens[::2], hiddens[1::2], strict=True)]
        self.w = float64_copy(w)

    def value(self, x: ndarray) -> ndarray:
        """y, (points, outputs), of x (points, inputs)."""
        y = np.empty((len(x), len(self.w)))
        for i in range(0, len(x), POINTS):
            h = x[i : i + POINTS]
            for layer in self.hiddens:
                h = layer.argument(h)
                self.phi.value(h)
            np.matmul(h, self.w.T, out=y[i : i + POINTS])
        return y

    def gradient(self, x: ndarray) -> ndarray:
        """∇y of a network with one output, (points, inputs), at x (points, inputs): as `hnn.networks.mlp.Gradient.forward`."""
        gradient = np.empty(x.shape)
        for i in range(0, len(x), POINTS):
            h = x[i : i + POINTS]
            count = len(h)
            for layer in self.hiddens:
                h = layer.argument(h)
                self.phi.value_and_derivative(h, layer.s[:count])
            v = self.w
            for layer in reversed(self.hiddens):
                u = np.multiply(v, layer.s[:count], out=layer.s[:count])
                v = np.matmul(u, layer.weight, out=layer.v[:count])
            gradient[i : i + POINTS] = v
        return gradient


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
