"""Frames of states: shapes drawn from their signed distance functions, in batches, without a display.

A frame holds the brightness of each pixel as bytes, 0 to 255: bright shapes on a black background.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial, reduce
from math import ceil, floor, isfinite, log10
from typing import Any

import torch
from torch import Tensor

from hnn.core.errors import Refused
from hnn.rendering.shapes import GEOMETRIES, Capsule, Colour

__all__ = ["Canvas", "OutsideCanvas", "check", "least_half_width", "make_canvas", "render", "shapes_of"]

BLOCK = 2**19  # sub-pixels drawn at once: 2 MB for each intermediate array, which then stays in the processor's cache
FAR = 1e6  # sub-pixels: beyond the edge of any canvas


class OutsideCanvas(Refused, ValueError):
    """A state whose shapes extend beyond the canvas."""


@dataclass(frozen=True)
class Canvas:
    """A square section of a system's plane of motion, and its grid of pixels."""

    pixels: int  # on each side
    channels: int  # 1: grey, 3: red, green, blue
    line_width: float  # of the canvas's width
    supersampling: int  # sub-pixels on each side of a pixel
    centre_x: float  # m
    centre_y: float  # m
    half_width: float  # m

    @property
    def width(self) -> float:
        """Width of a line in metres."""
        return self.line_width * 2 * self.half_width

    def draw(self, shapes: list[Capsule]) -> Tensor:
        """Frames (batch, channels, size, size), bytes, of shapes with coordinates (batch, 2); later shapes cover earlier ones.

        Edges are blended over the width of one sub-pixel, so that a displacement by a fraction of a pixel changes the frame in
        proportion.
        """
        k, image = self.supersampling, torch.zeros(1)
        for shape in shapes:
            a, b = self.in_sub_pixels(shape.a), self.in_sub_pixels(shape.b)
            cover = coverage(a, b, shape.radius * self.scale, self.pixels * k)[:, None]
            colour = brightness(shape.colour, self.channels)
            image = cover * colour if shape is shapes[0] else image + cover * (colour - image)
        rows = reduce(torch.add, [image[..., i::k, :] for i in range(k)])
        total = reduce(torch.add, [rows[..., i::k] for i in range(k)])
        return (total * (255 / k**2)).round().to(torch.uint8)

    @property
    def scale(self) -> float:
        """Sub-pixels per metre."""
        return self.pixels * self.supersampling / (2 * self.half_width)

    def in_sub_pixels(self, points: Tensor) -> Tensor:
        """Coordinates of points (batch, 2) in sub-pixels from the centre of the canvas, float32."""
        return ((points - torch.tensor([self.centre_x, self.centre_y]).to(points)) * self.scale).float()

    def reach(self, shapes: list[Capsule]) -> Tensor:
        """Largest distance (batch,) in metres, along x or y, of a point of the shapes from the centre of the canvas."""
        centre = torch.tensor([self.centre_x, self.centre_y]).to(shapes[0].a)
        ends = [torch.maximum((shape.a - centre).abs(), (shape.b - centre).abs()).amax(-1) + shape.radius for shape in shapes]
        return reduce(torch.maximum, ends)


def coverage(a: Tensor, b: Tensor, radius: float, grid: int) -> Tensor:
    """Covered fraction of each sub-pixel, (batch, rows, columns), by points within `radius` of the segments a to b (batch, 2).

    All lengths are in sub-pixels. Non-finite segments are not drawn.
    """
    finite = (a + b).isfinite().all(-1, keepdim=True)
    (ax, ay), (bx, by) = (torch.where(finite, end, FAR).view(-1, 2, 1, 1).unbind(1) for end in (a, b))
    centres = torch.arange(grid) + 0.5 - grid / 2
    x, y, dx, dy = centres - ax, -centres[:, None] - ay, bx - ax, by - ay  # rows run downwards
    square = (dx.square() + dy.square()).clamp(min=1e-6)
    along = (x * (dx / square) + y * (dy / square)).clamp_(0, 1)  # 0 at a, 1 at b
    across = torch.addcmul(x, along, dx, value=-1)
    up = along.mul_(dy).sub_(y)  # PyTorch is faster if at most one operand is broadcast along the rows
    distance = across.square_().addcmul_(up, up).sqrt_()
    return torch.sub(radius + 0.5, distance, out=distance).clamp_(0, 1)


