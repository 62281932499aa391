"""How numbers and verdicts are written."""

import pytest

from hnn.reporting import formatting


def about(mean, width=0.1):
    return {"mean": mean, "low": mean * (1 - width), "high": mean * (1 + width)}


@pytest.mark.parametrize(
    ("x", "text"), [(None, "–"), (0.0, "0"), (0.12345, "0.123"), (1.5e-7, "1.5e-7"), (12.0, "12"), (3e6, "3.0e6")]
)
def test_numbers_are_short(x, text):
    assert formatting.number(x) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [(None, "–"), ({"mean": None, "low": None, "high": None}, "–"), (about(1.0, 0), "1"), (about(1.0), "1 [0.9, 1.1]")],
)
def test_a_value_has_its_interval_if_there_is_one(value, text):
    assert formatting.format_interval(value) == text


@pytest.mark.parametrize(("names", "text"), [(["a"], "a"), (["a", "b"], "a and b"), (["a", "b", "c"], "a, b and c"), ([], "")])
def test_lists_read_as_prose(names, text):
    assert formatting.listed(names) == text


@pytest.mark.parametrize(("a", "b", "word"), [(1.0, 2.0, "better"), (2.0, 1.0, "worse"), (1.0, 1.1, "not distinguishable")])
def test_without_pairs_a_verdict_needs_intervals_that_do_not_overlap(a, b, word):
    assert formatting.verdict(about(a), about(b)) == word


@pytest.mark.parametrize(
    ("said", "text"),
    [
        ("better", "4 times smaller than"),
        ("worse", "4 times larger than"),
        ("not distinguishable", "not distinguishable from"),
        (None, "beside"),
    ],
)
def test_a_verdict_leads_to_what_it_is_against(said, text):
    assert formatting.against(said, about(1.0), about(4.0)) == text
