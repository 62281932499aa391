"""Sentences: the logic of their judgements; their texts are in the golden report."""

from dataclasses import replace

from report_fixture import METRICS, PIXEL_METRICS, comparison, difference, metrics, results

from hnn.core.cell import Cell
from hnn.core.statistics import FEW_SEEDS, NO_VALUES
from hnn.reporting import sentences
from hnn.reporting.definitions import UNREADABLE

HNN, BASELINE = Cell("pendulum", "hnn"), Cell("pendulum", "baseline")


def test_headline_sorts_the_tasks_by_verdict():
    files = {Cell(task, cell.model): entry for task in ("a", "b", "c", "d") for cell, entry in METRICS.items()}
    verdicts = {"a": "better", "b": "worse", "c": "not distinguishable", "d": "better"}
    compared = [comparison(Cell(task, "hnn"), verdict) for task, verdict in verdicts.items()]
    assert sentences.headline(results(files, compared)) == (
        "In energy, the Hamiltonian network (HNN) beats the baseline on a (error 4 times smaller [3.2, 5]) and d "
        "(4 times smaller [3.2, 5]), loses on b (error 4 times larger [3.2, 5]) and shows no significant difference on c."
    )


def test_headline_says_which_tasks_are_not_compared_and_is_empty_without_any():
    assert sentences.headline(results(comparisons=[])).endswith("is not compared on pendulum.")
    assert sentences.headline(results({HNN: METRICS[HNN]})).endswith("(HNN) is not compared on pendulum.")
    assert sentences.headline(results({})) == ""


def test_headline_of_one_seed_and_of_lost_rollouts_gives_the_reason():
    few, lost = (sentences.headline(results(verdict=reason)) for reason in (FEW_SEEDS, NO_VALUES))
    assert few.endswith("(HNN) needs at least 2 seeds for a verdict on pendulum.")
    assert lost.endswith("(HNN) has no finite values to compare on pendulum.")


def test_statistical_method_counts_starts_by_task_only_where_they_differ():
    assert "over 3 training seeds and 50 held-out" in sentences.statistical_method(3, {"a": 50, "b": 50}, shared=True)
    assert "and 50 (a) and 12 (b) held-out" in sentences.statistical_method(3, {"a": 50, "b": 12}, shared=True)


def test_statistical_method_says_whether_intervals_include_the_chance_of_the_training_data():
    shared, own = (sentences.statistical_method(5, {"a": 50}, shared=shared) for shared in (True, False))
    assert "seeds and initial states, but not that of the training data, which all seeds share" in shared
    assert "seeds, initial states and, where data are simulated, training data." in own


def test_statistical_method_of_one_seed_promises_neither_intervals_nor_verdicts():
    text = sentences.statistical_method(1, {"a": 50}, shared=False)
    assert text == "Each model was trained once: intervals and verdicts need at least 2 seeds (`-S seeds=5`)."


def test_outcome_puts_the_verdict_between_both_numbers():
    def energy(verdict):
        (pair,) = results(verdict=verdict).pairs()
        return sentences.outcome(pair).partition(";")[0].removeprefix("HNN's energy error is 0.1 [0.08, 0.125], ")

    assert energy("better") == "4 times smaller [3.2, 5] than the baseline's 0.4 [0.32, 0.5]"
    assert energy("worse") == "4 times larger [3.2, 5] than the baseline's 0.4 [0.32, 0.5]"
    assert energy("not distinguishable") == "not distinguishable from the baseline's 0.4 [0.32, 0.5]"
    assert energy(FEW_SEEDS) == "beside the baseline's 0.4 [0.32, 0.5]"


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
    texts = {}
    for verdict in ("better", "not distinguishable", FEW_SEEDS):
        differences = {**plain.differences, "floor": {"energy_error": difference(verdict)}}
        pair = results(PIXEL_METRICS, [replace(plain, differences=differences)]).pair("pixel_pendulum", "rk4")
        texts[verdict] = sentences.share_of_encoders(pair)
    assert texts["better"].endswith("from the true frames are 4 times smaller [3.2, 5] than those of the baseline's encoder.")
    assert texts["not distinguishable"].endswith("are not distinguishable from those of the baseline's encoder.")
    assert texts[FEW_SEEDS] == ""


def test_pixel_findings_of_states_that_cannot_be_read_say_so_with_the_likely_cause():
    found = results(PIXEL_METRICS, verdict=UNREADABLE)
    text = sentences.pixel_findings(found, "pixel_pendulum")
    assert "The states cannot be read from the latent ones (R² 0.999), so nothing is concluded" in text
    assert "`autoencoder.latent` may be too small" in text
    assert sentences.headline(found) == "In energy, the Hamiltonian network (HNN) cannot be read on pixel_pendulum."
    assert "cannot be read" not in sentences.pixel_findings(results(PIXEL_METRICS), "pixel_pendulum")
