"""Frames to states without a learned model: positions by least squares against drawn pictures, velocities by a local fit.

Frames (…, channels, size, size) hold brightness as floating-point numbers, 0 black and 1 white: divide bytes by 255. Decoded
frames may lie a little outside this range. Channels are averaged.
"""

from collections.abc import Callable
from math import pi

import torch
from scipy.signal import savgol_filter
from torch import Tensor

from hnn.core.errors import Refused
from hnn.core.phase_space import join
from hnn.rendering.canvas import Canvas, render, shapes_of
from hnn.rendering.discs import Disc, centroid, distances
from hnn.rendering.shapes import TWO_DISCS
from hnn.systems.base import find_system

__all__ = ["READINGS", "WINDOW", "read_positions", "read_states"]

BLOCK = 256
"""Frames read at once, which then stay in the processor's cache."""

PICTURES, COARSE, REFINEMENTS = 513, 8, 2
"""Pictures of a system over the range of its position; every how many-th is compared with each frame; Gauss-Newton steps.

On true frames the error is 1e-4 to 5e-4 of the motion's size; with one step it is about ten times larger, with half as many
pictures up to twice.
"""

WINDOW, ORDER = 9, 6
"""Frames and order of the polynomials by which velocities are read.

On true frames, 15 to 40 a period, the error of states is 4e-4 to 1.1e-3 of their size. Order 4 over 5 frames is as good there
and worse on noisy frames; order 4 over 9 frames is biased, by 1.3e-2 at 15 frames a period.
"""


def read_positions(canvas: Canvas, frames: Tensor, name: str, **constants: float) -> Tensor:
    """Positions q (…, n), float64, of the system `name` with its constants from frames (…, channels, size, size).

    >>> canvas = Canvas(28, channels=1, line_width=0.14, supersampling=2, centre_x=0.0, centre_y=-0.5, half_width=0.7)
    >>> frames = render(canvas, torch.tensor([[0.3, 0.0]]), "rod_pendulum", length=1.0) / 255
    >>> round(read_positions(canvas, frames, "rod_pendulum", length=1.0).item(), 3)
    0.3
    """
    reading = READINGS.get(name)
    if reading is None:
        raise Refused(f"system.name: given {name!r}, whose frames cannot be read; allowed: {', '.join(READINGS)}")
    if not frames.is_floating_point():
        raise TypeError(f"frames: given {frames.dtype}, must be floating-point numbers from 0 to 1: divide bytes by 255")
    grey = frames.mean(-3, dtype=torch.float32).cpu()
    return reading(grey.reshape(-1, *grey.shape[-2:]), canvas, name, **constants).double().view(*grey.shape[:-2], -1)


def read_states(canvas: Canvas, frames: Tensor, frame_step: float, name: str, **constants: float) -> Tensor:
    """States (…, time, 2n) from frames (…, time, channels, size, size), at least `WINDOW` of them and `frame_step` s apart.

    A velocity is the derivative of the polynomial fitted to neighbouring positions (Savitzky and Golay, Analytical Chemistry
    36:1627, 1964), at the first and last times of the first and last one; `System.momentum` makes it a momentum.
    """
    q = read_positions(canvas, frames, name, **constants)
    finite = q.nan_to_num(0.0, 0.0, 0.0).cpu().numpy()  # the filter fails where a diverged rollout has no position
    velocity = savgol_filter(finite, WINDOW, ORDER, deriv=1, delta=frame_step, axis=-2)
    p = find_system(name)(**constants).momentum(q, torch.from_numpy(velocity).to(q))
    return join(q, p.where(q.isfinite(), torch.nan))


def angle(frames: Tensor, canvas: Canvas, name: str, **constants: float) -> Tensor:
    """The angle (batch, 1) of a pendulum in frames (batch, size, size), within ± π and the canvas."""
    return one_position(frames, canvas, -pi, pi, name, **constants)


