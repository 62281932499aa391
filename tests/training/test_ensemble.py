"""A stack of models as such; that it learns what each learns alone is in test_descent."""

import torch
from conftest import network

from hnn.training.ensemble import Ensemble
from hnn.training.losses import derivative_loss


def test_all_tensors_of_a_descent_are_made_where_the_model_is(monkeypatch):
    """On the `meta` device any tensor from elsewhere would be refused; only random draws come from the CPU."""
    model = network("hnn").to("meta")
    x = torch.zeros(40, 2, device="meta")
    found = Ensemble([model, network("hnn").to("meta")], lambda m, i: derivative_loss(m, x[i], x[i]))
    value = found.losses([torch.zeros(2, 8, dtype=torch.long, device="meta")])
    assert value.device.type == "meta"
    value.sum().backward()
    assert all(weight.grad.device.type == "meta" for weight in found.weights.values())
