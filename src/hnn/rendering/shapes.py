"""The shapes by which each system is drawn, as functions of its states.

A geometry takes states (*batch, 2n), the width of a line in metres and the system's constants by name. Shapes lie in the
system's plane of motion, y upwards; coordinates are in metres, shape (*batch, 2).
"""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor

__all__ = ["GEOMETRIES", "TWO_DISCS", "Capsule", "Colour"]

Colour = tuple[float, float, float]
WHITE, ORANGE, BLUE, GREY = (1.0, 1.0, 1.0), (0.90, 0.62, 0.0), (0.34, 0.71, 0.91), (0.5, 0.5, 0.5)

TWO_DISCS = ((1.2, WHITE), (0.8, ORANGE))
"""Radii in widths of a line, and colours, of the discs of `two_body`."""


@dataclass(frozen=True)
class Capsule:
    """All points within `radius` of the segment from a to b: a line with round ends, or a disc if a = b."""

    a: Tensor
    b: Tensor
    radius: float
    colour: Colour = WHITE


Geometry = Callable[..., list[Capsule]]


def points(*coordinates: Tensor | float) -> Tensor:
    """(x, y) of shape (*batch, 2) from coordinates of shape (*batch,) or plain numbers."""
    return torch.stack(torch.broadcast_tensors(*map(torch.as_tensor, coordinates)), dim=-1)


def rod_pendulum(x: Tensor, width: float, *, length: float, **_: float) -> list[Capsule]:
    """A rod from the pivot at the origin."""
    q = x[..., 0]
    tip = length * points(q.sin(), -q.cos())
    return [Capsule(torch.zeros_like(tip), tip, width / 2)]


def pendulum(x: Tensor, width: float, **constants: float) -> list[Capsule]:
    """A thin rod with a bob."""
    (rod,) = rod_pendulum(x, width / 2, **constants)
    return [rod, Capsule(rod.b, rod.b, 1.2 * width, ORANGE)]


def mass_spring(x: Tensor, width: float, **_: float) -> list[Capsule]:
    """A block at (q, 0) on a zigzag spring from a wall at x = -2."""
    q, wall, turns = x[..., 0], -2.0, 8
    middle = [points(wall + (q - wall) * (k + 0.5) / turns, 1.5 * width * (-1) ** k) for k in range(1, turns - 1)]
    bends = [points(torch.full_like(q, wall), 0.0), *middle, points(q, 0.0)]
    spring = [Capsule(a, b, width / 4, GREY) for a, b in pairwise(bends)]
    post = [points(torch.full_like(q, wall), y) for y in (-2 * width, 2 * width)]
    block = [points(q, y) for y in (-width, width)]
    return [*spring, Capsule(post[0], post[1], width / 2), Capsule(block[0], block[1], 1.2 * width, ORANGE)]


def two_body(x: Tensor, width: float, **_: float) -> list[Capsule]:
    """Two discs that differ in size and, in grey too, in brightness, so that frames tell the bodies apart."""
    centres = (x[..., :2], x[..., 2:4])
    return [Capsule(r, r, radius * width, colour) for r, (radius, colour) in zip(centres, TWO_DISCS, strict=True)]


def double_pendulum(x: Tensor, width: float, *, length_1: float, length_2: float, **_: float) -> list[Capsule]:
    """Two thin rods with bobs, both angles from the vertical: x = (q₁, q₂, p₁, p₂)."""
    upper = length_1 * points(x[..., 0].sin(), -x[..., 0].cos())
    lower = upper + length_2 * points(x[..., 1].sin(), -x[..., 1].cos())
    rods = [Capsule(torch.zeros_like(upper), upper, width / 4), Capsule(upper, lower, width / 4)]
    return [*rods, Capsule(upper, upper, width, ORANGE), Capsule(lower, lower, width, BLUE)]


GEOMETRIES: dict[str, Geometry] = {
    "mass_spring": mass_spring,
    "pendulum": pendulum,
    "damped_pendulum": pendulum,
    "rod_pendulum": rod_pendulum,
    "two_body": two_body,
    "double_pendulum": double_pendulum,
}
"""Geometries by the name of the system."""
