from dataclasses import replace

import numpy as np
import pytest
import torch
from conftest import RECIPE

from hnn.training.optimizer import learning_rates, parameter_groups


@pytest.mark.parametrize(("schedule", "peak_at"), [("one_cycle", 0.3), ("constant", 0.0)])
def test_the_learning_rate_peaks_at_what_was_asked(schedule, peak_at):
    optimizer = torch.optim.Adam([torch.zeros(1, requires_grad=True)], 1e-2)
    scheduler, rates = learning_rates(optimizer, replace(RECIPE, steps=100, schedule=schedule)), []
    for _ in range(100):
        rates.append(scheduler.get_last_lr()[0])
        optimizer.step()
        scheduler.step()
    assert max(rates) == pytest.approx(1e-2, rel=1e-2)
    assert np.argmax(rates) == pytest.approx(100 * peak_at, abs=2)
    assert (min(rates) == max(rates)) == (schedule == "constant")


def test_rates_belong_to_the_parameters_whose_names_begin_so():
    weights = {"a.x": torch.zeros(1), "a.y": torch.zeros(1), "b.x": torch.zeros(1)}
    groups = parameter_groups(weights, {"a.": 0.5})
    assert [(len(group["params"]), group.get("lr")) for group in groups] == [(1, None), (2, 0.5)]
