"""The time between frames: how far a motion gets in it, and the bounds within which frames show how it moves."""

from math import ceil

import numpy as np
import torch

from hnn.core.errors import Refused
from hnn.core.trajectories import TrueMotion
from hnn.rendering.canvas import Canvas, shapes_of

__all__ = ["check_spacing", "displacement"]

LEAST_DISPLACEMENT = 0.5
"""Pixels: with less, the edge of a shape changes too little for an autoencoder to learn the momentum from two frames."""

LEAST_PER_PERIOD = 8.0
"""Frames: with fewer, neighbouring frames are too different to tell a velocity."""


def displacement(canvas: Canvas, motion: TrueMotion, name: str, **constants: float) -> float:
    """Typical displacement of the drawing from one frame to the next, in pixels.

    That of the end of a shape that moves most: RMS over time, median over starts.
    """
    shapes = shapes_of(name, **constants)(torch.from_numpy(motion.x), canvas.width)
    ends = torch.stack([end for shape in shapes for end in (shape.a, shape.b)])  # (ends, starts, time, 2)
    steps = ends.diff(dim=-2).square().sum(-1).mean(-1).sqrt().amax(0)
    return float(steps.median()) * canvas.pixels / (2 * canvas.half_width)


def check_spacing(task: str, canvas: Canvas, motion: TrueMotion, name: str, **constants: float) -> None:
    """Raise `Refused` if the frames of a motion are too close or too far apart to learn from, with the spacing to choose."""
    step, period = float(motion.t[1] - motion.t[0]), float(np.median(motion.period))
    moved = displacement(canvas, motion, name, **constants)
    least, most = step * LEAST_DISPLACEMENT / moved, period / LEAST_PER_PERIOD
    if least <= step <= most:
        return
    given = f"tasks.{task}.simulate: given frames {step:.3g} s apart, "
    given += f"between which the drawing moves {moved:.2g} pixels, {period / step:.2g} frames a period; "
    given += f"needed: at least {LEAST_DISPLACEMENT:g} pixels and {LEAST_PER_PERIOD:g} frames; "
    low, high = 1.05 * least, 0.97 * most  # room for rounding, and for displacements that grow less than in proportion
    if low > high:
        raise Refused(f"{given}no spacing has both: raise render.pixels to {ceil(canvas.pixels * low / high)} or more")
    raise Refused(f"{given}choose a duration and points by which they are {low:.2g} to {high:.2g} s apart")
