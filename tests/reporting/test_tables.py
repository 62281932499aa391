"""Tables: the logic of their rows; their texts are in the golden report."""

import csv
import math

import pytest
from conftest import ROOT
from report_fixture import METRICS, PIXEL_METRICS, about, comparison, contract, law, metrics, results

from hnn.commands import summaries
from hnn.core.cell import TRUTH, Cell
from hnn.core.statistics import Interval
from hnn.files import formats
from hnn.reporting import sentences, tables
from hnn.reporting.formatting import NOTHING
from hnn.reporting.results import Difference

HNN, BASELINE = Cell("pendulum", "hnn"), Cell("pendulum", "baseline")
SUMMARY = ROOT / "metrics" / "summary.csv"


def test_headline_compares_energies_and_coordinates_in_words():
    (row,) = tables.headline(results())
    assert list(row) == ["task", "energy", "hnn", "baseline", "floor", "coordinates"]
    assert row["energy"] == "4 times smaller [3.2, 5]"
    assert row["coordinates"] == "not distinguishable, 1.1 times [0.8, 1.4]"
    (row,) = tables.headline(results(comparisons=[]))
    assert row["energy"] == row["coordinates"] == "–"
    assert tables.headline(results(), "nearby") == []


def test_headline_marks_the_number_of_the_cell_that_breaks_the_contract():
    files = METRICS | {HNN: metrics(0.1, 0.1)}
    files[HNN]["rollout"] |= contract(honoured=False)
    (row,) = tables.headline(results(files))
    assert row["hnn"].endswith("] (mismatch)")
    assert row["energy"].endswith("] (mismatch)")
    assert row["coordinates"].endswith("] (mismatch)")
    assert "mismatch" not in row["baseline"]


def test_headline_floor_of_pixels_is_that_of_both_encoders():
    (row,) = tables.headline(results(PIXEL_METRICS))
    assert row["floor"] == "0.001 / 0.001"


def test_beside_published_has_a_row_for_each_published_number_and_every_step_map():
    rows = tables.beside_published(results(METRICS | PIXEL_METRICS), {"pendulum": "squared_radius"})
    assert [row["quantity"] for row in rows] == ["energy_mse"] * 6 + ["test_loss"] * 6
    assert {row["square error of"] for row in rows[:2]} == {"q² + p², mixed SI units"}
    assert [row["model"] for row in rows[2:6]] == ["baseline-rk4", "baseline-euler", "hnn-rk4", "hnn-euler"]
    assert [row["floor"] for row in rows if row["task"] == "pendulum"] == ["1.0e-12"] * 2 + ["0.029"] * 2
    unpublished = {Cell("spring", "hnn"): METRICS[HNN]}
    assert tables.beside_published(results(unpublished), {}) == []


def test_protocol_begins_each_task_with_its_floor_and_ends_with_the_comparison():
    rows = tables.protocol(results(), "held_out")
    assert [row["model"] for row in rows] == ["truth (floor)", "baseline", "hnn", "hnn beside baseline"]
    assert rows[-1]["energy_error"] == "4 times smaller [3.2, 5]"
    assert rows[-1]["diverged"] == "not distinguishable, 0 [-0.5, 0.5]"
    assert rows[-1]["energy_mse"] == "–"
    assert tables.protocol(results(), "nearby") == []


LOSSY = Cell("pendulum", "dissipative_hnn")


def further_results():
    """Baseline and HNN with a further model that learns the friction, better than the baseline and much better than HNN."""
    files = METRICS | {LOSSY: metrics(0.05, 0.05)}
    files[LOSSY]["rollout"]["friction_error"] = about(0.02)
    references = [
        comparison(LOSSY, verdict, "better", other)
        for other, verdict in zip(LOSSY.references, ("better", "worse"), strict=True)
    ]
    return results(files, [comparison(HNN), *references])


def test_further_models_has_errors_beside_baseline_and_hnn_by_set_of_starts():
    held_out, *others = tables.further_models(further_results())
    assert (held_out["model"], held_out["starts"]) == ("dissipative_hnn", "held out")
    assert held_out["energy_error beside baseline"] == "4 times smaller [3.2, 5]"
    assert held_out["energy_error beside hnn"] == "4 times larger [3.2, 5]"
    assert held_out["friction_error"].startswith("0.02 [")
    assert {row["friction_error"] for row in others} == {"–"}
    assert tables.further_models(results()) == []


def test_protocol_has_a_row_for_each_comparison_of_a_further_model():
    rows = {row["model"]: row for row in tables.protocol(further_results(), "held_out")}
    assert rows["dissipative_hnn beside baseline"]["energy_error"] == "4 times smaller [3.2, 5]"
    assert rows["dissipative_hnn beside hnn"]["energy_error"] == "4 times larger [3.2, 5]"
    assert "hnn beside baseline" in rows


