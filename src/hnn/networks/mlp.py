"""The multilayer perceptron that every model is made of, and its gradient with respect to the input."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable
from torch.nn.functional import linear, silu, softplus

from hnn.networks.mlp_numpy import Perceptron

__all__ = ["ACTIVATIONS", "MLP", "Activation", "initialise"]


def tanh(a: Tensor) -> Tensor:
    """tanh a = 2σ(2a) - 1: quicker than torch.tanh on a CPU, and the same to within rounding of the number one."""
    if torch.is_grad_enabled():
        return Tanh.apply(a)  # type: ignore[no-untyped-call]
    return (a + a).sigmoid_().mul_(2).sub_(1)


class Tanh(torch.autograd.Function):
    """`tanh` where gradients are recorded: what follows from h alone is all that is kept."""

    generate_vmap_rule = True

    @staticmethod
    def forward(a: Tensor) -> Tensor:
        """h, like a."""
        return tanh(a)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor], output: Tensor) -> None:
        """Keep h."""
        ctx.save_for_backward(output)

    @staticmethod
    def backward(ctx: Any, *by_h: Tensor) -> Tensor:
        """The derivative by a."""
        (h,) = ctx.saved_tensors
        return by_h[0] * (1 - h * h)


@dataclass(frozen=True)
class Activation:
    """φ and its first two derivatives, the latter as functions of the one tensor z that is kept: h = φ(a), or a itself."""

    value: Callable[[Tensor], Tensor]
    """h, of a."""
    slope: Callable[[Tensor], Tensor]
    """s = φ'(a), of z."""
    bend: Callable[[Tensor, Tensor, Tensor, Tensor], Tensor]
    """v φ''(a), of z, s, v and u = v s."""
    of_value: bool = True
    """Whether z is h."""


def one_minus_square(h: Tensor) -> Tensor:
    """1 - h², in one pass."""
    return torch.addcmul(h.new_ones(1), h, h, value=-1)


def silu_bend(a: Tensor, v: Tensor) -> Tensor:
    """v φ''(a) of φ(a) = a σ(a)."""
    sigma = a.sigmoid()
    return sigma * (1 - sigma) * (2 + a - 2 * a * sigma) * v


ACTIVATIONS: dict[str, Activation] = {
    "tanh": Activation(tanh, one_minus_square, lambda h, s, v, u: (h * u).mul_(-2)),
    "softplus": Activation(softplus, lambda h: -torch.expm1(-h), lambda h, s, v, u: u - s * u),
    "silu": Activation(
        silu,
        lambda a: a.sigmoid() * (1 + a - silu(a)),  # with σ = sigmoid(a): σ + aσ(1 - σ)
        lambda a, s, v, u: silu_bend(a, v),
        of_value=False,
    ),
    "relu": Activation(torch.relu, lambda h: (h > 0).to(h), lambda h, s, v, u: torch.zeros_like(h)),
}


