"""Intervals, comparisons and tests of means over seeds crossed with starts."""

import numpy as np
import pytest
from scipy.stats import ttest_1samp, ttest_ind

from hnn.core.statistics import (
    FEW_SEEDS,
    NO_VALUES,
    Estimate,
    Interval,
    arithmetic,
    block_error,
    contrast,
    estimate,
    filled,
    holm,
    interval,
    is_positive,
    over_seeds,
    quartiles,
    welch,
)


def crossed(generator, seeds=5, starts=50, of_seed=1.0, of_start=1.0, rest=0.3):
    """Values of mean zero with random effects of seeds, of starts and of both, (seeds, starts)."""
    effects = of_seed * generator.standard_normal((seeds, 1)) + of_start * generator.standard_normal((1, starts))
    return effects + rest * generator.standard_normal((seeds, starts))


@pytest.mark.parametrize(("of_seed", "of_start"), [(1.0, 0.0), (0.0, 1.0), (0.5, 1.0), (1.0, 1.0)])
@pytest.mark.parametrize("seeds", [3, 5, 10])
def test_interval_covers_the_true_mean_as_often_as_claimed(seeds, of_seed, of_start):
    generator = np.random.default_rng(seeds)
    found = [interval(crossed(generator, seeds, 30, of_seed, of_start)) for _ in range(400)]
    assert 0.91 <= np.mean([one.low <= 0 <= one.high for one in found]) <= 0.99


def test_interval_of_lognormal_errors_covers_their_geometric_mean():
    generator = np.random.default_rng(0)
    found = [interval(np.exp(2 * crossed(generator)), geometric=True) for _ in range(400)]
    assert 0.91 <= np.mean([one.low <= 1 <= one.high for one in found]) <= 0.99


def test_estimate_of_seeds_alone_is_the_one_sample_t_test():
    values = np.random.default_rng(0).standard_normal((6, 1)) + 1
    found, expected = estimate(values), ttest_1samp(values[:, 0], 0)
    assert found.p == pytest.approx(expected.pvalue)
    assert found.interval() == pytest.approx(tuple(expected.confidence_interval()))


def test_estimate_has_the_variance_of_the_two_way_layout():
    """The unbiased estimate MS(seeds) + MS(starts) - MS(rest), over the number of values, where all are positive."""
    values = crossed(np.random.default_rng(1), 4, 10)
    by_seed, by_start = 10 * values.mean(1).var(ddof=1), 4 * values.mean(0).var(ddof=1)
    rest = values - values.mean(1, keepdims=True) - values.mean(0) + values.mean()
    expected = by_seed + by_start - np.square(rest).sum() / 27
    assert estimate(values).error ** 2 == pytest.approx(expected / 40)


def test_interval_is_wide_where_seeds_differ_and_more_starts_do_not_narrow_it():
    generator = np.random.default_rng(0)
    few, many = (interval(np.array([[0.0], [1.0], [2.0]]) + 0.01 * generator.standard_normal((3, n))) for n in (10, 1000))
    assert many.high - many.low == pytest.approx(few.high - few.low, rel=0.05)
    assert many.high - many.low > 2


def test_interval_needs_two_seeds_with_finite_values():
    one = interval(np.array([[1.0, 3.0]]))
    assert (one.mean, one.low, one.high, one.reason) == (2.0, None, None, FEW_SEEDS)
    assert interval(np.array([[1.0, 3.0], [np.nan, np.inf]])) == one
    assert interval(np.full((2, 3), np.nan)) == Interval(reason=NO_VALUES)


def test_interval_has_the_mean_of_each_seed_on_its_scale():
    values = np.array([[1.0, 4.0], [2.0, 8.0]])
    assert interval(values).seeds == (2.5, 5.0)
    geometric = interval(values, geometric=True)
    assert geometric.seeds == pytest.approx((2.0, 4.0))
    assert geometric.mean == pytest.approx(8**0.5)
    assert geometric.low < geometric.mean < geometric.high


def test_interval_takes_an_exact_zero_for_the_smallest_positive_value_and_zeros_alone_as_they_are():
    assert interval(np.array([[0.0, 4.0], [1.0, 4.0]]), geometric=True).mean == pytest.approx(2.0)
    zero = interval(np.zeros((2, 2)), geometric=True)
    assert (zero.mean, zero.geometric) == (0.0, False)


def test_filled_restores_a_missing_value_of_additive_data_and_leaves_out_empty_starts():
    values = np.array([[0.0], [1.0], [5.0]]) + np.array([0.0, 2.0, 3.0, 7.0])
    spoiled = values.copy()
    spoiled[1, 2] = np.nan
    complete, missing = filled(np.concatenate([spoiled, np.full((3, 1), np.inf)], axis=1))
    assert missing == 1
    np.testing.assert_allclose(complete, values, atol=1e-6)


