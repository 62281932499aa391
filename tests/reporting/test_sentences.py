"""Sentences: the logic of their judgements; their texts are in the golden report."""

from dataclasses import replace

from report_fixture import METRICS, PIXEL_METRICS, comparison, metrics, results

from hnn.core.cell import Cell
from hnn.core.statistics import Interval
from hnn.reporting import sentences
from hnn.reporting.results import Difference

HNN, BASELINE = Cell("pendulum", "hnn"), Cell("pendulum", "baseline")


def test_headline_sorts_the_tasks_by_verdict():
    files = {Cell(task, cell.model): entry for task in ("a", "b", "c", "d") for cell, entry in METRICS.items()}
    verdicts = {"a": "better", "b": "worse", "c": "not distinguishable", "d": "better"}
    compared = [comparison(Cell(task, "hnn"), verdict) for task, verdict in verdicts.items()]
    assert sentences.headline(results(files, compared)) == (
        "In energy, the Hamiltonian network (HNN) beats the baseline on a (error 4 times smaller) and d (4 times smaller), "
        "loses on b (error 4 times larger) and shows no significant difference on c."
    )


def test_headline_without_comparisons_says_so_and_without_pairs_is_empty():
    assert sentences.headline(results(comparisons=[])).endswith("is not compared on pendulum.")
    assert sentences.headline(results({HNN: METRICS[HNN]})) == ""


def test_statistical_method_counts_starts_by_task_only_where_they_differ():
    assert "over 3 training seeds and 50 held-out" in sentences.statistical_method(3, {"a": 50, "b": 50})
    assert "and 50 (a) and 12 (b) held-out" in sentences.statistical_method(3, {"a": 50, "b": 12})


def test_findings_say_that_hnn_cannot_learn_friction_where_the_true_energy_changes():
    assert "it cannot learn friction" in sentences.findings(results(), {"pendulum": -0.19})["pendulum"]
    assert "it cannot learn friction" not in sentences.findings(results(), {"pendulum": 0.001})["pendulum"]


def test_findings_leave_out_sets_that_were_not_measured_and_count_diverged_rollouts():
    files = {HNN: metrics(0.1, 0.1, 1e-7, long=None), BASELINE: METRICS[BASELINE]}
    files[BASELINE]["rollout"]["outside"] = files[BASELINE]["rollout"]["outside"] | {
        "diverged": {"mean": 0.5, "low": 0, "high": 1}
    }
    text = sentences.findings(results(files), {"pendulum": 0.0})["pendulum"]
    assert "Over the long horizon" not in text
    assert "with 0% and 50% of the rollouts diverged" in text


def test_findings_of_pixels_have_the_comparisons_whose_cells_were_trained():
    rk4 = {cell: entry for cell, entry in PIXEL_METRICS.items() if cell.step_map == "rk4"}
    assert "As published" not in sentences.findings(results(rk4), {})["pixel_pendulum"]
    euler = {cell: entry for cell, entry in PIXEL_METRICS.items() if cell.step_map == "euler"}
    assert "RK4" not in sentences.findings(results(euler), {})["pixel_pendulum"]
    assert "as an ODE (mismatch)" in sentences.findings(results(euler), {})["pixel_pendulum"]


def test_share_of_encoders_is_stated_only_where_the_floor_was_compared():
    rk4 = Cell("pixel_pendulum", "hnn", "rk4")
    plain = comparison(rk4)
    assert sentences.share_of_encoders(results(PIXEL_METRICS, [plain]).pair("pixel_pendulum", "rk4")) == ""
    floor = {"energy_error": Difference(Interval(-0.2, -0.25, -0.15), "better")}
    compared = replace(plain, differences={**plain.differences, "floor": floor})
    text = sentences.share_of_encoders(results(PIXEL_METRICS, [compared]).pair("pixel_pendulum", "rk4"))
    assert "Of the difference, -0.3 [-0.33, -0.27], -0.2 [-0.25, -0.15] is there before any rollout" in text
