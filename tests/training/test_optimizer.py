"""Adam and its schedule."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from conftest import RECIPE

from hnn.training.optimizer import EagerAdam, adam, learning_rates, parameter_groups


@pytest.mark.parametrize(("schedule", "peak_at"), [("one_cycle", 0.3), ("constant", 0.0)])
def test_learning_rates_peak_at_the_given_rate_and_step(schedule, peak_at):
    optimizer = torch.optim.Adam([torch.zeros(1, requires_grad=True)], 1e-2)
    scheduler, rates = learning_rates(optimizer, replace(RECIPE, steps=100, schedule=schedule)), []
    for _ in range(100):
        rates.append(scheduler.get_last_lr()[0])
        optimizer.step()
        scheduler.step()
    assert max(rates) == pytest.approx(1e-2, rel=1e-2)
    assert np.argmax(rates) == pytest.approx(100 * peak_at, abs=2)
    assert (min(rates) == max(rates)) == (schedule == "constant")


def test_parameter_groups_match_the_beginning_of_names():
    weights = {"a.x": torch.zeros(1), "a.y": torch.zeros(1), "b.x": torch.zeros(1)}
    groups = parameter_groups(weights, {"a.": 0.5})
    assert [(len(group["params"]), group.get("lr")) for group in groups] == [(1, None), (2, 0.5)]


def test_learning_rates_of_one_cycle_lower_beta1_at_the_peak():
    options = replace(RECIPE, steps=100)
    optimizer = adam({"w": torch.zeros(1, requires_grad=True)}, options, {})
    scheduler, betas = learning_rates(optimizer, options), []
    for _ in range(100):
        betas.append(optimizer.param_groups[0]["betas"][0])
        optimizer.step()
        scheduler.step()
    assert betas[0] == options.beta1
    assert min(betas) == pytest.approx(options.beta1_min, rel=1e-3)
    assert np.argmin(betas) == pytest.approx(100 * options.warmup_fraction, abs=2)


def test_adam_uses_the_rates_of_the_options_unless_names_have_their_own():
    weights = {name: torch.zeros(1, requires_grad=True) for name in ("encoder.w", "w")}
    groups = adam(weights, replace(RECIPE, beta2=0.98), {"encoder.": 0.5}).param_groups
    assert all(group["betas"] == (RECIPE.beta1, 0.98) for group in groups)
    assert [(group["params"], group["lr"]) for group in groups] == [
        ([weights["w"]], RECIPE.learning_rate),
        ([weights["encoder.w"]], 0.5),
    ]


@pytest.mark.parametrize("weight_decay", [0.0, 0.1])
def test_adam_takes_the_steps_of_the_adam_of_pytorch(weight_decay):
    ours, theirs = ([torch.ones(7, 3, requires_grad=True), torch.ones(1, requires_grad=True)] for _ in range(2))
    optimizers = [
        kind(weights, 0.1, (0.8, 0.9), weight_decay=weight_decay, fused=True)
        for kind, weights in ((EagerAdam, ours), (torch.optim.Adam, theirs))
    ]
    for step in range(5):
        for weights in (ours, theirs):
            weights[0].grad = torch.full((7, 3), 0.3 - step)
            weights[1].grad = torch.ones(1) if step > 1 else None
        for optimizer in optimizers:
            optimizer.step()
    assert all(torch.equal(*pair) for pair in zip(ours, theirs, strict=True))
    assert [list(state) for state in optimizers[0].state.values()] == [list(s) for s in optimizers[1].state.values()]
