"""Adam and its schedule."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from conftest import RECIPE

from hnn.training.optimizer import adam, learning_rates, parameter_groups


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
