"""Readings of frames: positions and states beside those that were drawn, on true and on imperfect frames."""

import pytest
import torch
from conftest import PARAMS, SIMULATED, SYSTEMS, starts_of, truth_of

from hnn.core.errors import Refused
from hnn.integrators.solve import Solver, rollout
from hnn.rendering import readings
from hnn.rendering.canvas import make_canvas, render
from hnn.rendering.readings import READINGS, WINDOW, read_positions, read_states
from hnn.rendering.shapes import GEOMETRIES

TASKS = [name for name in SIMULATED if PARAMS["tasks"][name]["system"]["name"] in READINGS]
FRAMES_PER_PERIOD = 30


def drawn(task, channels=1):
    """The canvas, the constants, the states (8, 40, 2n) of two periods from starts of a task, and their frames."""
    values = PARAMS["tasks"][task]
    own = {} if "pretrain" in values else {"line_width": 0.05}  # room for a motion whose states are observed
    options = PARAMS["render"] | own | values["render"] | {"channels": channels}
    x0 = starts_of(task, 8)
    step = float(truth_of(task).period(x0).median()) / FRAMES_PER_PERIOD
    x = rollout(truth_of(task), x0, step * torch.arange(40), Solver(tolerance=1e-10)).detach()
    canvas = make_canvas(options, x, **values["system"])
    return canvas, values["system"], x, render(canvas, x, **values["system"]) / 255, step


def relative_error(found, true):
    """RMS of |found - true| over the RMS of |true|."""
    return float((found - true).square().sum(-1).mean().sqrt() / true.square().sum(-1).mean().sqrt())


def test_readings_has_every_system_that_can_be_drawn():
    assert set(READINGS) == set(GEOMETRIES) & set(SYSTEMS)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("task", TASKS)
def test_read_positions_finds_the_drawn_positions_to_a_thousandth_of_the_motion(task, channels):
    canvas, system, x, frames, _ = drawn(task, channels)
    q = x[..., : x.shape[-1] // 2]
    found = read_positions(canvas, frames, **system)
    assert found.shape == q.shape
    assert found.dtype == torch.float64
    assert relative_error(found, q) < 1e-3


@pytest.mark.parametrize("task", ["pixel_pendulum", "pendulum", "mass_spring"])
def test_read_positions_needs_its_second_refinement(task, monkeypatch):
    canvas, system, x, frames, _ = drawn(task)
    error = relative_error(read_positions(canvas, frames, **system), x[..., :1])
    monkeypatch.setattr(readings, "REFINEMENTS", 1)
    assert relative_error(read_positions(canvas, frames, **system), x[..., :1]) > 3 * error


@pytest.mark.parametrize(
    "imperfect",
    [
        lambda frames: frames + 0.02 * torch.randn(frames.shape, generator=torch.Generator().manual_seed(0)),
        lambda frames: 0.97 * frames + 0.02,
        lambda frames: frames - 0.01,
    ],
    ids=["noise", "haze", "below black"],
)
@pytest.mark.parametrize("task", TASKS)
def test_read_positions_is_hardly_moved_by_noise_and_haze(task, imperfect):
    canvas, system, x, frames, _ = drawn(task)
    q = x[..., : x.shape[-1] // 2]
    assert relative_error(read_positions(canvas, imperfect(frames), **system), q) < 5e-3


def test_read_positions_tells_two_bodies_apart_wherever_they_are():
    canvas, system, x, _, _ = drawn("two_body")
    exchanged = torch.cat([x[..., 2:4], x[..., :2], x[..., 4:]], dim=-1)
    found = read_positions(canvas, render(canvas, exchanged, **system) / 255, **system)
    assert relative_error(found, exchanged[..., :4]) < 1e-3


def test_read_positions_gives_nan_where_there_is_no_disc():
    canvas, system, _, frames, _ = drawn("two_body")
    assert read_positions(canvas, torch.zeros_like(frames[0, :2]), **system).isnan().all()


@pytest.mark.parametrize("batch", [(), (3,), (2, 3)])
def test_read_positions_accepts_any_batch_dimensions_and_blocks(batch, monkeypatch):
    canvas, system, _, frames, _ = drawn("pixel_pendulum")
    part = frames[:2, :3][(0,) * (2 - len(batch))]
    found = read_positions(canvas, part, **system)
    assert found.shape == (*batch, 1)
    monkeypatch.setattr(readings, "BLOCK", 2)
    torch.testing.assert_close(read_positions(canvas, part, **system), found)


def test_read_positions_refuses_a_system_without_a_reading_by_name():
    canvas, _, _, frames, _ = drawn("pixel_pendulum")
    with pytest.raises(Refused, match=r"system\.name: given 'top', whose frames cannot be read; allowed: .*rod_pendulum"):
        read_positions(canvas, frames, "top")


def test_read_positions_refuses_bytes():
    canvas, system, _, frames, _ = drawn("pixel_pendulum")
    with pytest.raises(TypeError, match=r"frames: given torch\.uint8, must be .* divide bytes by 255"):
        read_positions(canvas, (255 * frames).to(torch.uint8), **system)


@pytest.mark.parametrize("task", TASKS)
def test_read_states_finds_momenta_too_where_a_parabola_is_biased(task, monkeypatch):
    canvas, system, x, frames, step = drawn(task)
    assert relative_error(read_states(canvas, frames, step, **system), x) < 3e-3
    monkeypatch.setattr(readings, "ORDER", 2)
    assert relative_error(read_states(canvas, frames, step, **system), x) > 1e-2


def test_read_states_gives_nan_for_frames_without_a_picture_and_reads_the_others():
    canvas, system, x, frames, step = drawn("pixel_pendulum")
    frames[0, 20:] = torch.nan
    found = read_states(canvas, frames, step, **system)
    assert found[0, 20:].isnan().all()
    reach = WINDOW // 2
    torch.testing.assert_close(found[0, : 20 - reach], x[0, : 20 - reach], rtol=0, atol=5e-3)
    assert relative_error(found[1:], x[1:]) < 3e-3
