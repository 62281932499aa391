"""What is said and shown of pixel cells."""

import pytest
from report_fixture import PIXEL_CELLS, pixel_cell, pixels_compared

from hnn.reporting import report_pixels


@pytest.mark.parametrize(
    ("verdict", "said"),
    [
        ("not distinguishable", "not distinguishable from"),
        ("better", "1 times smaller than"),
        ("worse", "1 times larger than"),
    ],
)
def test_the_finding_is_what_the_paired_differences_of_the_matched_baseline_say(verdict, said):
    text = report_pixels.findings(PIXEL_CELLS, pixels_compared(verdict))["pixel_pendulum"]
    assert text.startswith(
        "As published, trained through an Euler map and rolled out as a continuous motion (mismatch), HNN's"
    )
    assert "over 200 frames is 0.2 [0.18, 0.22], 15 times smaller than the baseline's 3 [2.7, 3.3]; HNN is valid for" in text
    assert f"by an RK4 map, HNN's energy error is 0.1 [0.09, 0.11], {said} the baseline's 0.1 [0.09, 0.11]." in text
    assert "not compared" not in text


def test_overlapping_intervals_judge_nothing_where_differences_are_missing():
    assert "beside the baseline's 3 [2.7, 3.3] (not compared)" in report_pixels.findings(PIXEL_CELLS, {})["pixel_pendulum"]


def test_how_much_of_the_difference_is_the_encoders_is_said_where_that_is_known():
    gaps = pixels_compared("better")
    sets = gaps["pixel_pendulum"]["hnn-rk4 vs baseline-rk4"]
    sets["floor"] = {"energy_error": {"mean": -0.2, "low": -0.25, "high": -0.15, "verdict": "better"}}
    whole = sets["held_out"]["energy_error"]["mean"]
    text = report_pixels.findings(PIXEL_CELLS, gaps)["pixel_pendulum"]
    assert f"Of the difference, {whole}" in text
    assert "-0.2 [-0.25, -0.15] is there before any rollout" in text
    assert "before any rollout" not in report_pixels.findings(PIXEL_CELLS, pixels_compared("better"))["pixel_pendulum"]


def test_only_what_was_run_is_spoken_of():
    some = {key: found for key, found in PIXEL_CELLS.items() if key[1] != "baseline-euler"}
    assert "as published" not in report_pixels.findings(some, {})["pixel_pendulum"]
    assert report_pixels.findings({}, {}) == {}
    assert report_pixels.findings({("pixel_pendulum", "hnn-euler"): pixel_cell(1.0, 1.0)}, {}) == {}


def test_every_way_of_rolling_out_has_a_row_and_mismatches_are_marked():
    rows = report_pixels.rollouts(PIXEL_CELLS)
    assert len(rows) == 4 * 3
    marked = {(row["model"], row["trained with"]) for row in rows if "mismatch" in row["rolled out by"]}
    assert marked == {("baseline", "euler"), ("hnn", "euler")}
    (row,) = [row for row in rows if "mismatch" in row["rolled out by"] and row["model"] == "baseline"]
    assert row["energy_error"] == "3 [2.7, 3.3]"
    assert row["pixel_mse_100"] == "0.3 [0.27, 0.33]"


def test_encoders_show_their_scores_and_the_long_horizon():
    rows = {row["model"]: row for row in report_pixels.encoders(PIXEL_CELLS)}
    assert rows["hnn-rk4"]["probe_r2"] == "0.999"
    assert rows["hnn-rk4"]["valid_time.long"] == "20 [18, 22]"
    assert rows["baseline-rk4"]["conserved_error"] == "–"
    assert rows["hnn-rk4"]["pixel_mse_1000"] == "0.02 [0.018, 0.022]"
