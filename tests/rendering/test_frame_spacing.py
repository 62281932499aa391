"""The spacing of frames: displacements of a known motion, and the bounds around them."""

from math import pi

import pytest
import torch
from conftest import PARAMS, SIMULATED, starts_of, truth_of

from hnn.core.errors import Refused
from hnn.core.trajectories import TrueMotion
from hnn.integrators.solve import Solver, rollout
from hnn.rendering.canvas import Canvas, make_canvas
from hnn.rendering.frame_spacing import LEAST_DISPLACEMENT, check_spacing, displacement

CANVAS = Canvas(28, channels=1, line_width=0.08, supersampling=2, centre_x=-0.5, centre_y=0.0, half_width=1.9)
SPRING = {"name": "mass_spring", "mass": 0.5, "stiffness": 2.0}


def swinging(step, amplitude=0.5, count=400):
    """Three motions q = a cos 2t of the block of a spring, period π, at times `step` apart."""
    t = step * torch.arange(count)
    q = amplitude * torch.tensor([0.1, 1.0, 1.2])[:, None] * torch.cos(2 * t)
    return TrueMotion(t.numpy(), torch.stack([q, torch.zeros_like(q)], -1).numpy(), torch.full((3,), pi).numpy())


def test_displacement_is_the_root_mean_square_of_the_end_that_moves_most_from_the_median_start():
    """|Δq| = 2a sin(step) |sin 2(t + step/2)|, whose RMS is √2 a sin(step)."""
    step, pixel = 0.1, 2 * CANVAS.half_width / CANVAS.pixels
    expected = 2**0.5 * 0.5 * torch.tensor(step).sin() / pixel
    assert displacement(CANVAS, swinging(step), **SPRING) == pytest.approx(expected.item(), rel=0.01)


@pytest.mark.parametrize(
    ("step", "message"),
    [
        (0.05, r"given frames 0\.05 s apart, .* moves 0\.26 pixels, 63 frames a period; .* are 0\.1 to 0\.38 s apart"),
        (0.5, r"given frames 0\.5 s apart, .* 6\.3 frames a period; needed: .* 8 frames; choose .* to 0\.38 s apart"),
    ],
)
def test_check_spacing_refuses_frames_too_close_or_too_far_apart_with_the_task_and_the_spacing(step, message):
    with pytest.raises(Refused, match=rf"^tasks\.spring\.simulate: {message}$"):
        check_spacing("spring", CANVAS, swinging(step), **SPRING)


@pytest.mark.parametrize(("accepted", "refused"), [(0.1, 0.09), (0.38, 0.4)])
def test_check_spacing_accepts_the_spacing_that_it_names_and_refuses_one_beyond_it(accepted, refused):
    check_spacing("spring", CANVAS, swinging(accepted), **SPRING)
    with pytest.raises(Refused, match=f"given frames {refused} s apart"):
        check_spacing("spring", CANVAS, swinging(refused), **SPRING)


def test_check_spacing_asks_for_more_pixels_where_no_spacing_will_do():
    with pytest.raises(Refused, match=r"no spacing has both: raise render\.pixels to \d+ or more$"):
        check_spacing("spring", CANVAS, swinging(0.1, amplitude=0.05), **SPRING)


@pytest.mark.parametrize("task", [name for name in SIMULATED if "pretrain" in PARAMS["tasks"][name]])
def test_check_spacing_accepts_the_pixel_tasks_of_params_yaml(task):
    values, x0 = PARAMS["tasks"][task], starts_of(task, 20)
    t = torch.linspace(0, values["simulate"]["horizon"], values["simulate"]["horizon_points"])
    x = rollout(truth_of(task), x0, t, Solver(tolerance=1e-8)).detach()
    canvas = make_canvas(PARAMS["render"] | values["render"], x, **values["system"])
    motion = TrueMotion(t.numpy(), x.numpy(), truth_of(task).period(x0).numpy())
    check_spacing(task, canvas, motion, **values["system"])
    assert displacement(canvas, motion, **values["system"]) > LEAST_DISPLACEMENT
