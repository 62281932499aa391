"""Film strips and animations."""

import numpy as np
import pytest
import torch
from test_pixel_figures import MOTION, T, X, cell, draw, film

from hnn.figures import films


def test_film_strip_shows_the_frames_at_its_times():
    a, b = film(), film()
    figure = films.film_strip({"truth": a, "hnn-rk4": b}, [0, 10, 20], T, "title")
    (axis,) = figure.axes
    shown = [image.get_array() for image in axis.images]
    for image, expected in zip(shown, [a[0, 0], a[10, 0], a[20, 0], b[0, 0], b[10, 0], b[20, 0]], strict=True):
        assert np.array_equal(image, expected)
    assert [label.get_text() for label in axis.get_xticklabels()] == ["0 s", "0.5 s", "1 s"]
    assert [label.get_text() for label in axis.get_yticklabels()] == ["truth", "hnn-rk4"]


@pytest.mark.parametrize("channels", [1, 3])
def test_animations_show_truth_and_models_side_by_side(channels):
    models = {"baseline-euler": cell(channels, learned=False), "hnn-rk4": cell(channels)}
    found = films.animations("p", models)
    assert list(found) == ["p-film", "p-hnn-rk4-counterfactual"]
    assert found["p-film"].shape == (11, 3 * 8, 3 * (3 * 8 + 2))  # truth, the second, and the mismatch of the first
    assert found["p-film"].dtype == np.uint8
    truth = models["baseline-euler"].visuals.film["true"][::2].mean(1).round()
    assert np.array_equal(found["p-film"][:, ::3, : 3 * 8 : 3], truth)


def test_drawn_draws_the_states_at_the_times_of_the_strip():
    drawn = []

    def drawing(x, strict):
        drawn.append(x)
        assert not strict
        return torch.zeros(len(x), 3, 8, 8, dtype=torch.uint8)

    models = {"hnn": cell(x=np.full_like(X, np.nan))}
    (figure,) = films.drawn("pendulum", drawing, {"held_out": MOTION}, models).values()
    draw(figure)
    assert torch.equal(drawn[0], torch.from_numpy(X[films.frames_of(T, 10)]))


def test_animated_shows_truth_and_models_side_by_side():
    def drawing(x, strict):
        return torch.where(x[:, 0].isnan(), 7, 200).to(torch.uint8)[:, None, None, None].expand(-1, 3, 4, 4)

    models = {"hnn": cell(x=np.full_like(X, np.nan))}
    (film,) = films.animated("pendulum", drawing, {"held_out": MOTION}, models).values()
    assert film.shape == (101, 2 * 4, 2 * (2 * 4 + 1))
    assert set(np.unique(film[:, :, :8])) == {200}
    assert set(np.unique(film[:, :, 10:])) == {7}
