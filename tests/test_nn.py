"""The multilayer perceptron and its initialisation."""

import pytest
import torch

from hnn.nn import ACTIVATIONS, MLP


def perceptron(seed=0, inputs=3, outputs=2, hidden=8, layers=2, activation="tanh"):
    generator = torch.Generator().manual_seed(seed)
    return MLP(inputs, outputs, hidden=hidden, layers=layers, activation=activation, generator=generator)


def linear_layers(**options):
    return [module for module in perceptron(**options) if isinstance(module, torch.nn.Linear)]


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_it_computes_what_its_docstring_says(name):
    functions = {
        "tanh": torch.tanh,
        "softplus": lambda x: (1 + x.exp()).log(),
        "silu": lambda x: x * torch.sigmoid(x),
        "relu": lambda x: x.clamp(min=0),
    }
    (W1, b1), (W2, b2), (W3,) = (tuple(layer.parameters()) for layer in linear_layers(activation=name))
    x, phi = torch.randn(5, 3), functions[name]
    torch.testing.assert_close(perceptron(activation=name)(x), phi(phi(x @ W1.T + b1) @ W2.T + b2) @ W3.T)


@pytest.mark.parametrize("layers", [1, 2, 4])
def test_it_has_the_hidden_layers_asked_and_one_more_without_bias(layers):
    linear = linear_layers(layers=layers)
    assert [(w.in_features, w.out_features) for w in linear] == [(3, 8)] + [(8, 8)] * (layers - 1) + [(8, 2)]
    assert [w.bias is not None for w in linear] == [True] * layers + [False]


def test_weights_are_orthogonal_and_biases_within_their_bound_and_spread_over_it():
    for linear in linear_layers(hidden=64):
        W = linear.weight if linear.out_features <= linear.in_features else linear.weight.T
        torch.testing.assert_close(W @ W.T, torch.eye(len(W)))
        if linear.bias is not None:
            bound = linear.in_features**-0.5
            assert 0.9 * bound < linear.bias.abs().max() <= bound
            assert linear.bias.min() < 0 < linear.bias.max()


def test_no_weight_depends_on_the_global_stream():
    found = []
    for seed in (0, 1):
        torch.manual_seed(seed)
        found.append(torch.cat([w.flatten() for w in perceptron().parameters()]))
    assert torch.equal(*found)
    assert not torch.equal(found[0], torch.cat([w.flatten() for w in perceptron(seed=1).parameters()]))
