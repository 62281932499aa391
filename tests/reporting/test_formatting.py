import pytest

from hnn.core.statistics import Interval
from hnn.reporting.formatting import compared_with, format_interval, format_mean, format_quartiles, listed, number, ratio

NONE = Interval(None, None, None)


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


def test_format_interval_shows_the_mean_alone_without_width_and_a_dash_without_mean():
    assert format_interval(Interval(0.5, 0.25, 1.0)) == "0.5 [0.25, 1]"
    assert format_interval(Interval(0.5, 0.5, 0.5)) == "0.5"
    assert (format_interval(None), format_interval(NONE), format_mean(None), format_mean(NONE)) == ("–",) * 4


def test_format_quartiles_needs_a_median():
    assert format_quartiles(Interval(2.0, 1.0, 3.0, 1.5, 1.0, 2.5)) == "1.5 (1 to 2.5)"
    assert format_quartiles(Interval(2.0, 1.0, 3.0)) == format_quartiles(None) == "–"


@pytest.mark.parametrize(("names", "text"), [([], ""), (["a"], "a"), (["a", "b"], "a and b"), (["a", "b", "c"], "a, b and c")])
def test_listed_joins_with_commas_and_and(names, text):
    assert listed(names) == text


def test_ratio_is_of_the_larger_mean_over_the_smaller_in_size():
    assert ratio(Interval(-0.1, 0, 0), Interval(0.4, 0, 0)) == "4 times"
    assert ratio(Interval(0.0, 0, 0), Interval(0.4, 0, 0)) == "many times"


@pytest.mark.parametrize(
    ("verdict", "text"),
    [
        ("better", "4 times smaller than"),
        ("worse", "4 times larger than"),
        ("not distinguishable", "not distinguishable from"),
        (None, "beside"),
    ],
)
def test_compared_with_puts_the_verdict_into_words(verdict, text):
    assert compared_with(verdict, Interval(0.1, 0, 0), Interval(0.4, 0, 0)) == text
