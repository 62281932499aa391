import pytest

from hnn.core.statistics import FEW_SEEDS, Interval
from hnn.reporting.formatting import format_difference, format_interval, format_mean, format_quartiles, listed, number, times

NONE = Interval()


@pytest.mark.parametrize(
    ("x", "text"),
    [
        (None, "–"),
        (0.0, "0"),
        (0.12345, "0.123"),
        (12345.6, "1.2e4"),
        (1e-4, "1.0e-4"),
        (-2.5e-7, "-2.5e-7"),
        (1234.5, "1230"),
        (9999.0, "10000"),
    ],
)
def test_number_has_two_or_three_digits(x, text):
    assert number(x) == text


def test_format_interval_shows_the_mean_alone_without_interval_or_width_and_a_dash_without_mean():
    assert format_interval(Interval(0.5, 0.25, 1.0)) == "0.5 [0.25, 1]"
    assert format_interval(Interval(0.5, 0.5, 0.5)) == "0.5"
    assert format_interval(Interval(0.5, reason=FEW_SEEDS)) == "0.5"
    assert (format_interval(None), format_interval(NONE), format_mean(None), format_mean(NONE)) == ("–",) * 4


def test_format_quartiles_needs_a_median():
    assert format_quartiles(Interval(2.0, 1.0, 3.0, median=1.5, q1=1.0, q3=2.5)) == "1.5 (1 to 2.5)"
    assert format_quartiles(Interval(2.0, 1.0, 3.0)) == format_quartiles(None) == "–"


@pytest.mark.parametrize(("names", "text"), [([], ""), (["a"], "a"), (["a", "b"], "a and b"), (["a", "b", "c"], "a, b and c")])
def test_listed_joins_with_commas_and_and(names, text):
    assert listed(names) == text


@pytest.mark.parametrize(
    ("ratio", "text"),
    [
        ((0.25, 0.2, 0.5), "4 times smaller [2, 5]"),
        ((4.0, 2.0, 5.0), "4 times larger [2, 5]"),
        ((1 / 1234, 1 / 2000, 1 / 1000), "1200 times smaller [1000, 2000]"),
        ((1.0, 1.0, 1.0), "1 times larger [1, 1]"),
    ],
)
def test_times_turns_a_ratio_below_one_over_and_puts_its_bounds_in_order(ratio, text):
    assert times(Interval(*ratio, geometric=True)) == text


@pytest.mark.parametrize(
    ("difference", "verdict", "text"),
    [
        (Interval(0.25, 0.2, 0.5, geometric=True), "better", "4 times smaller [2, 5]"),
        (Interval(4.0, 2.0, 5.0, geometric=True), "worse", "4 times larger [2, 5]"),
        (Interval(0.9, 0.5, 2.0, geometric=True), "not distinguishable", "not distinguishable, 0.9 times [0.5, 2]"),
        (Interval(1.5, 0.5, 2.5), "better", "better, +1.5 [0.5, 2.5]"),
        (Interval(-1.5, -2.5, 0.5), "not distinguishable", "not distinguishable, -1.5 [-2.5, 0.5]"),
        (Interval(geometric=True, reason=FEW_SEEDS), FEW_SEEDS, "needs at least 2 seeds"),
    ],
)
def test_format_difference_is_a_ratio_or_a_signed_difference_or_the_reason_why_there_is_none(difference, verdict, text):
    assert format_difference(difference, verdict) == text
