"""The multilayer perceptron that is trained in place."""

import numpy as np
import pytest
import torch

from hnn.networks.mlp import MLP, TORCH_ACTIVATIONS
from hnn.networks.mlp_in_place import CURVATURES

TOLERANCE = {torch.float64: {"rtol": 1e-9, "atol": 1e-12}, torch.float32: {"rtol": 1e-3, "atol": 1e-5}}


def sizes(seed):
    """Random sizes of a network and of a batch."""
    rng = np.random.default_rng(seed)
    inputs, outputs, hidden, layers = (int(rng.integers(1, most)) for most in (9, 9, 40, 5))
    return {"inputs": inputs, "hidden": hidden, "layers": layers}, outputs, int(rng.integers(1, 60))


def mlp(activation, outputs, dtype, *, seed=0, **sizes):
    return MLP(outputs=outputs, activation=activation, generator=torch.Generator().manual_seed(seed), **sizes).to(dtype)


def gradients(network):
    return [parameter.grad.clone() for parameter in network.parameters()]


def automatic_gradients(network, result, by_result):
    parameters = list(network.parameters())
    return torch.autograd.grad((result * by_result).sum(), parameters, allow_unused=True, materialize_grads=True)


@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("activation", CURVATURES)
@pytest.mark.parametrize("seed", range(10))
def test_in_place_values_gradients_and_their_derivatives_are_those_of_automatic_differentiation(seed, activation, dtype):
    size, outputs, points = sizes(seed)
    for kind, width in (("value", outputs), ("gradient", 1)):
        network = mlp(activation, width, dtype, **size)
        in_place = network.in_place()
        for count in (points, points + 3, points):  # buffers are made anew for another number of points
            x = torch.randn(count, size["inputs"], dtype=dtype, requires_grad=True)
            y = network(x)
            expected = y if kind == "value" else torch.autograd.grad(y.sum(), x, create_graph=True)[0]
            result = torch.from_numpy(getattr(in_place, kind)(x.detach().numpy()))
            torch.testing.assert_close(result, expected.detach(), **TOLERANCE[dtype])
            by_result = torch.randn(result.shape, dtype=dtype)
            getattr(in_place, f"differentiate_{kind}")(by_result.numpy())
            automatic = automatic_gradients(network, expected, by_result)
            torch.testing.assert_close(gradients(network), list(automatic), **TOLERANCE[dtype])


@pytest.mark.parametrize("activation", CURVATURES)
def test_in_place_derivatives_have_the_same_bytes_in_every_call_and_in_other_buffers(activation):
    x, V = np.random.default_rng(0).normal(size=(2, 70, 4)).astype(np.float32)
    found = []
    for _ in range(2):
        network = mlp(activation, 1, torch.float32, inputs=4, hidden=50, layers=2)
        in_place = network.in_place()
        for _ in range(2):
            in_place.gradient(x)
            in_place.differentiate_gradient(V)
            found.append(torch.cat([gradient.flatten() for gradient in gradients(network)]))
        in_place.gradient(x[:30])
        in_place.differentiate_gradient(V[:30])
    assert all(torch.equal(one, found[0]) for one in found)


def test_in_place_network_uses_the_present_weights():
    network, x = mlp("tanh", 1, torch.float64, inputs=2, hidden=8, layers=2), torch.randn(5, 2, dtype=torch.float64)
    in_place = network.in_place()
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.mul_(1.5)
    torch.testing.assert_close(torch.from_numpy(in_place.gradient(x.numpy())), network.gradient(x).detach())


def test_in_place_network_does_not_exist_where_the_second_derivative_has_no_finite_ratio_to_the_first():
    assert set(TORCH_ACTIVATIONS) - set(CURVATURES) == {"silu"}
    assert mlp("silu", 1, torch.float64, inputs=2, hidden=8, layers=2).in_place() is None
