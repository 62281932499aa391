"""Film strips and animations."""

import numpy as np
import pytest
import torch
from test_pixel_figures import BASELINE_EULER, HNN_RK4, MOTION, T, X, cell, film

from hnn.core.cell import TRUTH, Cell
from hnn.figures import films
from hnn.figures.films import Film

EXACT, HNN = (Cell("pendulum", model) for model in (TRUTH, "hnn"))


def test_film_strip_shows_the_frames_at_its_times():
    a, b = film(), film()
    strip = [Film(EXACT, a), Film(BASELINE_EULER, b, continuous=True)]
    (axis,) = films.film_strip(strip, [0, 10, 20], films.in_seconds(T[[0, 10, 20]]), "title").axes
    shown = [image.get_array() for image in axis.images]
    for image, expected in zip(shown, [a[0, 0], a[10, 0], a[20, 0], b[0, 0], b[10, 0], b[20, 0]], strict=True):
        assert np.array_equal(image, expected)
    assert [label.get_text() for label in axis.get_xticklabels()] == ["0 s", "0.5 s", "1 s"]
    assert [label.get_text() for label in axis.get_yticklabels()] == ["truth", "baseline-euler\ncontinuous"]


def test_decoded_has_euler_cells_by_their_map_and_as_an_ode():
    models = {BASELINE_EULER: cell(learned=False), HNN_RK4: cell()}
    found = films.decoded("pixel_pendulum", models)
    assert [one.label for one in found] == ["truth", "baseline-euler", "hnn-rk4", "baseline-euler continuous"]
    visuals = [models[one].visuals.film for one in (BASELINE_EULER, BASELINE_EULER, HNN_RK4, BASELINE_EULER)]
    for one, of_cell, kind in zip(found, visuals, ("true", "decoded", "decoded", "continuous"), strict=True):
        assert one.frames is of_cell[kind]


def test_animated_has_every_second_frame_and_euler_cells_only_as_an_ode():
    models = {BASELINE_EULER: cell(learned=False), HNN_RK4: cell()}
    found = films.animated(films.decoded("pixel_pendulum", models))
    assert [one.label for one in found] == ["truth", "hnn-rk4", "baseline-euler continuous"]
    assert np.array_equal(found[0].frames, models[BASELINE_EULER].visuals.film["true"][::2])


@pytest.mark.parametrize("channels", [1, 3])
def test_counterfactuals_are_of_the_cells_that_have_one(channels):
    found = films.counterfactuals({BASELINE_EULER: cell(channels, learned=False), HNN_RK4: cell(channels)})
    assert list(found) == [HNN_RK4]
    assert found[HNN_RK4].shape == (11, 3 * 8, 3 * 8)


@pytest.mark.parametrize("channels", [1, 3])
def test_side_by_side_is_grey_and_magnified_with_a_line_between(channels):
    a, b = film(channels), film(channels)
    joined = films.side_by_side([a, b], scale=3)
    assert joined.shape == (21, 3 * 8, 3 * (2 * 8 + 1))
    assert joined.dtype == np.uint8
    assert np.array_equal(joined[:, ::3, : 3 * 8 : 3], a.mean(1).round())
    assert set(np.unique(joined[:, :, 3 * 8 : 3 * 9])) == {128}


def test_drawn_draws_truth_and_models_at_the_times():
    states = []

    def drawing(x, strict):
        states.append(x)
        assert not strict
        return torch.where(x[:, 0].isnan(), 7, 200).to(torch.uint8)[:, None, None, None].expand(-1, 3, 4, 4)

    times = films.frames_of(T, 10)
    truth, model = films.drawn("pendulum", drawing, MOTION, {HNN: cell(x=np.full_like(X, np.nan))}, times)
    assert torch.equal(states[0], torch.from_numpy(X[times]))
    assert (truth.cell, model.cell) == (EXACT, HNN)
    assert set(np.unique(truth.frames)) == {200}
    assert set(np.unique(model.frames)) == {7}