def abscissa(frames: Tensor, canvas: Canvas, name: str, **constants: float) -> Tensor:
    """The abscissa (batch, 1) of a block in frames (batch, size, size), within the canvas."""
    low, high = canvas.centre_x - canvas.half_width, canvas.centre_x + canvas.half_width
    return one_position(frames, canvas, low, high, name, **constants)


def one_position(frames: Tensor, canvas: Canvas, low: float, high: float, name: str, **constants: float) -> Tensor:
    """The only position q (batch, 1), low ≤ q ≤ high, of a system in frames (batch, size, size): least squares.

    Starting from the most similar of `PICTURES` pictures, q moves by (∂f/∂q, frame - f)/|∂f/∂q|², f the picture nearest to it.
    A uniform haze is nearly orthogonal to ∂f/∂q, which only moves brightness.
    """
    wide = torch.linspace(low, high, PICTURES, dtype=torch.float64)
    visible = wide[canvas.reach(shapes_of(name, **constants)(as_states(wide), canvas.width)) <= canvas.half_width]
    low, high = (float(end) for end in (visible if len(visible) > 1 else wide)[[0, -1]])
    q = torch.linspace(low, high, PICTURES, dtype=torch.float64)
    drawn = render(canvas, as_states(q), name, strict=False, **constants)
    pictures = (drawn.mean(-3, dtype=torch.float64) / 255).flatten(1).to(frames)
    step = (high - low) / (PICTURES - 1)
    (slopes,) = torch.gradient(pictures, spacing=step, dim=0)
    slopes = slopes / slopes.square().sum(-1, keepdim=True)
    at_zero = q.to(frames) - (slopes * pictures).sum(-1)  # of q + (slope, frame - picture), what does not depend on the frame
    coarse = pictures[::COARSE]
    half_squares = coarse.square().sum(-1) / 2

    def read(block: Tensor) -> Tensor:
        """q (batch,) of frames (batch, pixels)."""
        nearest = COARSE * (block @ coarse.T - half_squares).argmax(-1)
        for _ in range(REFINEMENTS):
            found = at_zero[nearest] + (slopes[nearest] * block).sum(-1)
            nearest = ((found - low) / step).nan_to_num(0.0).round().clamp(0, PICTURES - 1).long()
        return found

    return torch.cat([read(block) for block in frames.flatten(1).split(BLOCK)])[:, None]


def two_centres(frames: Tensor, canvas: Canvas, name: str, **_: float) -> Tensor:
    """The centres (batch, 4) of the large bright and the small dim disc in frames (batch, size, size): x₁, y₁, x₂, y₂.

    The bright one is near the centroid of what is brighter than the dim one can be, the dim one near that of the rest; both
    are then found by least squares. Discs whose edges are less than about two pixels apart disturb each other. NaN without a
    disc.
    """
    pixel = 2 * canvas.half_width / canvas.pixels
    large, small = (Disc.drawn(canvas, radius * canvas.width / pixel, colour) for radius, colour in TWO_DISCS)
    between = (large.brightness + small.brightness) / 2

    def read(block: Tensor) -> Tensor:
        """The centres in pixels from the centre of the canvas."""
        first = large.centre(block, centroid((block - between).clamp(min=0)))
        rest = block * (distances(block, first) > large.radius + 1)
        second = small.centre(block, centroid((rest - small.brightness / 2).clamp(min=0)))
        return torch.cat([first, second], dim=-1)

    centre = torch.tensor([canvas.centre_x, canvas.centre_y]).repeat(2)
    return torch.cat([read(block) for block in frames.split(BLOCK)]) * pixel + centre.to(frames)


def as_states(q: Tensor) -> Tensor:
    """States (batch, 2) at rest at the positions q (batch,)."""
    return torch.stack([q, torch.zeros_like(q)], dim=-1)


Reading = Callable[..., Tensor]

READINGS: dict[str, Reading] = {
    "mass_spring": abscissa,
    "pendulum": angle,
    "damped_pendulum": angle,
    "rod_pendulum": angle,
    "two_body": two_centres,
}
"""Readings by the name of the system: positions (batch, n) of grey frames (batch, size, size) on a canvas."""
