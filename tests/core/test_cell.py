"""Names of cells."""

import pytest

from hnn.core.cell import TRUTH, Cell


@pytest.mark.parametrize(
    ("cell", "key"),
    [(Cell("pendulum", "hnn"), "pendulum-hnn"), (Cell("pixel_pendulum", "hnn", "rk4"), "pixel_pendulum-hnn-rk4")],
)
def test_cell_key_is_task_and_name(cell, key):
    assert cell.key == key == f"{cell.task}-{cell.name}"
    assert cell.from_pixels == ("rk4" in key)


def test_cell_baseline_is_of_the_same_task_and_step_map():
    assert [one.key for one in Cell("pixel_pendulum", "hnn", "rk4").references] == ["pixel_pendulum-baseline-rk4"]
    assert Cell("pendulum", "baseline").references == ()


def test_cell_is_truth_only_for_the_exact_field():
    assert Cell("pendulum", TRUTH).is_truth
    assert not Cell("pendulum", "hnn").is_truth
