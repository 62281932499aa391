"""Frames of states: position, sub-pixel accuracy and brightness of shapes, and golden pictures (tests/golden)."""

from dataclasses import asdict, replace
from math import pi
from pathlib import Path

import numpy as np
import pytest
import torch
from conftest import PARAMS, SIMULATED, starts_of
from PIL import Image

from hnn.core.errors import Refused
from hnn.rendering.canvas import Canvas, OutsideCanvas, check, least_half_width, make_canvas, render
from hnn.rendering.shapes import Capsule

GOLDEN = Path(__file__).parents[1] / "golden"
CANVAS = Canvas(pixels=28, channels=1, line_width=0.14, supersampling=2, centre_x=0.0, centre_y=-0.5, half_width=0.7)
WIDE = replace(CANVAS, centre_y=0.0, half_width=2.4, line_width=0.06)
SCENES = {  # system: a state, its constants, the canvas
    "rod_pendulum": ([0.4, 0.0], {"length": 1.0}, CANVAS),
    "pendulum": ([-0.6, 0.0], {"length": 1.0}, replace(WIDE, half_width=1.4)),
    "damped_pendulum": ([0.6, 0.0], {"length": 1.0}, replace(WIDE, half_width=1.4)),
    "mass_spring": ([0.7, 0.0], {}, WIDE),
    "two_body": ([1.0, 0.5, -1.0, -0.5] + 4 * [0.0], {}, WIDE),
    "double_pendulum": ([0.7, -0.3, 0.0, 0.0], {"length_1": 1.0, "length_2": 1.0}, WIDE),
}


def rod(q, canvas=CANVAS, **options):
    """Frames of the rod at the angles q, and the grid of the canvas in metres."""
    x = torch.stack([torch.as_tensor(q), torch.zeros_like(torch.as_tensor(q))], dim=-1)
    return render(canvas, x, "rod_pendulum", length=1.0, **options)


def centroid(frames, canvas=CANVAS):
    """Centroid (x, y) in metres of the brightness of frames (batch, 1, size, size)."""
    brightness = frames[:, 0].double()
    across = ((torch.arange(canvas.pixels) + 0.5) / canvas.pixels * 2 - 1) * canvas.half_width
    total = brightness.sum((1, 2))
    return canvas.centre_x + (brightness.sum(1) @ across) / total, canvas.centre_y - (brightness.sum(2) @ across) / total


@pytest.mark.parametrize("supersampling", [1, 2, 4])
def test_render_places_the_centroid_of_the_rod_to_a_fraction_of_a_pixel(supersampling):
    canvas = replace(CANVAS, supersampling=supersampling)
    q = torch.linspace(-0.5, 0.5, 101)
    x, y = centroid(rod(q, canvas), canvas)
    pixel = 2 * canvas.half_width / canvas.pixels
    assert (x - 0.5 * q.sin()).abs().max() < 0.04 * pixel
    assert (y + 0.5 * q.cos()).abs().max() < 0.04 * pixel


def test_render_shows_a_displacement_of_a_hundredth_of_a_pixel():
    pixel = 2 * CANVAS.half_width / CANVAS.pixels
    a, b = rod(torch.tensor([0.1, 0.1 + 0.05 * pixel]))
    assert (a.int() - b.int()).abs().max() >= 1


@pytest.mark.parametrize("supersampling", [1, 3])
def test_render_total_brightness_is_the_covered_area(supersampling):
    canvas = replace(CANVAS, supersampling=supersampling)
    covered = rod(torch.tensor([0.3]), canvas).double().sum() / 255
    radius, pixel = canvas.width / 2, 2 * canvas.half_width / canvas.pixels
    assert covered * pixel**2 == pytest.approx(2 * radius * 1.0 + pi * radius**2, rel=0.01)


def test_draw_covers_earlier_shapes_by_later_ones_in_their_colours():
    centre = torch.tensor([[0.0, 0.0]])
    canvas = replace(CANVAS, channels=3, centre_y=0.0)
    shapes = [Capsule(centre, centre, 0.4, (1.0, 0.0, 0.0)), Capsule(centre, centre, 0.2, (0.0, 1.0, 0.0))]
    (frame,) = canvas.draw(shapes)
    assert frame[:, 14, 14].tolist() == [0, 255, 0]
    assert frame[:, 14, 20].tolist() == [255, 0, 0]
    assert frame[:, 1, 1].tolist() == [0, 0, 0]
    grey = replace(canvas, channels=1).draw(shapes)
    assert grey[0, 0, 14, 14] == 85  # the mean of the channels


