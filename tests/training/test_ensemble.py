"""Ensembles of models; that each learns as it would alone is tested in test_loop."""

import torch
from conftest import network

from hnn.training.ensemble import Ensemble
from hnn.training.losses import derivative_loss


def test_ensemble_creates_all_tensors_on_the_device_of_the_models():
    """On the `meta` device tensors of another device would be refused."""
    model = network("hnn").to("meta")
    x = torch.zeros(40, 2, device="meta")
    ensemble = Ensemble([model, network("hnn").to("meta")], lambda m, i: derivative_loss(m, x[i], x[i]))
    losses = ensemble.losses([torch.zeros(2, 8, dtype=torch.long, device="meta")])
    assert losses.device.type == "meta"
    losses.sum().backward()
    assert all(weight.grad.device.type == "meta" for weight in ensemble.weights.values())


def test_ensemble_losses_and_gradients_are_those_of_each_model():
    models, x, dx = [network("hnn", seed=seed).double() for seed in (0, 1)], torch.randn(9, 2), torch.randn(9, 2)
    singles = [network("hnn", seed=seed).double() for seed in (0, 1)]
    ensemble = Ensemble(models, lambda model: derivative_loss(model, x, dx))
    losses = ensemble.losses([])
    losses.sum().backward()
    for loss, gradients, single in zip(losses, ensemble.gradients(), singles, strict=True):
        expected = derivative_loss(single, x, dx)
        expected.backward()
        torch.testing.assert_close(loss, expected)
        for gradient, weight in zip(gradients, single.parameters(), strict=True):
            torch.testing.assert_close(gradient, weight.grad)
