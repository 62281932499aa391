"""What the metrics files hold is found where it is, and nothing is missed that is not."""

import pytest
from report_fixture import CELLS, COMPARISONS, PIXEL_CELLS, floor

from hnn.reporting import results
from hnn.reporting.results import Pair

PENDULUM = Pair("pendulum", "hnn", "baseline")
PIXELS = Pair("pixel_pendulum", "hnn-rk4", "baseline-rk4")


def test_each_task_has_one_pair_and_pixel_cells_are_paired_by_their_first_map():
    assert list(results.pairs(CELLS | PIXEL_CELLS)) == [PENDULUM, PIXELS]
    euler = {key: cell for key, cell in PIXEL_CELLS.items() if key[1] != "baseline-rk4"}
    assert list(results.pairs(euler)) == [Pair("pixel_pendulum", "hnn-euler", "baseline-euler")]
    assert list(results.pairs({("pendulum", "hnn"): {}})) == []


def test_the_floor_is_the_truth_or_what_can_be_read_from_the_true_frames():
    cells = CELLS | PIXEL_CELLS
    (exact,) = results.floors(cells, PENDULUM, "long", "energy_error")
    assert exact["mean"] == 1e-6
    assert [read["mean"] for read in results.floors(cells, PIXELS, "held_out", "energy_error")] == [0.001, 0.001]
    assert results.floors(cells, PIXELS, "long", "energy_error") == [None, None]
    without = {key: cell for key, cell in CELLS.items() if key[1] != "truth"}
    assert results.floors(without, PENDULUM, "held_out", "energy_error") == [None]
    assert results.loss_floor(cells, "pendulum") == 0.029
    assert results.loss_floor(without, "pendulum") is None


def test_verdicts_are_those_of_the_pair_the_set_and_the_quantity():
    assert results.verdict_on(COMPARISONS, PENDULUM, "long", "energy_error") == "better"
    assert results.verdict_on(COMPARISONS, PENDULUM, "long", "phase_error") is None
    assert results.verdict_on({}, PENDULUM, "long", "energy_error") is None
    assert results.verdict_on(COMPARISONS, PIXELS, "long", "energy_error") is None


@pytest.mark.parametrize(
    ("rollout", "name"), [({}, "hnn"), ({"mismatch": False}, "hnn"), ({"mismatch": True}, "hnn (mismatch)")]
)
def test_a_broken_contract_stands_in_the_name(rollout, name):
    assert results.label("hnn", "held_out", rollout) == name
    assert results.label("hnn", "long", rollout) == name  # it was not examined by itself
    assert results.label("hnn - baseline", "held_out", {}, rollout).endswith(" (mismatch)") == bool(rollout.get("mismatch"))


def test_a_set_with_a_contract_of_its_own_is_marked_by_it_alone():
    honoured, broken = {"integrator": {"honoured": True}}, {"integrator": {"honoured": False}, "mismatch": True}
    rollout = broken | {"long": honoured, "outside": broken}
    assert [results.mismatched(rollout, name) for name in ("held_out", "long", "outside", "nearby")] == [
        True,
        False,
        True,
        True,
    ]
    assert not results.mismatched(honoured | {"long": broken}, "outside")
    assert results.mismatched(honoured | {"table1": {"mismatch": True}}, "table1")


def test_what_was_not_measured_on_a_set_is_none():
    assert results.found_in(floor(), "nearby") is None
    assert results.found_in(floor(), "held_out")["energy_error"]["mean"] == 1e-6
