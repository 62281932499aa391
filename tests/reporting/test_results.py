"""The metrics files as objects: sets, marks, pairs, floors."""

import math

import pytest
from report_fixture import METRICS, PIXEL_METRICS, about, comparison, contract, floor, metrics, results

from hnn.core.cell import TRUTH, Cell
from hnn.core.statistics import FEW_SEEDS
from hnn.reporting.results import CellResults, Results

HNN, BASELINE = Cell("pendulum", "hnn"), Cell("pendulum", "baseline")


def test_cell_results_parse_sets_losses_and_counts():
    found = CellResults.parse(HNN, METRICS[HNN] | {"train": {"test_loss": about(0.03), "parameters": 10, "steps": 7}})
    assert set(found.sets) == {"held_out", "table1", "long", "outside"}
    energy = found.held_out["energy_error"]
    assert energy[:4] == (0.1, pytest.approx(0.08), pytest.approx(0.125), True)
    assert len(energy.seeds) == 5
    assert found.held_out.get("probe_r2") is None
    assert (found.parameters, found.steps) == (10, 7)
    assert found.losses["test_loss"].mean == 0.03


def test_cell_results_headline_has_the_finite_means_in_units_that_five_decimals_show():
    headline = CellResults.parse(HNN, METRICS[HNN]).headline()
    assert headline == pytest.approx(
        {"energy_error_pct": 10, "coordinate_error_pct": 10.5, "valid_time": 2.0, "log10_test_loss": math.log10(0.03)}
    )
    lost = {"mean": None, "low": None, "high": None}
    files = {"train": {"test_loss": about(0.0)}, "rollout": {"energy_error": about(0.1), "coordinate_error": lost}}
    assert CellResults.parse(HNN, files).headline() == pytest.approx({"energy_error_pct": 10})


def test_cell_results_of_the_truth_have_a_test_loss_and_no_training():
    found = CellResults.parse(Cell("pendulum", TRUTH), floor())
    assert found.losses["test_loss"].mean == 0.029
    assert found.parameters is None
    assert found.held_out.integrator.method == "dop853"


def test_start_set_mark_is_its_own_where_it_was_diagnosed_and_else_that_of_the_held_out_set():
    files = metrics(0.1, 0.1, long=contract(honoured=True))
    files["rollout"] |= contract(honoured=False)
    found = CellResults.parse(HNN, files)
    marks = {name: one.mark("x") for name, one in found.sets.items()}
    assert marks == {"held_out": "x (mismatch)", "outside": "x (mismatch)", "table1": "x (mismatch)", "long": "x"}


def test_pair_of_each_task_and_from_pixels_of_the_first_step_map():
    both = results(METRICS | PIXEL_METRICS)
    assert [pair.hnn.cell.key for pair in both.pairs()] == ["pendulum-hnn", "pixel_pendulum-hnn-rk4"]
    assert both.pair("pixel_pendulum", "euler").baseline.cell.name == "baseline-euler"
    assert both.pair("pixel_pendulum") is None
    assert list(results({HNN: METRICS[HNN]}).pairs()) == []


def test_pair_floors_are_the_truths_or_of_both_encoders():
    (pair,) = results().pairs()
    assert [floor.mean for floor in pair.floors("long", "energy_error")] == [1e-6]
    (pixels,) = results(PIXEL_METRICS).pairs()
    assert [floor.mean for floor in pixels.floors("held_out", "energy_error")] == [0.001, 0.001]
    assert [floor.mean for floor in pixels.floors("long", "energy_error")] == [0.001, 0.001]
    assert pixels.floors("table1", "energy_error") == [None, None]
    assert None not in pixels.floors("held_out", "valid_time")
    assert pixels.floors("long", "valid_time") == [None, None]
    (alone,) = results({cell: METRICS[cell] for cell in (HNN, BASELINE)}).pairs()
    assert alone.floors("held_out", "energy_error") == [None]


def test_pair_without_a_comparison_or_a_set_has_no_verdict():
    files = {HNN: metrics(0.1, 0.1, long=None), BASELINE: METRICS[BASELINE]}
    (pair,) = results(files, comparisons=[]).pairs()
    assert pair.verdict("held_out", "energy_error") is None
    assert pair.both("long") is None
    assert pair.mark("x", "long") == "x"


def test_pair_mark_shows_a_mismatch_of_either():
    (pair,) = (found for found in [results(PIXEL_METRICS).pair("pixel_pendulum", "euler")])
    assert pair.mark("x", "continuous") == "x (mismatch)"
    assert pair.mark("x", "held_out") == "x"


def test_results_loss_floor_is_the_truths_and_none_without_it():
    assert results().loss_floor("pendulum").mean == 0.029
    assert Results({}).loss_floor("pendulum") is None


def test_comparison_to_json_holds_each_ratio_or_difference_with_its_verdict():
    long = comparison(HNN).to_json()["long"]
    assert long["energy_error"] == {"ratio": 0.25, "low": 0.2, "high": 0.3125, "p": 1e-5, "verdict": "better"}
    unknown = {"low": -0.5, "high": 0.5, "p": 1.0, "verdict": "not distinguishable"}
    assert long["diverged"] == {"difference": 0.0} | unknown
    assert comparison(HNN).title == "hnn vs baseline"


def test_comparison_to_json_of_one_seed_has_no_numbers_and_the_reason_as_its_verdict():
    held_out = comparison(HNN, FEW_SEEDS, FEW_SEEDS).to_json()["held_out"]
    nothing = dict.fromkeys(("low", "high", "p")) | {"verdict": "needs at least 2 seeds"}
    assert held_out["energy_error"] == {"ratio": None} | nothing
    assert held_out["diverged"] == {"difference": None} | nothing
