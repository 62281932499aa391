"""States to frames: shapes drawn as signed distances, on whole batches, without a display.

A frame holds how much light each pixel gets, 0 to 255 as bytes: shapes are bright, the ground is black.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial, reduce

import torch
from torch import Tensor

from hnn.chunks import Spread, one_by_one
from hnn.errors import Refused
from hnn.geometry import GEOMETRIES, Capsule, Colour

__all__ = ["Canvas", "OutsideCanvas", "render"]

BLOCK = 2**18  # sub-pixels drawn at once: 1 MB for each intermediate array, so that they stay near the processor
PART = 5000  # states that are drawn one after the other


class OutsideCanvas(Refused, ValueError):
    """A state whose shapes reach over the edge."""


@dataclass(frozen=True)
class Canvas:
    """A square window on the plane of a system, and its grid of pixels."""

    size: int  # pixels on each side
    channels: int  # 1: grey, 3: red, green, blue
    line_width: float  # of the canvas's width
    supersampling: int  # sub-pixels on each side of a pixel
    centre_x: float  # m
    centre_y: float  # m
    half_width: float  # m

    @property
    def width(self) -> float:
        """Of a line, in metres."""
        return self.line_width * 2 * self.half_width

    def draw(self, shapes: list[Capsule]) -> Tensor:
        """Frames (batch, channels, size, size), bytes, of shapes with coordinates (batch, 2); the later cover the earlier.

        A pixel's edge is blended over the width of one sub-pixel, so that a shape that moves by a fraction of a pixel changes
        the frame by that fraction.
        """
        grid = self.size * self.supersampling
        across = ((torch.arange(grid) + 0.5) / grid * 2 - 1) * self.half_width
        x, y = self.centre_x + across, self.centre_y - across[:, None]  # rows run downwards
        image = torch.zeros(len(shapes[0].a), self.channels, grid, grid)
        for shape in shapes:
            distance = signed_distance(shape, x.float(), y.float())[:, None]
            cover = (0.5 - distance * (grid / (2 * self.half_width))).clamp_(0, 1).nan_to_num_(0.0)
            colour = light(shape.colour, self.channels)
            image = cover * colour if shape is shapes[0] else image + cover * (colour - image)
        k = self.supersampling
        total = reduce(torch.add, [image[..., i::k, j::k] for i in range(k) for j in range(k)])
        return (total * (255 / k**2)).round().to(torch.uint8)

    def check(self, shapes: list[Capsule], x: Tensor) -> None:
        """Raise `OutsideCanvas` if a shape of the states x reaches over the edge."""
        centre = torch.tensor([self.centre_x, self.centre_y]).to(x)
        for shape in shapes:
            reach = torch.maximum((shape.a - centre).abs(), (shape.b - centre).abs()).amax(-1) + shape.radius
            if not bool((reach <= self.half_width).all()):
                worst = int(reach.nan_to_num(torch.inf).argmax())
                state = ", ".join(f"{value:.3g}" for value in x[worst].tolist())
                raise OutsideCanvas(
                    f"render.half_width: given {self.half_width:g}, but the state ({state}) is drawn up to {reach[worst]:.3g} "
                    f"m from the centre of the canvas, ({self.centre_x:g}, {self.centre_y:g}); allowed: at least that"
                )


def signed_distance(shape: Capsule, x: Tensor, y: Tensor) -> Tensor:
    """Metres to the edge, negative inside, from the points of a grid x (columns,), y (rows, 1): (batch, rows, columns)."""
    (ax, ay), (bx, by) = (end.float().reshape(-1, 2, 1, 1).unbind(1) for end in (shape.a, shape.b))
    x, y, dx, dy = x - ax, y - ay, bx - ax, by - ay
    square = (dx.square() + dy.square()).clamp(min=1e-12)
    along = (x * (dx / square) + y * (dy / square)).clamp_(0, 1)  # 0 at a, 1 at b
    across, up = torch.addcmul(x, along, dx, value=-1), torch.addcmul(y, along, dy, value=-1)
    return across.square_().addcmul_(up, up).sqrt_().sub_(shape.radius)


def light(colour: Colour, channels: int) -> Tensor:
    """A colour as (channels, 1, 1); grey is its mean."""
    values = torch.tensor(colour) if channels == 3 else torch.tensor(colour).mean().expand(channels)
    return values[:, None, None]


def render(
    canvas: Canvas, x: Tensor, name: str, *, strict: bool = True, spread: Spread = one_by_one, **constants: float
) -> Tensor:
    """Frames (*batch, channels, size, size), bytes, of states (*batch, 2n) of the system `name` with its constants.

    Raises `OutsideCanvas` if something is drawn over the edge, unless `strict` is false: then it is cut off there. Large
    batches are drawn in parts, `spread` over what computes.
    """
    geometry: Callable[..., list[Capsule]] | None = GEOMETRIES.get(name)
    if geometry is None:
        raise Refused(f"system.name: given {name!r}, which has no geometry; allowed: {', '.join(GEOMETRIES)}")
    shapes, states = partial(geometry, width=canvas.width, **constants), x.reshape(-1, x.shape[-1])
    if strict:
        canvas.check(shapes(states), states)
    frames = torch.cat(spread(partial(drawn, canvas, shapes), list(states.split(PART))))
    return frames.view(*x.shape[:-1], *frames.shape[1:])


def drawn(canvas: Canvas, shapes: Callable[[Tensor], list[Capsule]], states: Tensor) -> Tensor:
    """Frames (states, channels, size, size) of states (states, 2n), block by block."""
    count = max(1, BLOCK // (canvas.size * canvas.supersampling) ** 2)
    return torch.cat([canvas.draw(shapes(part)) for part in states.split(count)])
