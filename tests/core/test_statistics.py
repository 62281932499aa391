"""Bootstrap intervals of means over seeds and starts."""

import numpy as np
import pytest

from hnn.core.statistics import Interval, block_error, interval, over_seeds, paired_difference, quartiles


def width(values, seed=1, draws=1000):
    """The width of the 95 % interval of the mean of values (seeds, starts)."""
    summary = interval(values, np.random.default_rng(seed), draws)
    return summary.high - summary.low


def test_interval_resamples_the_starts_jointly_for_all_seeds():
    """Values that depend on the start alone: more seeds do not narrow the interval, as independent resampling would."""
    values = np.random.default_rng(0).standard_normal((1, 30))
    assert width(np.repeat(values, 20, 0)) == pytest.approx(width(values), rel=0.15)


def test_interval_narrows_with_the_square_root_of_the_number_of_starts():
    generator = np.random.default_rng(0)
    few, many = (width(generator.standard_normal((1, starts))) for starts in (25, 400))
    assert few / many == pytest.approx(4, rel=0.35)


def test_interval_has_the_same_mean_but_other_edges_with_another_stream():
    values = np.random.default_rng(0).standard_normal((3, 10))
    a, b = (interval(values, np.random.default_rng(seed), 100) for seed in (0, 1))
    assert a.mean == b.mean == pytest.approx(values.mean())
    assert a.low != b.low


def test_interval_leaves_out_non_finite_values_and_is_none_without_finite_ones():
    assert interval(np.array([[1.0, np.inf, 3.0, np.nan]]), np.random.default_rng(0), 50).mean == 2.0
    empty = interval(np.full((2, 3), np.nan), np.random.default_rng(0), 50)
    assert empty == Interval(None, None, None)


def test_interval_has_the_logarithm_of_a_positive_mean_only():
    assert interval(np.array([[100.0]]), np.random.default_rng(0), 10).to_json()["log10"] == 2
    assert "log10" not in interval(np.array([[-1.0]]), np.random.default_rng(0), 10).to_json()
    assert "log10" not in interval(np.zeros((1, 2)), np.random.default_rng(0), 10).to_json()


def test_interval_covers_the_mean_about_as_often_as_claimed():
    generator, inside = np.random.default_rng(0), 0
    for _ in range(200):
        summary = interval(generator.normal(1.0, 1.0, (1, 60)), generator, 300)
        inside += summary.low <= 1.0 <= summary.high
    assert 0.88 <= inside / 200 <= 0.99


def test_interval_is_wide_where_seeds_differ():
    """Seeds that differ by much more than starts: many starts do not narrow the interval."""
    generator = np.random.default_rng(0)
    values = np.array([[0.0], [1.0], [2.0]]) + 0.01 * generator.standard_normal((3, 1000))
    summary = interval(values, generator, 1000)
    assert summary.high - summary.low > 1.0


def test_interval_repeats_with_its_generator():
    values = np.random.default_rng(0).standard_normal((3, 10))
    a, b = (interval(values, np.random.default_rng(3), 50) for _ in range(2))
    assert a == b


def test_difference_is_paired_by_start():
    """Starts of very different difficulty, but the same gap at each: the interval is as narrow as the gap's own."""
    difficulty = np.array([[0.0, 10.0, 1000.0]])
    summary = paired_difference(difficulty + 1, difficulty, np.random.default_rng(0), 200)
    assert summary == Interval(1, 1, 1)


def test_difference_excludes_zero_about_as_rarely_as_claimed():
    """Two equal models, one seed each: about five in a hundred are distinguished."""
    generator, wrong = np.random.default_rng(2), 0
    for _ in range(200):
        gap = paired_difference(*generator.normal(1.0, 1.0, (2, 1, 50)), generator, 300)
        wrong += not gap.low <= 0 <= gap.high
    assert wrong / 200 < 0.12


def test_difference_with_shared_seeds_resamples_them_jointly():
    """Models that differ by seed much more than from one another, seed by seed."""
    generator = np.random.default_rng(4)
    seeds = np.array([[0.0], [1.0], [2.0]])
    hnn, baseline = (seeds + 0.01 * generator.standard_normal((3, 50)) + worse for worse in (0.0, 0.1))
    together, apart = (paired_difference(hnn, baseline, generator, 1000, shared_seeds=shared) for shared in (True, False))
    assert together.high < 0 < apart.high
    assert together.mean == apart.mean


def test_difference_leaves_out_starts_that_are_not_finite_for_either_model():
    a, b = np.array([[1.0, np.nan, 5.0]]), np.array([[0.0, 2.0, np.nan]])
    assert paired_difference(a, b, np.random.default_rng(0), 50).mean == 1
    lost = paired_difference(a, a * np.nan, np.random.default_rng(0), 50)
    assert lost == Interval(None, None, None)


def test_over_seeds_gives_the_interval_of_each_value():
    values = [{"loss": 1.0, "ratio": 4.0}, {"loss": 3.0, "ratio": 4.0}]
    summaries = over_seeds(values, lambda name: np.random.default_rng(len(name)), 2000)
    assert summaries["loss"] == interval(np.array([[1.0], [3.0]]), np.random.default_rng(4), 2000)
    assert (summaries["ratio"].low, summaries["ratio"].high) == (4, 4)


def test_quartiles_are_of_all_finite_values_and_none_without_any():
    values = np.array([[0.0, 1.0, np.nan], [2.0, 3.0, 4.0]])
    assert quartiles(values) == (2, 1, 3)
    assert quartiles(values * np.nan) is None


def test_block_error_is_of_the_means_of_consecutive_blocks():
    values = np.repeat([1.0, 2.0, 3.0, 4.0, 5.0], 3) + np.tile([-9.0, 0.0, 9.0], 5)
    assert block_error(values) == pytest.approx(np.std([1, 2, 3, 4, 5]) / np.sqrt(5))
    assert block_error(values[::3]) == pytest.approx(block_error(values))


def test_block_error_takes_each_value_as_a_block_if_there_are_fewer_than_blocks():
    assert block_error(np.array([1.0, 3.0])) == pytest.approx(1 / np.sqrt(2))
