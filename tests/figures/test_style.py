"""Whoever reads a legend can tell the models apart, by colour and without."""

from hnn.figures import style

NAMES = ["baseline", "baseline-rk4", "baseline-euler", "hnn", "hnn-rk4", "hnn-euler"]


def test_no_two_models_have_the_same_line_and_none_hangs_on_colour():
    assert len({style.dashes(name) for name in NAMES}) == len(NAMES)
    assert len({(style.colour(name), style.dashes(name)) for name in [*NAMES, "truth"]}) == len(NAMES) + 1


def test_a_cell_of_pixels_has_another_colour_than_the_one_of_states_that_is_drawn_beside_it():
    assert style.colour("baseline-rk4") != style.colour("baseline")
    assert style.colour("hnn-rk4") != style.colour("hnn")


def test_models_that_are_not_the_two_fixed_ones_have_a_colour_of_their_own():
    assert style.colour("hnn") != style.colour("baseline")
    assert style.colour("another") in style.OTHERS