class MLP(nn.Module):
    """y = W_L φ(… φ(W_1 x + b_1) …), `layers` hidden layers of width `hidden`; (*batch, inputs) to (*batch, outputs).

    As published: weights orthogonal, biases uniform in ± 1/√fan-in, none on the last layer (Greydanus et al. 2019,
    section 3 and its program). All draws come from `generator`.
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
            x = ACTIVATIONS[self.activation].value(layer(x))
        return last(x)

    def gradient(self, x: Tensor) -> Tensor:
        """∇y of a network with one output, shape (*batch, inputs): see `Gradient`."""
        *hiddens, last = self.layers
        weights: list[Any] = [layer.weight for layer in hiddens]
        biases: list[Any] = [layer.bias for layer in hiddens]
        phi, points = ACTIVATIONS[self.activation], x.reshape(-1, x.shape[-1])
        run = Gradient.apply if torch.is_grad_enabled() else Gradient.forward  # the former takes its time to look around
        found = run(phi, points, *weights, last.weight, *biases)  # type: ignore[arg-type]
        return found[0].view_as(x)

    def frozen(self) -> Perceptron:
        """A copy in NumPy, with the weights as they are now."""
        return Perceptron(self.activation, list(self.parameters()))


class Gradient(torch.autograd.Function):
    """∇y of a scalar network as a second pass through it, with its own derivative, instead of differentiating twice.

    Forward, for the hidden layers l = 1 … L, with h₀ = x: aₗ = Wₗ hₗ₋₁ + bₗ, hₗ = φ(aₗ), sₗ = φ'(aₗ); then back, from v_L = w,
    the weights of the output: uₗ = vₗ sₗ, vₗ₋₁ = Wₗᵀ uₗ, and ∇y = v₀.

    The derivative of a loss with respect to v₀, called V₀, passes both sweeps in reverse: Uₗ = Wₗ Vₗ₋₁, Vₗ = Uₗ sₗ; then, from
    H_L = 0: Aₗ = Uₗ vₗ φ''(aₗ) + Hₗ sₗ, Hₗ₋₁ = Wₗᵀ Aₗ. Weights get uₗ Vₗ₋₁ᵀ + Aₗ hₗ₋₁ᵀ, biases Aₗ, w gets V_L, x gets H₀. For
    each inner layer that is six products of (points, hidden) with (hidden, hidden), the fewest there can be. What lies between
    them is memory traffic, so little is kept and much is overwritten.
    """

    generate_vmap_rule = True

    @staticmethod
    def forward(phi: Activation, x: Tensor, *parameters: Tensor) -> tuple[Tensor, ...]:
        """(v₀, then z, u and v of each layer, which the derivative needs), of x (points, inputs)."""
        depth = len(parameters) // 2
        weights, w, biases = parameters[:depth], parameters[depth], parameters[depth + 1 :]
        kept, h = [], x
        for weight, bias in zip(weights, biases, strict=True):
            a = linear(h, weight, bias)
            h = phi.value(a)
            kept.append([h if phi.of_value else a])
        v = w.expand(len(x), -1)  # a view, since an input itself cannot be kept
        for weight, layer in zip(reversed(weights), reversed(kept), strict=True):
            u = phi.slope(layer[0]).mul_(v)
            layer += [u, v]
            v = times(u, weight)
        return v, *(tensor for layer in kept for tensor in layer)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: tuple[Tensor, ...]) -> None:
        """Keep the intermediate results, which nobody else may differentiate."""
        ctx.phi, x, *parameters = inputs
        ctx.mark_non_differentiable(*output[1:])
        ctx.save_for_backward(x, *parameters, *output[1:])

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, V: Tensor, *_: Tensor) -> tuple[Tensor | None, ...]:
        """The derivatives by x and by every parameter."""
        phi: Activation = ctx.phi
        x, *tensors = ctx.saved_tensors
        depth = len(tensors) // 5  # weight, bias, z, u and v of each layer, and w
        weights, kept = tensors[:depth], [tensors[i : i + 3] for i in range(2 * depth + 1, len(tensors), 3)]
        slopes: list[Tensor] = []
        terms: list[Tensor] = []
        by_weight: list[Tensor] = []
        by_bias: list[Tensor] = []
        for weight, (z, u, v) in zip(weights, kept, strict=True):
            U, s = linear(V, weight), phi.slope(z)
            by_weight.append(outer(u, V))
            V = U * s
            terms.append(phi.bend(z, s, v, u).mul_(U))
            slopes.append(s)
        H: Tensor | None = None
        for i in reversed(range(depth)):
            A = terms[i] if H is None else H.mul_(slopes[i]).add_(terms[i])
            below = x if i == 0 else kept[i - 1][0] if phi.of_value else phi.value(kept[i - 1][0])
            by_weight[i] += outer(A, below)
            by_bias.insert(0, A.sum(0))
            H = times(A, weights[i]) if i or ctx.needs_input_grad[1] else None
        return None, H, *by_weight, V.sum(0, keepdim=True), *by_bias


def times(u: Tensor, weight: Tensor) -> Tensor:
    """u W, (points, outputs) by (outputs, inputs); BLAS takes its time with a narrow right side that is not transposed."""
    outputs, inputs = weight.shape
    return linear(u, weight.mT.contiguous()) if inputs < outputs else u @ weight


def outer(a: Tensor, b: Tensor) -> Tensor:
    """Σ a bᵀ over the points, (k, m) of (points, k) and (points, m), for the same reason with the narrow factor first."""
    return (b.mT @ a).mT if b.shape[-1] < a.shape[-1] else a.mT @ b


def initialise(linear: nn.Linear, generator: torch.Generator) -> None:
    """Orthogonal weight, bias uniform in ± 1/√fan-in."""
    nn.init.orthogonal_(linear.weight, generator=generator)
    if isinstance(linear.bias, Tensor):
        bound = linear.in_features**-0.5
        nn.init.uniform_(linear.bias, -bound, bound, generator=generator)
