"""Figures of pixel tasks."""

from io import BytesIO

import numpy as np
import pytest

from hnn.core.cell import Cell
from hnn.core.trajectories import CellRollouts, Counterfactual, Portrait, Rollout, TrueMotion, Visuals
from hnn.figures import pixels

T = np.linspace(0, 1.0, 21)
X = np.stack([np.cos(T), -np.sin(T)], -1)
MOTION = TrueMotion(T, X[None], np.array([6.28]))
BASELINE_RK4, BASELINE_EULER, HNN_RK4, HNN_EULER = (
    Cell("pixel_pendulum", model, step_map) for model in ("baseline", "hnn") for step_map in ("rk4", "euler")
)


def film(channels=1, count=21):
    return np.random.default_rng(0).integers(256, size=(count, channels, 8, 8), dtype=np.uint8)


def cell(channels=1, learned=True, x=X):
    """The rollouts of a pixel cell, with visuals."""
    grid, energy = np.linspace(-1, 1, 6), 1 + 0.1 * T[None, None]
    rollout = Rollout(T, x[None, None], energy, 0.9 * energy[0], energy, 1.0, z=X[None, None])
    films = {name: film(channels) for name in ("true", "decoded", "continuous")}
    if not learned:
        return CellRollouts({"held_out": rollout}, Visuals(films))
    portrait = Portrait(grid, grid, grid**2 + grid[:, None] ** 2)
    return CellRollouts(
        {"held_out": rollout}, Visuals(films, portrait, Counterfactual(X, T, film(channels), np.array([8, 4, 8])))
    )


def draw(figure):
    file = BytesIO()
    figure.savefig(file, format="png")
    assert file.tell() > 0


@pytest.mark.parametrize("channels", [1, 3])
def test_task_figures_of_a_pixel_task_are_drawn(channels):
    models = {BASELINE_RK4: cell(channels, learned=False), HNN_RK4: cell(channels)}
    figures = pixels.task_figures("pixel_pendulum", MOTION, models)
    assert list(figures) == ["film", "angle"]
    for figure in figures.values():
        draw(figure)


@pytest.mark.parametrize("channels", [1, 3])
def test_energy_figures_are_drawn_of_a_cell_that_learns_an_energy(channels):
    assert pixels.energy_figures(BASELINE_RK4, cell(channels, learned=False)) == {}
    figures = pixels.energy_figures(HNN_RK4, cell(channels))
    assert list(figures) == ["portrait", "counterfactual"]
    assert figures["portrait"].axes[0].get_title() == "hnn-rk4: learned energy"
    for figure in figures.values():
        draw(figure)


def test_task_figures_keep_the_scale_of_the_truth_beside_diverged_rollouts():
    models = {HNN_EULER: cell(x=np.full_like(X, np.nan)), HNN_RK4: cell(x=1e9 * X)}
    figure = pixels.task_figures("pixel_pendulum", MOTION, models)["angle"]
    draw(figure)
    assert figure.axes[0].get_ylim() == pytest.approx((-1.6, 1.6))


def test_angles_and_portrait_figure_have_labels_with_units():
    angle = pixels.angles(T, X[:, 0], {HNN_RK4: X[:, 0], BASELINE_EULER: X[:, 0]}, "title")
    assert angle.axes[0].get_xlabel() == "time in s"
    assert angle.axes[0].get_ylabel() == "angle in rad"
    assert [line.get_linestyle() for line in angle.axes[0].lines] == ["-", "--", "-."]
    portrait = pixels.portrait_figure(cell().visuals.portrait, X[None], "title")
    assert (portrait.axes[0].get_xlabel(), portrait.axes[0].get_ylabel()) == ("latent q", "latent p")
