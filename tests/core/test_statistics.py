"""Intervals of the mean over seeds and starts; how they serve the metrics is in test_metrics."""

import numpy as np
import pytest

from hnn.core.statistics import block_error, interval, quartiles


def test_starts_are_redrawn_alike_for_all_seeds():
    """Values that depend on the start alone: more seeds do not make the mean surer, as they would if drawn apart."""
    values = np.random.default_rng(0).standard_normal((1, 30))
    widths = []
    for seeds in (1, 20):
        found = interval(np.repeat(values, seeds, 0), np.random.default_rng(1), 2000)
        widths.append(found["high"] - found["low"])
    assert widths[1] == pytest.approx(widths[0], rel=0.15)


def test_more_starts_make_the_mean_surer():
    generator = np.random.default_rng(0)
    widths = []
    for starts in (25, 400):
        found = interval(generator.standard_normal((1, starts)), generator, 1000)
        widths.append(found["high"] - found["low"])
    assert widths[0] / widths[1] == pytest.approx(4, rel=0.35)


def test_another_stream_gives_another_interval_of_the_same_mean():
    values = np.random.default_rng(0).standard_normal((3, 10))
    a, b = (interval(values, np.random.default_rng(seed), 100) for seed in (0, 1))
    assert a["mean"] == b["mean"] == pytest.approx(values.mean())
    assert a["low"] != b["low"]


def test_an_infinite_value_is_left_out_like_nan():
    assert interval(np.array([[1.0, np.inf, 3.0]]), np.random.default_rng(0), 50)["mean"] == 2.0


def test_quartiles_are_of_all_finite_values_together():
    values = np.array([[0.0, 1.0, np.nan], [2.0, 3.0, 4.0]])
    assert quartiles(values) == {"median": 2.0, "q1": 1.0, "q3": 3.0}
    assert quartiles(values * np.nan) == {"median": None, "q1": None, "q3": None}


def test_the_published_spread_is_of_the_means_of_blocks_in_their_order():
    values = np.repeat([1.0, 2.0, 3.0, 4.0, 5.0], 3) + np.tile([-9.0, 0.0, 9.0], 5)
    assert block_error(values) == pytest.approx(np.std([1, 2, 3, 4, 5]) / np.sqrt(5))
    assert block_error(values[::3]) == pytest.approx(block_error(values))
    assert block_error(np.array([1.0, 3.0])) == pytest.approx(1 / np.sqrt(2))
