"""The figures of a report and their captions."""

import numpy as np
import pytest
import torch
from test_error_curves import T, rollout
from test_pixel_figures import MOTION
from test_pixel_figures import cell as pixel_cell

from hnn.core.cell import TRUTH, Cell
from hnn.core.statistics import Interval
from hnn.core.trajectories import CellRollouts, TrueMotion
from hnn.figures import catalogue

AXES = ("q in m", "p in kg m/s")
CURVES = {"step": T, "train_loss": 1 + T, "test_loss": 2 + T, "train_loss.0": 1 + T, "test_loss.0": 2 + T}


def shown(*models):
    x = np.random.default_rng(0).standard_normal((5, len(T), 2))
    found = CellRollouts({"held_out": rollout(0.1)})
    motions = {"held_out": TrueMotion(T, x, np.ones(5))}
    cells = [Cell("spring", model) for model in models]
    curves = {cell: CURVES for cell in cells if not cell.is_truth}
    return catalogue.Shown("spring", motions, dict.fromkeys(cells, found), curves)


def drawing(x, strict):
    return torch.zeros(len(x), 3, 4, 4, dtype=torch.uint8)


def test_of_states_has_all_figures_with_captions():
    group = catalogue.of_states(shown("baseline", "hnn", TRUTH), AXES, drawing, Interval(0.1, 0.1, 0.1))
    kinds = ["paths.png", "errors.png", "energy.png", "losses.png", "film.png", "film.gif"]
    assert list(group) == [f"spring-{kind}" for kind in kinds]
    assert all(caption.endswith(".") for _, caption in group.values())
    assert group["spring-film.gif"][1].endswith("truth, baseline, hnn.")
    assert group["spring-film.gif"][0].shape == (101, 2 * 4, 2 * (3 * 4 + 2))


def test_of_states_draws_the_truth_as_floor_and_not_as_model():
    group = catalogue.of_states(shown("hnn", TRUTH), AXES, None, None)
    assert [axis.get_title() for axis in group["spring-paths.png"][0].axes] == ["truth", "hnn"]
    assert "truth" in [text.get_text() for text in group["spring-errors.png"][0].legends[0].get_texts()]
    assert "spring-film.gif" not in group


@pytest.mark.parametrize("step_maps", [("rk4",), ("rk4", "euler")])
def test_of_pixels_has_films_angles_portraits_and_losses(step_maps):
    cells = [Cell("pixels", model, step_map) for model in ("baseline", "hnn") for step_map in step_maps]
    rollouts = {cell: pixel_cell(learned=cell.model == "hnn") for cell in cells}
    task = catalogue.Shown("pixels", {"held_out": MOTION}, rollouts, dict.fromkeys(cells, CURVES))
    group = catalogue.of_pixels(task, CURVES)
    assert {"pixels-film.png", "pixels-film.gif", "pixels-angle.png", "pixels-hnn-rk4-portrait.png"} <= set(group)
    assert group["pixels-hnn-rk4-counterfactual.gif"][1].startswith("hnn-rk4: energy added")
    assert {"pixels-errors.png", "pixels-losses.png", "pixels-autoencoder.png"} <= set(group)
    assert all(caption.endswith(".") for _, caption in group.values())
    labels = "baseline-rk4, hnn-rk4" + ", baseline-euler continuous, hnn-euler continuous" * ("euler" in step_maps)
    assert group["pixels-film.gif"][1].endswith(f": truth, {labels}.")
