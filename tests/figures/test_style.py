"""Colours and line styles."""

from hnn.core.cell import TRUTH, Cell
from hnn.figures import style

CELLS = [Cell("task", model, step_map) for model in ("baseline", "hnn") for step_map in ("", "rk4", "euler")]


def test_dashes_distinguish_all_models_without_colour():
    assert len({style.dashes(cell) for cell in CELLS}) == len(CELLS)
    assert len({(style.colour(cell), style.dashes(cell)) for cell in [*CELLS, Cell("task", TRUTH)]}) == len(CELLS) + 1


def test_colour_of_a_pixel_cell_differs_from_that_of_a_state_cell():
    for model in ("baseline", "hnn"):
        assert style.colour(Cell("task", model, "rk4")) != style.colour(Cell("task", model))


def test_model_colour_of_other_models_is_one_of_the_others():
    assert style.model_colour("hnn") != style.model_colour("baseline")
    assert style.model_colour("another") in style.OTHERS
