"""Colours and line styles."""

from hnn.figures import style

NAMES = ["baseline", "baseline-rk4", "baseline-euler", "hnn", "hnn-rk4", "hnn-euler"]


def test_dashes_distinguish_all_models_without_colour():
    assert len({style.dashes(name) for name in NAMES}) == len(NAMES)
    assert len({(style.colour(name), style.dashes(name)) for name in [*NAMES, "truth"]}) == len(NAMES) + 1


def test_colour_of_a_pixel_cell_differs_from_that_of_a_state_cell():
    assert style.colour("baseline-rk4") != style.colour("baseline")
    assert style.colour("hnn-rk4") != style.colour("hnn")


def test_colour_of_other_models_is_one_of_the_others():
    assert style.colour("hnn") != style.colour("baseline")
    assert style.colour("another") in style.OTHERS
