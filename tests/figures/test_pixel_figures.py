"""Figures of pixel tasks: they are drawn whatever the frames, with labels, and the animations hold what they should."""

from io import BytesIO

import numpy as np
import pytest

from hnn.core.trajectories import TrueMotion
from hnn.figures import pixels

T = np.linspace(0, 1.0, 21)
X = np.stack([np.cos(T), -np.sin(T)], -1)
MOTION = TrueMotion(T, X[None], np.array([6.28]))


def film(channels=1, count=21):
    return np.random.default_rng(0).integers(256, size=(count, channels, 8, 8), dtype=np.uint8)


def rolled(channels=1, learned=True):
    grid = np.linspace(-1, 1, 6)
    films = {name: film(channels) for name in ("true", "decoded", "continuous")}
    found = {"film": films, "held_out": {"x": X[None, None], "z": X[None, None]}}
    if learned:
        found["portrait"] = {"q": grid, "p": grid, "energy": grid**2 + grid[:, None] ** 2}
        path = {"z": X, "energy": T, "decoded": film(channels), "phases": np.array([8, 4, 8])}
        found["counterfactual"] = path
    return found


def draw(figure):
    file = BytesIO()
    figure.savefig(file, format="png")
    assert file.tell() > 0


@pytest.mark.parametrize("channels", [1, 3])
def test_every_figure_of_a_pixel_task_is_drawn(channels):
    models = {"baseline-rk4": rolled(channels, learned=False), "hnn-rk4": rolled(channels)}
    figures = pixels.task_figures("pixel_pendulum", {"held_out": MOTION}, models)
    assert list(figures) == [
        f"pixel_pendulum-{name}" for name in ("film", "angle", "hnn-rk4-portrait", "hnn-rk4-counterfactual")
    ]
    for figure in figures.values():
        draw(figure)


def test_a_lost_rollout_leaves_the_others_in_sight():
    lost = rolled()
    lost["held_out"]["x"] = np.full_like(X, np.nan)[None, None]
    wild = rolled()
    wild["held_out"]["x"] = 1e9 * X[None, None]
    figure = pixels.task_figures("p", {"held_out": MOTION}, {"hnn-euler": lost, "hnn-rk4": wild})["p-angle"]
    draw(figure)
    assert figure.axes[0].get_ylim() == pytest.approx((-1.6, 1.6))


def test_axes_have_labels_with_units():
    angle = pixels.angles(T, X[:, 0], {"hnn-rk4": X[:, 0], "baseline-euler": X[:, 0]}, "title")
    assert angle.axes[0].get_xlabel() == "time in s"
    assert angle.axes[0].get_ylabel() == "angle in rad"
    assert [line.get_linestyle() for line in angle.axes[0].lines] == ["-", "--", "-."]
    portrait = pixels.portrait(rolled()["portrait"], X[None], "title")
    assert (portrait.axes[0].get_xlabel(), portrait.axes[0].get_ylabel()) == ("latent q", "latent p")