@pytest.mark.parametrize("batch", [(), (3,), (2, 3)])
@pytest.mark.parametrize("channels", [1, 3])
def test_render_accepts_any_batch_dimensions_and_gives_the_same_frames_in_blocks(batch, channels, monkeypatch):
    canvas = replace(CANVAS, channels=channels)
    x = torch.linspace(-0.4, 0.4, 12).reshape(2, 3, 2)[(0,) * (2 - len(batch))]
    frames = render(canvas, x, "rod_pendulum", length=1.0)
    assert frames.shape == (*batch, channels, 28, 28)
    assert frames.dtype == torch.uint8
    monkeypatch.setattr("hnn.rendering.canvas.BLOCK", 2 * 56**2)  # two frames at a time
    assert torch.equal(render(canvas, x, "rod_pendulum", length=1.0), frames)


def test_render_refuses_a_state_outside_the_canvas_and_names_the_parameter():
    message = (
        r"render.half_width: given 0.7, but the state \(1.2, 0\) is drawn up to 1.03 m .* allowed: auto, or at least 1.09,"
    )
    with pytest.raises(OutsideCanvas, match=message):
        rod(torch.tensor([0.1, 1.2]))
    cut = rod(torch.tensor([1.2]), strict=False)
    assert 0 < cut.double().sum() < 255 * 28**2
    with pytest.raises(OutsideCanvas, match=r"half_width: given 0.7, but the state \(nan, 0\) is not finite"):
        rod(torch.tensor([torch.nan]))


@pytest.mark.parametrize("name", SCENES)
def test_least_half_width_is_the_smallest_at_which_check_allows_all_states(name):
    state, constants, canvas = SCENES[name]
    x = torch.tensor([state, [1.1 * value for value in state], [torch.nan] * len(state)])
    least = least_half_width(canvas, x, name, **constants)
    check(replace(canvas, half_width=least), x[:2], name, **constants)
    with pytest.raises(OutsideCanvas, match=f"at least {least:g},"):
        check(replace(canvas, half_width=0.99 * least), x[:2], name, **constants)


def test_least_half_width_refuses_shapes_that_are_wider_than_every_canvas():
    with pytest.raises(Refused, match=r"render\.line_width: given 0\.5, too wide for mass_spring to fit"):
        least_half_width(replace(WIDE, line_width=0.5), torch.tensor([[0.7, 0.0]]), "mass_spring")


def test_make_canvas_fits_auto_to_the_states_and_takes_a_given_half_width_as_it_is():
    options, x = asdict(CANVAS), torch.tensor([[[0.1, 0.0], [1.2, 0.0]]])
    assert make_canvas(options, x, "rod_pendulum", length=1.0) == CANVAS
    assert make_canvas(options | {"half_width": "auto"}, x, "rod_pendulum", length=1.0).half_width == 1.09


def test_render_leaves_frames_of_non_finite_states_black_unless_strict():
    frame = render(WIDE, torch.full((1, 8), torch.nan), "two_body", strict=False)
    assert frame.sum() == 0


def test_render_refuses_a_system_without_a_geometry_by_name():
    with pytest.raises(Refused, match=r"system\.name: given 'top', which has no geometry; allowed: .*two_body"):
        render(CANVAS, torch.zeros(1, 2), "top")


@pytest.mark.parametrize("task", [name for name in SIMULATED if "render" in PARAMS["tasks"][name]])
def test_render_fits_the_initial_states_of_each_task_on_its_canvas(task):
    values = PARAMS["tasks"][task]
    options = PARAMS["render"] | values["render"]
    x = starts_of(task, 50)
    frames = render(make_canvas(options, x, **values["system"]), x, **values["system"])
    assert (frames.flatten(1).amax(1) > 0).all()


@pytest.mark.parametrize("name", SCENES)
@pytest.mark.parametrize("channels", [1, 3])
def test_render_agrees_with_the_golden_pictures(name, channels):
    """After an intended change delete the picture: the test draws it again and fails once, so that it can be inspected."""
    state, constants, canvas = SCENES[name]
    frame = render(replace(canvas, channels=channels), torch.tensor([state]), name, **constants)[0]
    drawn = frame.permute(1, 2, 0).squeeze(-1).numpy()
    path = GOLDEN / f"{name}-{channels}.png"
    if not path.is_file():
        Image.fromarray(drawn).save(path)
        pytest.fail(f"{path} did not exist and has been drawn: inspect and commit it")
    assert np.abs(np.asarray(Image.open(path)).astype(int) - drawn.astype(int)).max() <= 1