def brightness(colour: Colour, channels: int) -> Tensor:
    """Brightness (channels, 1, 1) of a colour; a single channel gets the mean of red, green and blue."""
    values = torch.tensor(colour) if channels == 3 else torch.tensor(colour).mean().expand(channels)
    return values[:, None, None]


def shapes_of(name: str, **constants: float) -> Callable[[Tensor, float], list[Capsule]]:
    """The geometry of a system with its constants: shapes of states (batch, 2n) and the width of a line in metres."""
    geometry: Callable[..., list[Capsule]] | None = GEOMETRIES.get(name)
    if geometry is None:
        raise Refused(f"system.name: given {name!r}, which has no geometry; allowed: {', '.join(GEOMETRIES)}")
    return partial(geometry, **constants)


def make_canvas(options: Mapping[str, Any], x: Tensor, name: str, **constants: float) -> Canvas:
    """The canvas with these fields; with `half_width` auto the smallest that shows all states x (*batch, 2n)."""
    if options["half_width"] != "auto":
        return Canvas(**options)
    canvas = Canvas(**{**options, "half_width": 0.0})
    return replace(canvas, half_width=least_half_width(canvas, x, name, **constants))


def least_half_width(canvas: Canvas, x: Tensor, name: str, **constants: float) -> float:
    """The half width in metres, rounded up to three digits, from which on a canvas like this shows all finite states x.

    Lines are wider on a wider canvas, so this is the fixed point of h = reach(h), approached from 0. Raises `Refused` if there
    is none, since the shapes are wider than any canvas.
    """
    shapes, states, half_width = shapes_of(name, **constants), x[x.isfinite().all(-1)], 0.0
    for _ in range(1000):
        wider = replace(canvas, half_width=half_width)
        reach = float(wider.reach(shapes(states, wider.width)).max())
        if isfinite(reach) and reach <= half_width * (1 + 1e-9):
            unit = 10.0 ** (floor(log10(reach)) - 2)
            return float(f"{ceil(reach * (1 + 1e-6) / unit) * unit:.3g}")
        half_width = reach
    raise Refused(
        f"render.line_width: given {canvas.line_width:g}, too wide for {name} to fit on a canvas of any size; lower it"
    )


def check(canvas: Canvas, x: Tensor, name: str, **constants: float) -> None:
    """Raise `OutsideCanvas` if a shape of the states x (batch, 2n) extends beyond the edge, with the size that all need."""
    reach = canvas.reach(shapes_of(name, **constants)(x, canvas.width))
    if bool((reach <= canvas.half_width).all()):
        return
    worst = int(reach.nan_to_num(torch.inf).argmax())
    state = ", ".join(f"{value:.3g}" for value in x[worst].tolist())
    place = f"the centre of the canvas, ({canvas.centre_x:g}, {canvas.centre_y:g})"
    given = f"render.half_width: given {canvas.half_width:g}, but the state ({state})"
    if not bool(x.isfinite().all()):
        raise OutsideCanvas(f"{given} is not finite; allowed: finite states")
    least = least_half_width(canvas, x, name, **constants)
    raise OutsideCanvas(
        f"{given} is drawn up to {reach[worst]:.3g} m from {place}; allowed: auto, or at least {least:g}, for all states"
    )


def render(canvas: Canvas, x: Tensor, name: str, *, strict: bool = True, **constants: float) -> Tensor:
    """Frames (*batch, channels, size, size), bytes, of states (*batch, 2n) of the system `name` with its constants.

    Raises `OutsideCanvas` if a shape extends beyond the canvas and `strict` is true; otherwise shapes are cut off at the edge.
    The bytes do not depend on the number of threads.

    >>> canvas = Canvas(3, channels=1, line_width=0.2, supersampling=1, centre_x=0.0, centre_y=-0.5, half_width=0.75)
    >>> hanging_at_rest = torch.tensor([0.0, 0.0], dtype=torch.float64)
    >>> (render(canvas, hanging_at_rest, "rod_pendulum", length=1.0)[0] > 0).int().tolist()
    [[0, 1, 0], [0, 1, 0], [0, 1, 0]]
    """
    shapes, states = shapes_of(name, **constants), x.reshape(-1, x.shape[-1])
    if strict:
        check(canvas, states, name, **constants)
    count = max(1, BLOCK // (canvas.pixels * canvas.supersampling) ** 2)
    frames = torch.cat([canvas.draw(shapes(part, canvas.width)) for part in states.split(count)])
    return frames.view(*x.shape[:-1], *frames.shape[1:])
