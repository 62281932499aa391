import numpy as np
import pytest
import torch
from conftest import network, observed, starts_of, truth_of

from hnn.core.trajectories import Observations
from hnn.datasets.simulation import true_motion
from hnn.evaluation.rollouts import Reference, perturbed_starts, roll, scales
from hnn.integrators.solve import Solver

SOLVER = Solver("dop853", tolerance=1e-9)


@pytest.fixture
def reference():
    """Five motions of the spring, with the scales of two untrained models."""
    truth, members = truth_of("mass_spring"), [network("hnn", seed=seed).double() for seed in range(2)]
    motion = true_motion(truth, starts_of("mass_spring", 5), torch.linspace(0, 10, 40), 1e-12)
    return Reference(truth, motion, scales(truth, members, [observed("mass_spring")])), members


def test_scales_are_over_the_training_states_of_all_seeds():
    truth, members = truth_of("mass_spring"), [network("hnn", seed=seed).double() for seed in range(2)]
    draws = [observed("mass_spring", seed=seed) for seed in range(2)]
    both = Observations(draws[0].t, *(np.concatenate([getattr(one, name) for one in draws]) for name in ("x", "dx")))
    apart, joined = scales(truth, members, draws), scales(truth, members, [both])
    assert (apart.state, apart.energy) == pytest.approx((joined.state, joined.energy))
    assert apart.learned == pytest.approx(joined.learned)
    assert apart.energy != pytest.approx(scales(truth, members, draws[:1]).energy)


def test_roll_batches_the_starts_of_each_seed_and_the_order_of_batches_changes_nothing(reference):
    target, members = reference
    batches = []

    def reversed_map(function, items):
        batches.extend((members.index(member), len(x0)) for member, x0 in items)
        return [function(item) for item in reversed(items)][::-1]

    parts = roll(members, target, SOLVER, batch_of_starts=2, parallel_map=reversed_map)
    assert batches == [(0, 2), (0, 2), (0, 1), (1, 2), (1, 2), (1, 1)]
    whole = roll(members, target, SOLVER)
    assert parts.x.shape == whole.x.shape == (2, 5, 40, 2)
    assert parts.x == pytest.approx(whole.x, abs=1e-5)
    assert parts.learned == pytest.approx(whole.learned, abs=1e-5)


def test_roll_of_one_seed_does_not_depend_on_the_others(reference):
    target, members = reference
    assert np.array_equal(roll(members[1:], target, SOLVER).x[0], roll(members, target, SOLVER).x[1])


def test_rollout_has_the_true_energy_of_both_motions_and_their_distance(reference):
    target, _ = reference
    rollout = roll([target.system], target, SOLVER)
    assert rollout.energy[0] == pytest.approx(rollout.true_energy, abs=1e-6)
    assert rollout.distance.max() < 1e-6
    assert rollout.energy_scale == target.scales.energy
    assert rollout.z is None


def test_perturbed_starts_are_1e_4_of_the_motion_away(reference):
    motion = reference[0].motion
    size = np.sqrt(np.square(motion.x).sum(-1).mean(-1))
    assert np.linalg.norm(perturbed_starts(motion) - motion.x[:, 0], axis=-1) == pytest.approx(1e-4 * size)