def test_further_outcomes_compare_with_baseline_and_hnn_and_give_the_friction():
    found = sentences.further_outcomes(further_results())
    text = found["pendulum, dissipative_hnn"]
    assert text.startswith("Its energy error is 0.05 [")
    assert (
        "4 times smaller [3.2, 5] than the baseline's and 4 times larger [3.2, 5] than HNN's; its coordinate error is" in text
    )
    assert "its error of the friction is 0.02 [" in text
    assert sentences.further_outcomes(results()) == {}


def test_further_headline_names_the_tasks_on_which_a_further_model_differs_from_hnn():
    beats = "dissipative_hnn beats HNN in coordinates on pendulum (4 times smaller [3.2, 5])"
    one = f"{beats} and loses to HNN in energy on pendulum (4 times larger [3.2, 5])."
    assert sentences.further_headline(further_results()) == one
    files = METRICS | {LOSSY: metrics(0.05, 0.05)}
    better = results(files, [comparison(HNN), comparison(LOSSY, "better", "better", HNN)])
    assert sentences.further_headline(better).startswith("dissipative_hnn beats HNN in energy on pendulum (")
    worse = results(files, [comparison(HNN), comparison(LOSSY, "better", "worse", HNN)])
    text = sentences.further_headline(worse)
    assert text.startswith("dissipative_hnn beats HNN in energy on pendulum (")
    assert " and loses to HNN in coordinates on pendulum (" in text
    alike = results(files, [comparison(HNN), comparison(LOSSY, "not distinguishable", "not distinguishable", HNN)])
    assert sentences.further_headline(alike) == "dissipative_hnn is not distinguishable from HNN on any task."
    assert sentences.further_headline(results()) == ""


def test_beside_published_has_the_arithmetic_mean_of_losses_as_the_published_table():
    train = {"test_loss": {"mean": 0.2, "low": 0.1, "high": 0.4, "geometric": True, "seeds": [0.1, 0.4]}}
    rows = tables.beside_published(results({HNN: METRICS[HNN] | {"train": train}}), {})
    (loss,) = [row["ours"] for row in rows if row["quantity"] == "test_loss"]
    assert loss.split(" [")[0] == "0.25"


def test_laws_have_coefficients_beside_the_true_ones_or_say_that_none_fits():
    files = {HNN: METRICS[HNN] | {"rollout": METRICS[HNN]["rollout"] | {"law": law()}}}
    files[LOSSY] = METRICS[HNN] | {"rollout": METRICS[HNN]["rollout"] | {"law": law(fits=False)}}
    fitted, missed = tables.laws(results(files))
    assert fitted["formula"] == "H ≈ (3.010 ± 0.012)·(1 - cos q) + (-0.990 ± 0.020)·1/|q1 - q2|"
    assert fitted["true H"] == "3·(1 - cos q) - 1·1/|q1 - q2|"
    assert fitted["energy error"].startswith("0.02 [")
    assert missed["formula"] == "no short formula fits: 0.7 of the mean square of J∇H is explained by (1 - cos q)"
    assert missed["true H"] == "no short formula of this library"
    assert missed["energy error"] == NOTHING
    assert tables.laws(results()) == []


def test_outcome_names_the_learned_formula_beside_the_true_one_or_says_that_none_fits():
    for fits, said in (
        (True, "; the true one: 3·(1 - cos q) - 1·1/|q1 - q2|."),
        (False, " Its learned energy: no short formula fits"),
    ):
        files = METRICS | {HNN: METRICS[HNN] | {"rollout": METRICS[HNN]["rollout"] | {"law": law(fits)}}}
        (pair,) = results(files).pairs()
        assert said in sentences.outcome(pair)


def test_summary_rows_have_no_terms_of_formulas():
    files = {HNN: METRICS[HNN] | {"rollout": METRICS[HNN]["rollout"] | {"law": law()}}}
    assert tables.summary_rows(files) == tables.summary_rows({HNN: METRICS[HNN]})


def test_columns_leave_out_what_no_row_has():
    assert tables.columns([{"a": "–", "b": "1"}, {"a": "–", "b": "–"}]) == ["b"]
    assert tables.columns([]) == []


def test_integrators_have_a_row_for_each_diagnosed_set():
    files = {HNN: metrics(0.1, 0.1, long=contract(honoured=False)), Cell("pendulum", TRUTH): METRICS[Cell("pendulum", TRUTH)]}
    files[HNN]["rollout"] |= contract()
    rows = tables.integrators(results(files))
    assert [(row["model"], row["starts"], row["contract"]) for row in rows] == [
        ("hnn", "held out", "honoured"),
        ("hnn (mismatch)", "long horizon", "broken"),
        ("truth", "held out", "honoured"),
    ]
    assert [row["with"] for row in rows] == ["step 0.5", "step 0.5", "tolerance 1.0e-7"]
    files[HNN]["rollout"] |= contract(error=None, share=None)
    assert tables.integrators(results(files))[0]["contract"] == "not measured"


