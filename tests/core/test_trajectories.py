"""Observations, true motions and rollouts."""

import numpy as np
import pytest

from hnn.core.trajectories import CellRollouts, Observations, Rollout, TrueMotion, of_seed, of_seeds

x = np.arange(24.0).reshape(2, 6, 2)


def test_of_seed_is_the_draw_of_the_seed_or_the_only_one_of_all():
    assert [of_seed("abc", seed) for seed in range(3)] == ["a", "b", "c"]
    assert [of_seed("a", seed) for seed in range(3)] == ["a", "a", "a"]
    with pytest.raises(IndexError):
        of_seed("abc", 3)


def test_of_seeds_are_the_draws_of_a_group_which_holds_the_only_one_once():
    assert of_seeds("abc", [2, 1]) == ["c", "b"]
    assert of_seeds("abc", [2]) == ["c"]
    assert of_seeds("a", [2, 1]) == ["a"]


def test_observations_points_are_those_whose_whole_derivative_is_known():
    dx = x + 100
    dx[0, 2, 1] = dx[1, 5, 0] = np.nan
    known_x, known_dx = Observations(np.arange(6.0), x, dx).points()
    assert known_x.shape == known_dx.shape == (10, 2)
    assert np.array_equal(known_dx, known_x + 100)
    assert not {4.0, 22.0} & set(known_x[:, 0])


def test_observations_part_slices_trajectories_or_times():
    data = Observations(np.arange(6.0), x, -x)
    second, late = data.part(slice(1, None)), data.part(time=slice(4, None))
    assert np.array_equal(second.x, x[1:])
    assert np.array_equal(second.t, data.t)
    assert np.array_equal(late.dx, -x[:, 4:])
    assert late.t.tolist() == [4.0, 5.0]


def test_true_motion_first_keeps_the_first_times_and_all_periods():
    motion = TrueMotion(np.arange(6.0), x, np.array([1.0, 2.0])).first(4)
    assert motion.t.tolist() == [0, 1, 2, 3]
    assert np.array_equal(motion.x, x[:, :4])
    assert motion.period.tolist() == [1.0, 2.0]


def test_cell_rollouts_longest_is_the_long_set_or_else_the_held_out_one():
    a, b = (Rollout(x[0, :, 0], x[None], x, x, x, 1.0) for _ in range(2))
    assert CellRollouts({"held_out": a, "long": b}).longest is b
    assert CellRollouts({"held_out": a}).longest is a
