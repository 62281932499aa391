"""Figures of pixel tasks: they are drawn whatever the frames, with labels, and the animations hold what they should."""

from io import BytesIO

import numpy as np
import pytest
import torch

from hnn import pictures
from hnn.trajectories import TrueMotion

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
    figures = pictures.task_figures("pixel_pendulum", {"held_out": MOTION}, models)
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
    figure = pictures.task_figures("p", {"held_out": MOTION}, {"hnn-euler": lost, "hnn-rk4": wild})["p-angle"]
    draw(figure)
    assert figure.axes[0].get_ylim() == pytest.approx((-1.6, 1.6))


def test_axes_have_labels_with_units():
    angle = pictures.angles(T, X[:, 0], {"hnn-rk4": X[:, 0], "baseline-euler": X[:, 0]}, "title")
    assert angle.axes[0].get_xlabel() == "time in s"
    assert angle.axes[0].get_ylabel() == "angle in rad"
    assert [line.get_linestyle() for line in angle.axes[0].lines] == ["-", "-", "-."]
    portrait = pictures.portrait(rolled()["portrait"], X[None], "title")
    assert (portrait.axes[0].get_xlabel(), portrait.axes[0].get_ylabel()) == ("latent q", "latent p")


def test_a_strip_shows_the_frames_at_the_times_that_it_names():
    a, b = film(), film()
    figure = pictures.film_strip({"truth": a, "hnn-rk4": b}, [0, 10, 20], T, "title")
    (axis,) = figure.axes
    shown = [image.get_array() for image in axis.images]
    for image, expected in zip(shown, [a[0, 0], a[10, 0], a[20, 0], b[0, 0], b[10, 0], b[20, 0]], strict=True):
        assert np.array_equal(image, expected)
    assert [label.get_text() for label in axis.get_xticklabels()] == ["0 s", "0.5 s", "1 s"]
    assert [label.get_text() for label in axis.get_yticklabels()] == ["truth", "hnn-rk4"]


@pytest.mark.parametrize("channels", [1, 3])
def test_animations_show_truth_and_models_side_by_side_in_every_frame(channels):
    models = {"baseline-euler": rolled(channels, learned=False), "hnn-rk4": rolled(channels)}
    found = pictures.animations("p", models)
    assert list(found) == ["p-film", "p-hnn-rk4-counterfactual"]
    assert found["p-film"].shape == (11, 3 * 8, 3 * (3 * 8 + 2))  # truth, the second, and the mismatch of the first
    assert found["p-film"].dtype == np.uint8
    truth = models["baseline-euler"]["film"]["true"][::2].mean(1).round()
    assert np.array_equal(found["p-film"][:, ::3, : 3 * 8 : 3], truth)


def test_states_are_drawn_at_the_times_of_the_strip_and_lost_ones_too():
    seen = []

    def drawing(x, strict):
        seen.append(x)
        assert not strict
        return torch.zeros(len(x), 3, 8, 8, dtype=torch.uint8)

    models = {"hnn": {"held_out": {"x": np.full_like(X, np.nan)[None, None]}}}
    (figure,) = pictures.drawn("pendulum", drawing, {"held_out": MOTION}, models).values()
    draw(figure)
    assert torch.equal(seen[0], torch.from_numpy(X[pictures.frames_of(T, 10)]))


def test_the_animation_of_states_shows_truth_and_models_side_by_side():
    def drawing(x, strict):
        return torch.where(x[:, 0].isnan(), 7, 200).to(torch.uint8)[:, None, None, None].expand(-1, 3, 4, 4)

    models = {"hnn": {"held_out": {"x": np.full_like(X, np.nan)[None, None]}}}
    (film,) = pictures.animated("pendulum", drawing, {"held_out": MOTION}, models).values()
    assert film.shape == (101, 2 * 4, 2 * (2 * 4 + 1))
    assert set(np.unique(film[:, :, :8])) == {200}
    assert set(np.unique(film[:, :, 10:])) == {7}
