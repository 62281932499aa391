"""Sentences say what the numbers allow and turn round with them."""

from report_fixture import CELLS, COMPARISONS, PIXEL_CELLS, cell, compared, pixels_compared

from hnn.reporting import sentences


def test_the_headline_names_tasks_by_verdict_with_the_ratio_of_the_errors():
    cells = CELLS | PIXEL_CELLS | {("spring", "hnn"): cell(0.8, 0.1, 1e-7), ("spring", "baseline"): cell(0.1, 0.1)}
    comparisons = COMPARISONS | pixels_compared() | {"spring": {"hnn vs baseline": compared("worse")}}
    assert sentences.headline(cells, comparisons) == (
        "In energy, the Hamiltonian network (HNN) beats the baseline on pendulum (error 4 times smaller), "
        "loses on spring (error 8 times larger) and cannot be told from it on pixel_pendulum."
    )
    assert "beats" not in sentences.headline(cells, comparisons, "coordinate_error")


def test_the_headline_needs_a_comparison_and_a_pair():
    assert sentences.headline(CELLS, {}).endswith("is not compared on pendulum.")
    assert sentences.headline({}, {}) == ""


def test_the_findings_say_what_the_numbers_allow():
    said = sentences.findings(CELLS, COMPARISONS, {"pendulum": 0.0})["pendulum"]
    assert "4 times smaller than the baseline's 0.4" in said
    assert "not distinguishable from 0.1" in said
    assert "Over the long horizon the energy error is 0.1 [0.09, 0.11], 4 times smaller than 0.4" in said
    assert "outside the training distribution" in said
    assert "cannot learn friction" not in said


def test_the_findings_turn_round_with_the_numbers():
    worse = {("pendulum", "baseline"): cell(0.1, 0.1), ("pendulum", "hnn"): cell(0.4, 0.5, 1e-7, long=None, outside=None)}
    said = sentences.findings(worse, {"pendulum": {"hnn vs baseline": compared("worse", "worse")}}, {"pendulum": -0.2})[
        "pendulum"
    ]
    assert "4 times larger than the baseline's 0.1" in said
    assert "-20%" in said
    assert "cannot learn friction" in said
    assert "long horizon" not in said


def test_rollouts_that_are_lost_are_counted():
    lost = {"diverged": {"mean": 0.5, "low": 0.4, "high": 0.6}}
    cells = {("pendulum", "baseline"): cell(0.4, 0.1, long=lost), ("pendulum", "hnn"): cell(0.1, 0.1, 1e-7)}
    said = sentences.findings(cells, COMPARISONS, {"pendulum": 0.0})["pendulum"]
    assert "with 0% and 50% of the rollouts diverged" in said


def test_only_tasks_with_both_models_are_spoken_of():
    assert sentences.findings({("pendulum", "hnn"): cell(0.1, 0.1, 1e-7)}, {}, {"pendulum": 0.0}) == {}


def test_a_verdict_rests_on_seeds_and_starts():
    said = sentences.sureness(3, {"pendulum": 50, "spring": 50})
    assert "3 training seeds and 50 initial states" in said


def test_starts_of_tasks_that_have_other_numbers_of_them_are_told_apart():
    said = sentences.sureness(3, {"pendulum": 50, "real_pendulum": 12, "spring": 50})
    assert "50 (pendulum and spring) and 12 (real_pendulum) initial states" in said
