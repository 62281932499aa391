"""What the metrics files hold is found where it is, and nothing is missed that is not."""

import pytest
from reporting import CELLS, COMPARISONS, PIXEL_CELLS, floor

from hnn import results
from hnn.results import Pair

PENDULUM = Pair("pendulum", "hnn", "baseline")
PIXELS = Pair("pixel_pendulum", "hnn-rk4", "baseline-rk4")


def test_each_task_has_one_pair_and_pixel_cells_are_paired_by_their_first_map():
    assert list(results.pairs(CELLS | PIXEL_CELLS)) == [PENDULUM, PIXELS]
    euler = {key: cell for key, cell in PIXEL_CELLS.items() if key[1] != "baseline-rk4"}
    assert list(results.pairs(euler)) == [Pair("pixel_pendulum", "hnn-euler", "baseline-euler")]
    assert list(results.pairs({("pendulum", "hnn"): {}})) == []


def test_the_floor_is_the_truth_or_what_can_be_read_from_the_true_frames():
    cells = CELLS | PIXEL_CELLS
    assert results.floor(cells, PENDULUM, "long", "energy_error")["mean"] == 1e-6
    assert results.floor(cells, PIXELS, "held_out", "energy_error")["mean"] == 0.001
    assert results.floor(cells, PIXELS, "long", "energy_error") is None
    without = {key: cell for key, cell in CELLS.items() if key[1] != "truth"}
    assert results.floor(without, PENDULUM, "held_out", "energy_error") is None
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
    assert results.label("hnn", rollout) == name


def test_what_was_not_measured_on_a_set_is_none():
    assert results.found_in(floor(), "nearby") is None
    assert results.found_in(floor(), "held_out")["energy_error"]["mean"] == 1e-6
