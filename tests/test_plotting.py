"""Figures of rollouts that went wrong, and of those that did not; labels of axes are in test_report."""

from io import BytesIO

import numpy as np
import pytest

from hnn import plotting
from hnn.trajectories import TrueMotion

T = np.linspace(0, 2, 21)
LOST = np.where(T < 1, T, np.nan)
GOOD = np.cos(T)


def draw(figure):
    """What a reader of the file sees must be drawn, not only made."""
    file = BytesIO()
    figure.savefig(file, format="png")
    assert file.tell() > 0


@pytest.mark.parametrize(("model", "learned"), [(GOOD, GOOD), (LOST, GOOD), (LOST, LOST), (LOST * 1e12, GOOD)])
def test_energies_are_drawn_though_a_rollout_is_lost(model, learned):
    figure = plotting.energies(T, np.ones_like(T), {"baseline": model, "hnn": model}, {"hnn": learned}, "title")
    draw(figure)
    low, high = figure.axes[0].get_ylim()
    assert low < 1 < high


def test_a_learned_energy_is_drawn_from_the_true_one_of_the_start():
    figure = plotting.energies(T, 5 * np.ones_like(T), {}, {"hnn": GOOD + 100}, "title")
    assert figure.axes[1].lines[1].get_ydata() == pytest.approx(GOOD + 4)


def test_bands_are_medians_and_quartiles_and_what_is_lost_is_infinitely_wrong():
    error = np.array([0.1, 0.2, 0.3, np.nan, 0.5]).reshape(1, 5, 1) * np.ones(len(T))
    figure = plotting.error_bands({"t": T}, {"t": {"hnn": error}}, "error")
    draw(figure)
    (line,) = figure.axes[0].lines
    assert line.get_ydata() == pytest.approx(0.3)
    assert line.get_xdata()[0] == T[1]
    assert figure.axes[0].get_yscale() == "log"


def test_bands_are_drawn_though_every_rollout_is_lost():
    error = np.broadcast_to(np.where(T < 1, 0.1, np.nan), (1, 3, len(T)))
    figure = plotting.error_bands({"t": T}, {"t": {"baseline": error, "hnn": np.full((1, 3, len(T)), 0.1)}}, "error")
    draw(figure)
    lost, kept = (line.get_ydata() for line in figure.axes[0].lines)
    assert np.isinf(lost[T[1:] >= 1]).all()
    assert np.isfinite(lost[T[1:] < 1]).all()
    assert np.isfinite(kept).all()


@pytest.mark.parametrize(("components", "title"), [(2, "three motions over 2 s"), (8, "one motion over 2 s")])
def test_a_task_has_its_paths_and_its_energy_over_the_longest_horizon(components, title):
    x = np.random.default_rng(0).standard_normal((4, len(T), components))
    short = TrueMotion(T / 10, x, np.ones(4))
    rolled = {"x": x[None], "energy": np.ones((1, 4, len(T))), "true_energy": np.ones((4, len(T)))}
    models = {"baseline": {"long": rolled, "held_out": rolled}}
    figures = plotting.task_figures("spring", {"held_out": short, "long": TrueMotion(T, x, np.ones(4))}, models)
    assert list(figures) == ["spring-paths", "spring-energy"]
    assert figures["spring-paths"].get_suptitle() == f"spring: {title}"
    for figure in figures.values():
        draw(figure)


def test_models_that_are_not_the_two_fixed_ones_have_a_colour_of_their_own():
    assert plotting.colour("hnn") != plotting.colour("baseline")
    assert plotting.colour("another") in plotting.OTHERS
