"""The multilayer perceptron inside every model, and its gradient with respect to the input."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple, cast

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable
from torch.nn.functional import linear, silu, softplus

from hnn.networks.mlp_in_place import CURVATURES, InPlaceMLP
from hnn.networks.mlp_numpy import NumpyMLP

__all__ = ["MLP", "TORCH_ACTIVATIONS", "TorchActivation", "initialise"]


def tanh(a: Tensor) -> Tensor:
    """tanh a = 2σ(2a) - 1: faster than torch.tanh on a CPU, and equal to it to the rounding error of the number 1."""
    if torch.is_grad_enabled():
        return Tanh.apply(a)  # type: ignore[no-untyped-call]
    return (a + a).sigmoid_().mul_(2).sub_(1)


class Tanh(torch.autograd.Function):
    """`tanh` where gradients are recorded; only the output h is saved, since φ' = 1 - h²."""

    generate_vmap_rule = True

    @staticmethod
    def forward(a: Tensor) -> Tensor:
        """h = tanh a, shaped like a."""
        return tanh(a)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor], output: Tensor) -> None:
        """Save h for the backward pass."""
        ctx.save_for_backward(output)

    @staticmethod
    def backward(ctx: Any, *h_gradients: Tensor) -> Tensor:
        """The derivative of the loss with respect to a."""
        (h,) = ctx.saved_tensors
        return h_gradients[0] * (1 - h * h)


@dataclass(frozen=True)
class TorchActivation:
    """An activation φ with φ' and φ'' as functions of the one tensor z that is saved: h = φ(a), or the argument a itself."""

    value: Callable[[Tensor], Tensor]
    """a -> h = φ(a)."""
    derivative: Callable[[Tensor], Tensor]
    """z -> s = φ'(a)."""
    second_derivative_product: Callable[[Tensor, Tensor, Tensor, Tensor], Tensor]
    """(z, s, v, u = v s) -> v φ''(a)."""
    saves_output: bool = True
    """True if z is h, False if it is a."""


def one_minus_square(h: Tensor) -> Tensor:
    """1 - h² in a single kernel."""
    return torch.addcmul(h.new_ones(1), h, h, value=-1)


def silu_second_derivative_product(a: Tensor, v: Tensor) -> Tensor:
    """v φ''(a) of φ(a) = a σ(a)."""
    sigma = a.sigmoid()
    return sigma * (1 - sigma) * (2 + a - 2 * a * sigma) * v


TORCH_ACTIVATIONS: dict[str, TorchActivation] = {
    "tanh": TorchActivation(tanh, one_minus_square, lambda h, s, v, u: (h * u).mul_(-2)),
    "softplus": TorchActivation(softplus, lambda h: -torch.expm1(-h), lambda h, s, v, u: u - s * u),
    "silu": TorchActivation(
        silu,
        lambda a: a.sigmoid() * (1 + a - silu(a)),  # with σ = sigmoid(a): σ + aσ(1 - σ)
        lambda a, s, v, u: silu_second_derivative_product(a, v),
        saves_output=False,
    ),
    "relu": TorchActivation(torch.relu, lambda h: (h > 0).to(h), lambda h, s, v, u: torch.zeros_like(h)),
}
"""Activations by their name in params.yaml; `NUMPY_ACTIVATIONS` has the same."""


