"""The reproduction check: agreement of two results."""

import pytest

from hnn.commands.check import TOLERANCE, agree, compare_metrics


def interval(mean, half):
    """A result as the metrics files hold it."""
    return {"mean": mean, "low": mean - half, "high": mean + half}


LOST = {"mean": None, "low": None, "high": None}


def test_intervals_agree_when_they_overlap():
    assert agree(interval(1.0, 0.5), interval(1.8, 0.5))


def test_intervals_agree_when_the_stated_tolerance_bridges_the_gap_between_them():
    a = interval(1.0, 0.0)
    reach = (1 + TOLERANCE) / (1 - TOLERANCE)  # where 1 widened upwards meets b widened downwards
    assert agree(a, interval(0.99 * reach, 0.0))
    assert not agree(a, interval(1.01 * reach, 0.0))


def test_a_wider_tolerance_lets_more_pass():
    assert not agree(interval(1.0, 0.0), interval(2.0, 0.0))
    assert agree(interval(1.0, 0.0), interval(2.0, 0.0), tolerance=1.0)
    assert not agree(interval(1.0, 0.0), interval(2.0, 0.0), tolerance=0.3)


def test_intervals_of_opposite_sign_differ():
    assert not agree(interval(1.0, 0.1), interval(-1.0, 0.1))


@pytest.mark.parametrize(("a", "b"), [(interval(1.0, 0.9), interval(9.0, 0.9)), (LOST, interval(1.0, 9.0))])
def test_agreement_does_not_depend_on_the_order(a, b):
    assert not agree(a, b)
    assert not agree(b, a)


def test_results_without_any_finite_value_agree_with_one_another():
    assert agree(LOST, dict(LOST))


def test_counts_must_be_equal():
    assert agree(500, 500)
    assert not agree(500, 501)


def test_equal_metrics_are_identical():
    metrics = {"steps": 5, "test_loss": interval(1.0, 0.1)}
    assert compare_metrics(metrics, {**metrics}) == ("identical", [])


def test_metrics_within_their_intervals_agree():
    assert compare_metrics({"test_loss": interval(1.0, 0.1)}, {"test_loss": interval(1.1, 0.1)}) == ("agrees", [])


def test_the_result_that_differs_is_named_with_both_values():
    verdict, lines = compare_metrics(
        {"steps": 5, "table1": {"energy_mse": interval(1.0, 0.1)}}, {"steps": 5, "table1": {"energy_mse": interval(7.0, 0.1)}}
    )
    assert verdict == "differs"
    (line,) = lines
    assert line.startswith("table1.energy_mse: ")
    assert "1.0" in line
    assert "7.0" in line


@pytest.mark.parametrize("swapped", [False, True])
def test_a_result_that_only_one_side_has_differs(swapped):
    sides = [{"steps": 5, "test_loss": interval(1.0, 0.1)}, {"steps": 5}]
    verdict, lines = compare_metrics(*(reversed(sides) if swapped else sides))
    assert verdict == "differs"
    assert [line.split(":")[0] for line in lines] == ["test_loss"]


def test_how_well_it_was_integrated_is_no_result_but_a_mismatch_is():
    a, b = ({"energy_error": interval(1.0, 0.1), "integrator": {"error": error}} for error in (1e-7, 3e-7))
    assert compare_metrics(a, b) == ("agrees", [])
    assert compare_metrics(a, b | {"mismatch": True})[0] == "differs"