def test_interval_of_positive_values_ends_at_zero():
    values = np.array([[0.0, 0.0], [0.0, 8.0], [1.0, 0.0]])
    signed, positive = interval(values), interval(values, positive=True)
    assert signed.low < 0 == positive.low
    assert positive == signed._replace(low=0.0)
    assert is_positive("diverged")
    assert not is_positive("energy_drift")
    assert not is_positive("probe_r2")


def test_interval_writes_a_quartile_of_zero():
    assert Interval(0.5, 0.1, 0.9, median=0.0, q1=0.0, q3=1.0).to_json() == {
        "mean": 0.5, "low": 0.1, "high": 0.9, "median": 0.0, "q1": 0.0, "q3": 1.0
    }  # fmt: skip


def test_interval_parses_what_it_writes():
    for values in (np.array([[1.0, 2.0], [3.0, 4.0]]), np.array([[1.0, 2.0]]), np.full((2, 2), np.nan)):
        for geometric in (True, False):
            found = interval(values, geometric=geometric)
            assert Interval.parse(found.to_json()) == found


def test_contrast_is_paired_by_seed_and_by_start():
    """Seeds and starts of very different difficulty, but the same ratio at each: no error is left."""
    difficulty = np.array([[1.0, 10.0, 1000.0], [3.0, 20.0, 5000.0]])
    found = contrast(2 * difficulty, difficulty, geometric=True)
    assert np.exp(found.mean) == pytest.approx(2.0)
    assert found.error == pytest.approx(0, abs=1e-12)
    assert contrast(difficulty[:1], difficulty[:1]) is None


def test_contrast_takes_exact_zeros_for_the_smallest_positive_value_of_both():
    zero, small = np.zeros((2, 3)), np.full((2, 3), 0.5)
    assert contrast(zero, zero, geometric=True)[:2] == (0, 0)
    assert contrast(zero, small, geometric=True).mean == 0
    mixed = np.array([[0.0, 2.0], [0.0, 2.0]])
    assert np.exp(contrast(mixed, np.ones((2, 2)), geometric=True).mean) == pytest.approx(2**0.5)


def test_contrast_of_equal_models_excludes_zero_as_rarely_as_claimed():
    generator = np.random.default_rng(2)
    found = [contrast(crossed(generator, of_start=0.2), crossed(generator, of_start=0.2)).p for _ in range(400)]
    assert np.mean(np.array(found) < 0.05) <= 0.08


def test_holm_rejects_step_by_step_and_stops_at_the_first_that_fails():
    p = [0.01, 0.04, 0.03, 0.005]
    levels = holm(p)
    assert [a <= b for a, b in zip(p, levels, strict=True)] == [True, False, False, True]
    assert levels == pytest.approx([0.05 / 3, 0.05 / 2, 0.05 / 2, 0.05 / 4])
    assert holm([]) == []


def test_holm_keeps_the_family_wise_rate():
    generator = np.random.default_rng(0)
    families = generator.uniform(size=(2000, 6))
    wrong = [any(p <= level for p, level in zip(family, holm(list(family)), strict=True)) for family in families]
    assert 0.03 <= np.mean(wrong) <= 0.065


def test_welch_is_scipys_test_and_is_sure_only_where_nothing_varies():
    a, b = np.random.default_rng(0).lognormal(size=(2, 5))
    assert welch(a, b) == pytest.approx(ttest_ind(a, b, equal_var=False).pvalue)
    assert welch(a, b, geometric=True) == pytest.approx(ttest_ind(np.log(a), np.log(b), equal_var=False).pvalue)
    assert welch([2.0, 2.0], [2.0, 2.0]) == 1
    assert welch([2.0, 2.0], [3.0, 3.0]) == 0
    assert np.isnan(welch([2.0], [3.0, 4.0]))


def test_p_is_consistent_with_the_interval_at_the_same_level():
    found = Estimate(1.0, 0.4, 5.0)
    low, _ = found.interval(found.p)
    assert low == pytest.approx(0, abs=1e-9)


def test_over_seeds_gives_the_interval_of_each_value_on_its_scale():
    found = over_seeds([{"test_loss": 1.0, "latent_spread": 0.4}, {"test_loss": 4.0, "latent_spread": 0.4}])
    assert found["test_loss"] == interval(np.array([[1.0], [4.0]]), geometric=True)
    assert found["latent_spread"] == interval(np.array([[0.4], [0.4]]))
    assert arithmetic(found["test_loss"]).mean == pytest.approx(2.5)


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