class MLP(nn.Module):
    """y = W_L φ(… φ(W_1 x + b_1) …), `layers` hidden layers of width `hidden`; (*batch, inputs) to (*batch, outputs).

    As published: weights orthogonal, biases uniform in ± 1/√fan-in, none on the last layer (Greydanus et al. 2019,
    section 3 and its program). All draws come from `generator`.

    >>> network = MLP(2, 1, hidden=8, layers=2, activation="tanh", generator=torch.Generator().manual_seed(0))
    >>> network(torch.zeros(5, 3, 2)).shape
    torch.Size([5, 3, 1])
    """

    def __init__(
        self, inputs: int, outputs: int, *, hidden: int, layers: int, activation: str, generator: torch.Generator
    ) -> None:
        super().__init__()
        self.activation = activation
        hiddens = [nn.Linear(width, hidden) for width in [inputs] + [hidden] * (layers - 1)]
        linears = [*hiddens, nn.Linear(hidden, outputs, bias=False)]
        for layer in linears:
            initialise(layer, generator)
        self.layers = nn.ModuleList(linears)

    def forward(self, x: Tensor) -> Tensor:
        """y, shape (*batch, outputs)."""
        *hiddens, last = self.layers
        for layer in hiddens:
            x = TORCH_ACTIVATIONS[self.activation].value(layer(x))
        return last(x)

    @property
    def output_weights(self) -> nn.Parameter:
        """The weights of the last layer, (outputs, hidden)."""
        weights: nn.Parameter = self.layers[-1].weight  # type: ignore[assignment]
        return weights

    def features(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """The values h of the last hidden layer and their slopes ∂h/∂x: (*batch, hidden) and (*batch, inputs, hidden).

        >>> network = MLP(2, 1, hidden=8, layers=2, activation="tanh", generator=torch.Generator().manual_seed(0)).double()
        >>> x = torch.tensor([[0.5, -1.0]], dtype=torch.float64)
        >>> h, slopes = network.features(x)
        >>> torch.allclose(slopes @ network.output_weights[0], network.gradient(x))
        True
        """
        h, slopes, _ = self.sweep(x)
        return h, slopes

    def curvature(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """The slopes ∂h/∂x of `features`, and ∂²y/∂x² of a network with one output, (*batch, inputs, inputs).

        With v = ∂y/∂h of each layer, ∂²y/∂x² is the sum over the layers of (∂a/∂x)ᵀ diag(v φ''(a)) ∂a/∂x.

        >>> network = MLP(2, 1, hidden=8, layers=2, activation="tanh", generator=torch.Generator().manual_seed(0)).double()
        >>> x = torch.tensor([0.5, -1.0], dtype=torch.float64)
        >>> torch.allclose(network.curvature(x)[1], torch.autograd.functional.hessian(lambda x: network(x)[0], x))
        True
        """
        phi, (_, slopes, layers) = TORCH_ACTIVATIONS[self.activation], self.sweep(x)
        v, hessian = self.output_weights[0], x.new_zeros(*x.shape, x.shape[-1])
        for weight, z, s, by_x in reversed(layers):
            u = v * s
            hessian += (by_x * phi.second_derivative_product(z, s, v, u)[..., None, :]) @ by_x.mT
            v = u @ weight
        return slopes, hessian

    def sweep(self, x: Tensor) -> tuple[Tensor, Tensor, list["LayerSlopes"]]:
        """h and ∂h/∂x of the last hidden layer, as `features`, and the intermediate results of each hidden layer."""
        phi, layers = TORCH_ACTIVATIONS[self.activation], []
        slopes = torch.eye(x.shape[-1], dtype=x.dtype, device=x.device)
        *hiddens, _ = self.layers
        for layer in hiddens:
            a, weight = layer(x), cast(Tensor, layer.weight)
            x, by_x = phi.value(a), slopes @ weight.mT
            z = x if phi.saves_output else a
            s = phi.derivative(z)
            layers.append(LayerSlopes(weight, z, s, by_x))
            slopes = by_x * s[..., None, :]
        return x, slopes, layers

    def gradient(self, x: Tensor) -> Tensor:
        """∇y of a network with one output, shape (*batch, inputs): see `Gradient`.

        >>> network = MLP(2, 1, hidden=8, layers=2, activation="tanh", generator=torch.Generator().manual_seed(0)).double()
        >>> x = torch.tensor([[0.5, -1.0]], dtype=torch.float64, requires_grad=True)
        >>> (automatic,) = torch.autograd.grad(network(x).sum(), x)
        >>> torch.allclose(network.gradient(x), automatic)
        True
        """
        *hiddens, last = self.layers
        weights: list[Any] = [layer.weight for layer in hiddens]
        biases: list[Any] = [layer.bias for layer in hiddens]
        phi, points = TORCH_ACTIVATIONS[self.activation], x.reshape(-1, x.shape[-1])
        compute = Gradient.apply if torch.is_grad_enabled() else Gradient.forward  # `apply` costs time for small batches
        gradient, *_ = compute(phi, points, *weights, last.weight, *biases)  # type: ignore[arg-type]
        return gradient.view_as(x)

    def frozen(self) -> NumpyMLP:
        """A NumPy copy with the present weights."""
        return NumpyMLP(self.activation, list(self.parameters()))

    def in_place(self) -> InPlaceMLP | None:
        """The same network on the same parameters for training on a CPU; None for activations that it does not have."""
        return InPlaceMLP(self.activation, list(self.parameters())) if self.activation in CURVATURES else None


class LayerSlopes(NamedTuple):
    """Intermediate results of one hidden layer in `MLP.sweep`."""

    weight: Tensor
    """(hidden, inputs of the layer)."""
    z: Tensor
    """h = φ(a), or a: see `TorchActivation`; (*batch, hidden)."""
    s: Tensor
    """φ'(a), (*batch, hidden)."""
    by_x: Tensor
    """∂a/∂x, (*batch, inputs, hidden); of the first layer (inputs, hidden)."""


class LayerState(NamedTuple):
    """Intermediate results of one hidden layer in `Gradient`, each (points, hidden)."""

    z: Tensor
    """h = φ(a), or a: see `TorchActivation`."""
    u: Tensor
    """v s."""
    v: Tensor
    """∂y/∂h."""


class Gradient(torch.autograd.Function):
    """∇y of a scalar network by an explicit backward sweep, with an explicit derivative instead of double backpropagation.

    Forward, for the hidden layers l = 1 … L, with h₀ = x: aₗ = Wₗ hₗ₋₁ + bₗ, hₗ = φ(aₗ), sₗ = φ'(aₗ); then back, from v_L = w,
    the weights of the output: uₗ = vₗ sₗ, vₗ₋₁ = Wₗᵀ uₗ, and ∇y = v₀.

    The derivative of a loss with respect to v₀, called V₀, passes both sweeps in reverse: Uₗ = Wₗ Vₗ₋₁, Vₗ = Uₗ sₗ; then, from
    H_L = 0: Aₗ = Uₗ vₗ φ''(aₗ) + Hₗ sₗ, Hₗ₋₁ = Wₗᵀ Aₗ. The derivative with respect to Wₗ is uₗ Vₗ₋₁ᵀ + Aₗ hₗ₋₁ᵀ, to bₗ Aₗ, to
    w V_L and to x H₀. Each inner layer takes six products of (points, hidden) with (hidden, hidden), the smallest possible
    number. The operations between them are bound by memory traffic, so few tensors are saved and many are overwritten.
    """

    generate_vmap_rule = True

    @staticmethod
    def forward(phi: TorchActivation, x: Tensor, *parameters: Tensor) -> tuple[Tensor, ...]:
        """v₀ at x (points, inputs), followed by the `LayerState` of each layer, flat, which the derivative needs.

        `parameters` are the weights of the hidden layers, then w, then the biases of the hidden layers.
        """
        depth = len(parameters) // 2
        weights, w, biases = parameters[:depth], parameters[depth], parameters[depth + 1 :]
        saved: list[Tensor] = []  # z of each layer
        h = x
        for weight, bias in zip(weights, biases, strict=True):
            a = linear(h, weight, bias)
            h = phi.value(a)
            saved.append(h if phi.saves_output else a)
        states: list[LayerState] = []
        v = w.expand(len(x), -1)  # a view, since autograd refuses an input as an output
        for weight, z in zip(reversed(weights), reversed(saved), strict=True):
            u = phi.derivative(z).mul_(v)
            states.insert(0, LayerState(z, u, v))
            v = times(u, weight)
        return v, *(tensor for state in states for tensor in state)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: tuple[Tensor, ...]) -> None:
        """Save the intermediate results, which are not differentiable outputs."""
        ctx.phi, x, *parameters = inputs
        ctx.mark_non_differentiable(*output[1:])
        ctx.save_for_backward(x, *parameters, *output[1:])

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, V: Tensor, *_: Tensor) -> tuple[Tensor | None, ...]:
        """The derivatives of the loss with respect to x and every parameter."""
        phi: TorchActivation = ctx.phi
        x, *tensors = ctx.saved_tensors
        depth = len(tensors) // 5  # weight, bias, z, u and v of each layer, and w
        weights = tensors[:depth]
        states = [LayerState(*tensors[i : i + 3]) for i in range(2 * depth + 1, len(tensors), 3)]
        derivatives: list[Tensor] = []  # sₗ
        second_order: list[Tensor] = []  # Uₗ vₗ φ''(aₗ)
        weight_gradients: list[Tensor] = []
        bias_gradients: list[Tensor] = []
        for weight, (z, u, v) in zip(weights, states, strict=True):
            U, s = linear(V, weight), phi.derivative(z)
            weight_gradients.append(outer(u, V))
            V = U * s
            second_order.append(U.mul_(phi.second_derivative_product(z, s, v, u)))  # U may have a further axis under vmap
            derivatives.append(s)
        H: Tensor | None = None
        for i in reversed(range(depth)):
            A = second_order[i] if H is None else H.mul_(derivatives[i]).add_(second_order[i])
            h_below = x if i == 0 else states[i - 1].z if phi.saves_output else phi.value(states[i - 1].z)
            weight_gradients[i] += outer(A, h_below)
            bias_gradients.insert(0, A.sum(0))
            H = times(A, weights[i]) if i or ctx.needs_input_grad[1] else None
        return None, H, *weight_gradients, V.sum(0, keepdim=True), *bias_gradients


def times(u: Tensor, weight: Tensor) -> Tensor:
    """u W, (points, outputs) by (outputs, inputs); BLAS is slow if the right factor is narrow and not transposed."""
    outputs, inputs = weight.shape
    return linear(u, weight.mT.contiguous()) if inputs < outputs else u @ weight


def outer(a: Tensor, b: Tensor) -> Tensor:
    """Σ a bᵀ over the points, (k, m), of (points, k) and (points, m); for the speed of BLAS the narrow factor comes first."""
    return (b.mT @ a).mT if b.shape[-1] < a.shape[-1] else a.mT @ b


def initialise(linear: nn.Linear, generator: torch.Generator) -> None:
    """Orthogonal weight, bias uniform in ± 1/√fan-in."""
    nn.init.orthogonal_(linear.weight, generator=generator)
    if isinstance(linear.bias, Tensor):
        bound = linear.in_features**-0.5
        nn.init.uniform_(linear.bias, -bound, bound, generator=generator)
