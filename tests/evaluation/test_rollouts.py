import numpy as np
import pytest
import torch
from conftest import network, observed, starts_of, truth_of

from hnn.datasets.simulation import true_motion
from hnn.evaluation import rollouts

METHOD = {"integrator": "dop853", "tolerance": 1e-9}


def test_every_seed_and_chunk_of_starts_is_rolled_out_by_itself_wherever_that_is():
    truth, members, seen = truth_of("mass_spring"), [network("hnn", seed=seed).double() for seed in range(2)], []
    motion = true_motion(truth, starts_of("mass_spring", 5), torch.linspace(0, 10, 40), 1e-12)
    scales = rollouts.scales(truth, members, observed("mass_spring"))

    def backwards(function, items):
        seen.extend((members.index(member), len(x0)) for member, x0 in items)
        return [function(item) for item in reversed(items)][::-1]

    parts = rollouts.roll(truth, members, motion, scales, METHOD, chunk=2, spread=backwards)
    assert seen == [(0, 2), (0, 2), (0, 1), (1, 2), (1, 2), (1, 1)]
    whole = rollouts.roll(truth, members, motion, scales, METHOD)
    for name in ("x", "learned"):
        assert parts[name].shape == whole[name].shape
        assert parts[name] == pytest.approx(whole[name], abs=1e-5)
    alone = rollouts.roll(truth, members[1:], motion, scales, METHOD)
    assert np.array_equal(alone["x"][0], whole["x"][1])  # whoever else is rolled out
