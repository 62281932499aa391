"""The multilayer perceptron in PyTorch and NumPy, its gradient and its initialisation."""

import tracemalloc

import numpy as np
import pytest
import torch

from hnn.networks.mlp import MLP, TORCH_ACTIVATIONS
from hnn.networks.mlp_numpy import NUMPY_ACTIVATIONS, POINTS


def mlp(seed=0, inputs=3, outputs=2, hidden=8, layers=2, activation="tanh"):
    generator = torch.Generator().manual_seed(seed)
    return MLP(inputs, outputs, hidden=hidden, layers=layers, activation=activation, generator=generator)


def linear_layers(**options):
    return list(mlp(**options).layers)


@pytest.mark.parametrize("name", TORCH_ACTIVATIONS)
def test_mlp_alternates_affine_maps_and_activations(name):
    functions = {
        "tanh": torch.tanh,
        "softplus": lambda x: (1 + x.exp()).log(),
        "silu": lambda x: x * torch.sigmoid(x),
        "relu": lambda x: x.clamp(min=0),
    }
    (W1, b1), (W2, b2), (W3,) = (tuple(layer.parameters()) for layer in linear_layers(activation=name))
    x, phi = torch.randn(5, 3), functions[name]
    torch.testing.assert_close(mlp(activation=name)(x), phi(phi(x @ W1.T + b1) @ W2.T + b2) @ W3.T)


@pytest.mark.parametrize("layers", [1, 2, 4])
def test_mlp_has_the_hidden_layers_asked_for_and_an_output_without_bias(layers):
    linear = linear_layers(layers=layers)
    assert [(w.in_features, w.out_features) for w in linear] == [(3, 8)] + [(8, 8)] * (layers - 1) + [(8, 2)]
    assert [w.bias is not None for w in linear] == [True] * layers + [False]


def test_initialise_draws_orthogonal_weights_and_biases_uniform_within_their_bound():
    for linear in linear_layers(hidden=64):
        W = linear.weight if linear.out_features <= linear.in_features else linear.weight.T
        torch.testing.assert_close(W @ W.T, torch.eye(len(W)))
        if linear.bias is not None:
            bound = linear.in_features**-0.5
            assert 0.9 * bound < linear.bias.abs().max() <= bound
            assert linear.bias.min() < 0 < linear.bias.max()


def test_mlp_weights_depend_on_the_generator_alone():
    weights = []
    for seed in (0, 1):
        torch.manual_seed(seed)
        weights.append(torch.cat([w.flatten() for w in mlp().parameters()]))
    assert torch.equal(*weights)
    assert not torch.equal(weights[0], torch.cat([w.flatten() for w in mlp(seed=1).parameters()]))


def scalar_mlp(layers=2, activation="tanh"):
    return mlp(outputs=1, layers=layers, activation=activation)


@pytest.mark.parametrize("name", TORCH_ACTIVATIONS)
@pytest.mark.parametrize("layers", [1, 2, 3])
def test_mlp_gradient_and_its_derivative_are_those_of_automatic_differentiation(name, layers):
    network, x = scalar_mlp(layers, name), torch.randn(2, 5, 3, requires_grad=True)
    (automatic,) = torch.autograd.grad(network(x).sum(), x, create_graph=True)
    torch.testing.assert_close(network.gradient(x), automatic, rtol=1e-13, atol=1e-14)
    inputs, cotangent = [x, *network.parameters()], torch.randn(2, 5, 3)
    expected = torch.autograd.grad((automatic * cotangent).sum(), inputs, allow_unused=True, materialize_grads=True)
    computed = torch.autograd.grad((network.gradient(x) * cotangent).sum(), inputs)
    for ours, theirs in zip(computed, expected, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-12, atol=1e-13)


