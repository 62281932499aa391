"""Preparation of trials: nothing crosses a gap, both sides have trials, segments cover them."""

import numpy as np
import pytest

from hnn.core.errors import Refused
from hnn.core.trajectories import Trial
from hnn.datasets.preparation import cut_at_gaps, derivatives, hold_out, segments


def trial(name="a", t=None):
    """A run of an oscillator of frequency 2."""
    t = np.arange(50) * 0.1 if t is None else t
    return Trial(name, t, np.cos(2 * t)[:, None], -2 * np.sin(2 * t)[:, None])


def test_parts_end_at_gaps_and_short_ones_are_left_out():
    t = np.concatenate([np.arange(20), 30 + np.arange(5), 50 + np.arange(10)]) * 0.1
    parts = cut_at_gaps([trial(t=t), trial("b")], np.pi)
    assert [part.name for part in parts] == ["a-1", "a-2", "b"]
    assert [len(part.t) for part in parts] == [20, 10, 50]
    assert all(np.diff(part.t).max() < 0.11 for part in parts)
    with pytest.raises(Refused, match=r"no 8 rows in use without a gap; lower source\.every"):
        cut_at_gaps([trial(t=t[20:25])], np.pi)


def test_uneven_steps_are_no_gaps():
    t = np.sort(np.random.default_rng(0).uniform(0, 10, 300))
    assert [len(part.t) for part in cut_at_gaps([trial(t=t)], np.pi)] == [300]


@pytest.mark.parametrize(
    ("test", "training", "held_out"),
    [(0.2, ["a", "b", "c", "d"], ["e"]), (0.5, ["a", "b", "c"], ["d", "e"]), (["b", "d"], ["a", "c", "e"], ["b", "d"])],
)
def test_whole_trials_are_held_out(test, training, held_out):
    found = hold_out([trial(name) for name in "abcde"], test)
    assert [[one.name for one in side] for side in found] == [training, held_out]


def test_the_end_of_a_single_trial_is_held_out():
    (training,), (held_out,) = hold_out([trial()], 0.2)
    assert (len(training.t), len(held_out.t)) == (40, 10)
    assert training.t[-1] < held_out.t[0]


@pytest.mark.parametrize(("count", "test"), [(2, ["z"]), (2, ["a"]), (1, 0.01), (1, 0.99)])
def test_a_side_without_trials_is_refused(count, test):
    with pytest.raises(Refused, match=r"source\.test: given"):
        hold_out([trial("a")] * count, test)


def test_derivatives_are_those_of_the_motion():
    x, dx = derivatives([trial(), trial("b", np.arange(60) * 0.05)], np.pi)
    assert x.shape == dx.shape == (110, 2)
    assert dx == pytest.approx(np.stack([x[:, 1], -4 * x[:, 0]], -1), abs=0.05)


def test_segments_cover_each_trial_and_keep_its_times():
    x, t = segments([trial(), trial("b", 7 + np.arange(12) * 0.1), trial("c", np.arange(3) * 0.1)], 10)
    assert x.shape == (5 + 2, 11, 2)
    assert t[0] == pytest.approx(np.arange(11) * 0.1)
    assert t[4] == pytest.approx(3.9 + np.arange(11) * 0.1)  # the last of the first trial overlaps the one before
    assert t[-1, -1] == pytest.approx(7 + 11 * 0.1)
    assert x[..., 0] == pytest.approx(np.cos(2 * t))
    assert len(segments([trial()], 100)[0]) == 0