def test_valid_times_are_medians_and_quartiles_by_set():
    files = {HNN: metrics(0.1, 0.1, long={"valid_time": about(2.0) | {"median": 1.5, "q1": 1.0, "q3": 3.0}})}
    (row,) = tables.valid_times(results(files))
    assert row["long horizon"] == "1.5 (1 to 3)"
    assert row["outside"] == "–"
    assert tables.valid_times(results()) == []


def test_pixel_tables_have_rows_for_pixel_cells_alone():
    both = results(METRICS | PIXEL_METRICS)
    rows = tables.pixel_rollouts(both)
    assert len(rows) == 3 * 4
    assert [row["rolled out by"] for row in rows if row["trained with"] == "euler"][1] == "continuous (mismatch)"
    assert [row["model"] for row in tables.encoders(both)] == [cell.name for cell in PIXEL_METRICS]


def test_summary_rows_hold_every_number_with_its_set_as_prefix():
    rows = {(row["model"], row["quantity"]): row["mean"] for row in tables.summary_rows(METRICS)}
    assert rows["hnn", "energy_error"] == 0.1
    assert rows["hnn", "long.energy_error"] == 0.1
    assert rows["hnn", "parameters"] == 10
    assert rows["truth", "integrator.error"] == 1e-6
    assert ("truth", "integrator.method") not in rows
    files = {HNN: {"rollout": contract(honoured=False)}}
    assert {row["quantity"]: row["mean"] for row in tables.summary_rows(files)}["mismatch"] == 1


def test_summary_rows_have_the_seeds_and_their_scale_and_settings_a_mean_alone():
    rows = {row["quantity"]: row for row in tables.summary_rows({HNN: METRICS[HNN]})}
    energy, time, lost = rows["energy_error"], rows["valid_time"], rows["diverged"]
    assert (energy["scale"], time["scale"], lost["scale"]) == ("log", "log", "linear")
    assert [float(one) for one in energy["seeds"].split()] == pytest.approx(METRICS[HNN]["rollout"]["energy_error"]["seeds"])
    assert set(rows["steps"]) == {"task", "model", "quantity", "mean"}


def test_summary_rows_are_read_again_as_the_same_numbers(tmp_path):
    formats.write_rows(tmp_path / "summary.csv", tables.summary_rows(METRICS))
    read = summaries.parse((tmp_path / "summary.csv").read_text())["pendulum", "hnn"]
    written = results().cells[HNN].held_out["energy_error"]
    assert read["energy_error"]._replace(seeds=()) == written._replace(seeds=())
    assert read["energy_error"].seeds == pytest.approx(written.seeds, rel=1e-8)
    assert read["steps"] == Interval(100.0)


@pytest.mark.skipif(not SUMMARY.is_file(), reason="no committed results yet")
def test_committed_summary_has_a_finite_mean_or_none_for_every_number():
    rows = list(csv.DictReader(SUMMARY.read_text(encoding="utf-8").splitlines()))
    assert len(rows) > 100
    assert all(row["mean"] == "" or math.isfinite(float(row["mean"])) for row in rows)


def test_comparison_of_another_cell_gives_no_row():
    rows = tables.protocol(results(comparisons=[comparison(Cell("spring", "hnn"))]), "held_out")
    assert [row["model"] for row in rows] == ["truth (floor)", "baseline", "hnn"]


def test_readings_have_both_readings_over_both_horizons_of_pixel_tasks_alone():
    rows = tables.readings(results(METRICS | PIXEL_METRICS))
    assert {row["task"] for row in rows} == {"pixel_pendulum"}
    assert list(dict.fromkeys(row["starts"] for row in rows)) == [
        "held out", "long horizon", "held out, from pictures", "long horizon, from pictures"
    ]  # fmt: skip
    assert [row["quantity"] for row in rows[:3]] == ["energy_error", "coordinate_error", "valid_time"]
    assert rows[0]["floor"] == "0.001 / 0.001"
    assert [row["floor"] for row in rows if row["quantity"] == "valid_time"] == ["6 / 6", "–", "6 / 6", "–"]
    assert rows[0]["HNN beside baseline"] == "4 times smaller [3.2, 5]"
    lost = {
        cell: files | {"rollout": {name: entry for name, entry in files["rollout"].items() if "pictures" not in name}}
        for cell, files in PIXEL_METRICS.items()
    }
    assert len(tables.readings(results(lost))) == 6


def test_difference_text_calls_times_shorter_or_longer():
    longer = Difference(Interval(2.0, 1.5, 3.0, geometric=True), 1e-5, "better")
    assert tables.difference_text(longer, "valid_time") == "2 times longer [1.5, 3]"
    assert tables.difference_text(longer, "energy_error") == "2 times larger [1.5, 3]"