def test_mlp_gradient_refuses_a_third_derivative():
    network, x = scalar_mlp(), torch.randn(5, 3, requires_grad=True)
    (once,) = torch.autograd.grad(network.gradient(x).square().sum(), x, create_graph=True)
    with pytest.raises(RuntimeError, match="once_differentiable"):
        once.sum().backward()


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_tanh_equals_torch_tanh_to_rounding(dtype):
    a = torch.linspace(-30, 30, 100_001, dtype=dtype)
    h = TORCH_ACTIVATIONS["tanh"].value(a)
    assert (h - a.tanh()).abs().max() <= 2 * torch.finfo(dtype).eps
    assert torch.autograd.gradcheck(TORCH_ACTIVATIONS["tanh"].value, torch.randn(9, requires_grad=True))
    assert torch.autograd.gradgradcheck(TORCH_ACTIVATIONS["tanh"].value, torch.randn(9, requires_grad=True))


def test_mlp_gradient_of_stacked_networks_is_that_of_each():
    networks = [mlp(seed, outputs=1) for seed in range(3)]
    weights, _ = torch.func.stack_module_state(networks)
    x = torch.randn(3, 5, 3)

    class Loss(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.network = networks[0]

        def forward(self, x):
            return self.network.gradient(x).square().sum()

    def loss_of_one(w, x):
        return torch.func.functional_call(Loss(), {f"network.{name}": value for name, value in w.items()}, (x,))

    torch.func.vmap(loss_of_one)(weights, x).sum().backward()
    for i, network in enumerate(networks):
        network.gradient(x[i]).square().sum().backward()
        for name, weight in network.named_parameters():
            torch.testing.assert_close(weights[name].grad[i], weight.grad)


@pytest.mark.parametrize("name", TORCH_ACTIVATIONS)
@pytest.mark.parametrize(("layers", "points"), [(1, 7), (2, 1), (2, 2 * POINTS), (3, 2 * POINTS + 7), (2, 0)])
def test_mlp_frozen_gives_the_same_values_and_gradients_in_numpy(name, layers, points):
    network, frozen = scalar_mlp(layers, name), scalar_mlp(layers, name).frozen()
    x = 5 * torch.randn(points, 3)
    with torch.no_grad():
        torch.testing.assert_close(torch.from_numpy(frozen.value(x.numpy())), network(x), rtol=1e-13, atol=1e-14)
        torch.testing.assert_close(torch.from_numpy(frozen.gradient(x.numpy())), network.gradient(x), rtol=1e-13, atol=1e-14)


def test_numpy_activations_are_those_of_torch_and_do_not_overflow():
    assert NUMPY_ACTIVATIONS.keys() == TORCH_ACTIVATIONS.keys()
    with np.errstate(divide="raise", over="raise", invalid="raise"):
        for phi in NUMPY_ACTIVATIONS.values():
            h, s = np.array([-1e4, 0.0, 1e4]), np.empty(3)
            phi.value_and_derivative(h, s)
            assert np.isfinite(h).all()
            assert np.isfinite(s).all()
            alone = np.array([-1e4, 0.0, 1e4])
            phi.value(alone)
            assert np.array_equal(alone, h)


def test_mlp_frozen_returns_arrays_of_their_own_and_leaves_the_states():
    """Its buffers are overwritten by the next call, its results and arguments are not."""
    frozen, x = scalar_mlp().frozen(), torch.randn(7, 3).numpy()
    for function in (frozen.value, frozen.gradient):
        given = x.copy()
        first = function(given)
        kept = first.copy()
        function(given + 1)
        assert np.array_equal(first, kept)
        assert np.array_equal(given, x)


def test_mlp_frozen_allocates_little_more_than_its_result():
    frozen, x = mlp(inputs=4, outputs=1, hidden=200).double().frozen(), np.zeros((50 * POINTS, 4))
    frozen.gradient(x)
    tracemalloc.start()
    gradient = frozen.gradient(x)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 1.5 * gradient.nbytes < 0.05 * 8 * 200 * len(x)  # a hidden layer of all points is 50 times as large


def test_mlp_frozen_copies_the_present_weights():
    network, x = scalar_mlp(), torch.randn(7, 3).numpy()
    frozen = network.frozen()
    before = frozen.gradient(x)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.mul_(2)
    assert np.array_equal(frozen.gradient(x), before)
    assert not np.allclose(network.frozen().gradient(x), before)
