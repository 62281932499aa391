"""Every number that was measured stands in its table, with its interval, its floor and what is to be said about it."""

from copy import deepcopy
from typing import get_args

import pytest
from report_fixture import CELLS, COMPARISONS, PIXEL_CELLS, about, cell, contract, floor, pixels_compared

from hnn.params import schema
from hnn.reporting import tables


def test_beside_the_published_number_stand_ours_the_floor_and_the_remark():
    rows = {(row["model"], row["quantity"]): row for row in tables.beside_published(CELLS, {"pendulum": "squared_radius"})}
    assert len(rows) == 4
    assert rows["hnn", "energy_mse"]["published"] == "0.0249 ± 0.00542"
    assert rows["hnn", "energy_mse"]["ours"] == "0.01 [0.009, 0.011]"
    assert rows["hnn", "test_loss"]["floor"] == "0.029"
    assert rows["hnn", "energy_mse"]["square error of"] == "q² + p², mixed SI units"
    assert rows["hnn", "test_loss"]["square error of"] == "dx/dt, mixed SI units"
    assert "floor" in rows["hnn", "test_loss"]["remark"]


def test_every_energy_function_of_the_parameters_and_every_loss_says_what_it_is():
    names = get_args(get_args(schema.TaskRollout.model_fields["published_energy"].annotation)[0])
    whats = [tables.beside_published(PIXEL_CELLS, {"pixel_pendulum": name}) for name in names]
    assert len({rows[0]["square error of"] for rows in whats}) == len(names)
    assert tables.beside_published(PIXEL_CELLS, {"pixel_pendulum": None})[0]["square error of"] == "H, J²"
    assert whats[0][-1]["square error of"] == "weighted terms, no unit"


def test_at_a_glance_a_task_has_one_row_with_verdict_difference_and_floor():
    one, other = tables.headline(CELLS | PIXEL_CELLS, COMPARISONS | pixels_compared())
    assert one == {
        "task": "pendulum",
        "energy": "better, 4 times",
        "hnn": "0.1 [0.09, 0.11]",
        "baseline": "0.4 [0.36, 0.44]",
        "floor": "1.0e-6",
        "difference": "-0.3 [-0.27, -0.33]",
        "coordinates": "not distinguishable",
    }
    assert (other["task"], other["energy"], other["floor"]) == (
        "pixel_pendulum",
        "not distinguishable",
        "0.001 / 0.001",
    )


def test_without_comparisons_nothing_is_judged():
    (row,) = tables.headline(CELLS, {})
    assert (row["energy"], row["difference"]) == ("–", "–")
    assert "hnn - baseline" not in [row["model"] for row in tables.protocol(CELLS, {}, "held_out")]


def test_our_protocol_begins_with_the_floor_and_ends_with_the_verdict():
    for name in ("held_out", "long", "outside"):
        rows = tables.protocol(CELLS, COMPARISONS, name)
        assert [row["model"] for row in rows] == ["truth (floor)", "baseline", "hnn", "hnn - baseline"]
        assert rows[-1]["energy_error"] == "-0.3 [-0.27, -0.33]: better"
        assert rows[-1]["valid_time"] == "–"


def test_a_set_that_was_not_measured_has_no_rows():
    cells = {("pendulum", "hnn"): cell(0.1, 0.1, outside=None)}
    assert tables.protocol(cells, {}, "outside") == []
    assert tables.columns(tables.protocol(cells, {}, "outside")) == []


def test_columns_without_anything_are_left_out():
    shown = tables.columns(tables.protocol(CELLS, COMPARISONS, "held_out"))
    assert shown[:3] == ["task", "model", "energy_error"]
    assert "conserved_error" in shown
    assert "phase_error" not in shown


def broken(*names):
    """The cells of the pendulum, HNN's with a contract in each set, broken in those named."""
    cells = deepcopy(CELLS)
    rollout = cells["pendulum", "hnn"]["rollout"]
    for name in ("held_out", "long", "outside"):
        part = rollout if name == "held_out" else rollout[name]
        part |= contract(honoured=name not in names)
    return cells


def test_a_mismatch_shows_in_every_table_that_holds_the_number():
    cells = deepcopy(CELLS)
    cells["pendulum", "hnn"]["rollout"] |= contract(honoured=False)
    for rows in (tables.beside_published(cells, {}), tables.protocol(cells, COMPARISONS, "long"), tables.contract(cells)):
        assert "hnn (mismatch)" in [row["model"] for row in rows]
    (glance,) = tables.headline(cells, COMPARISONS)
    assert [glance[key].endswith(" (mismatch)") for key in ("hnn", "baseline", "difference")] == [True, False, True]
    assert tables.protocol(cells, COMPARISONS, "long")[-1]["model"] == "hnn - baseline (mismatch)"
    row = {row["model"]: row for row in tables.contract(cells)}["hnn (mismatch)"]
    assert (row["starts"], row["with"], row["of the model's"], row["contract"]) == ("held out", "step 0.5", "0.2", "broken")


@pytest.mark.parametrize("where", ["held_out", "long", "outside"])
def test_a_set_that_was_examined_by_itself_has_its_own_row_and_its_own_mark(where):
    cells = broken(where)
    rows = [row for row in tables.contract(cells) if row["model"].startswith("hnn")]
    assert [row["starts"] for row in rows] == ["held out", "long horizon", "outside"]
    assert [row["contract"] for row in rows].count("broken") == 1
    for name in ("held_out", "long", "outside"):
        models = {row["model"] for row in tables.protocol(cells, COMPARISONS, name)}
        assert {"hnn (mismatch)", "hnn - baseline (mismatch)"} <= models if name == where else not models & {"hnn (mismatch)"}
        (glance,) = tables.headline(cells, COMPARISONS, name)
        assert glance["hnn"].endswith(" (mismatch)") == (name == where)
    marks = {"held_out": "mismatch", "long": "long.mismatch", "outside": "outside.mismatch"}
    assert {row["quantity"] for row in tables.summary_rows(cells)} & set(marks.values()) == {marks[where]}


def test_valid_times_have_their_median_and_quartiles_where_they_are_known():
    cells = deepcopy(CELLS)
    assert tables.valid_times(cells) == []
    cells["pendulum", "hnn"]["rollout"]["valid_time"] = about(2.0) | {"median": 1.5, "q1": 1.0, "q3": 2.5}
    (row,) = tables.valid_times(cells)
    assert (row["model"], row["held out"], row["long horizon"]) == ("hnn", "1.5 (1 to 2.5)", "–")


def test_the_contract_of_the_truth_needs_no_model_to_be_held_against():
    (row,) = tables.contract({("pendulum", "truth"): floor()})
    assert (row["integrator"], row["with"], row["its error"], row["of the model's"]) == (
        "dop853",
        "tolerance 1e-07",
        "1.0e-6",
        "–",
    )
    assert row["contract"] == "honoured"


def test_the_summary_has_a_row_for_each_number_and_none_for_words():
    rows = tables.summary_rows(CELLS)
    expected = {"test_loss", "parameters", "energy_error", "table1.energy_mse", "long.energy_error", "integrator.error"}
    assert {row["quantity"] for row in rows} >= expected
    assert not {"integrator.method", "integrator.honoured"} & {row["quantity"] for row in rows}
