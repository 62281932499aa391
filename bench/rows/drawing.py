"""Frames of a pendulum."""

import numpy as np
import torch

from bench import ours
from bench.harness import clock, compare
from bench.machine import use_all_cores
from bench.reference.pictures import frames
from bench.row import Row, row

__all__ = ["render"]

TASK, FRAMES, SAMPLE = "pixel_pendulum", 20_000, 200


def render() -> Row:
    """20 000 frames of 28 × 28."""
    use_all_cores()
    random = np.random.default_rng(0)
    angles = random.uniform(-np.pi, np.pi, FRAMES)
    x = torch.from_numpy(np.stack([angles, np.zeros(FRAMES)], axis=-1))
    found = compare(
        clock(lambda: list(frames(random.permutation(angles)[:SAMPLE])), SAMPLE / FRAMES),
        clock(lambda: ours.frames(TASK, x)),
    )
    return row(
        found,
        reference=f"gymnasium's Pendulum-v1 as rgb_array, 500 × 500, cropped, grey, resized with Pillow; {SAMPLE} of {FRAMES} "
        "drawn anew each turn and scaled",
        ours=f"rendering.render on all {FRAMES} states",
    )
