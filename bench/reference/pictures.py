"""Frames of a pendulum: drawn by gymnasium at its own size, cropped, and reduced."""

import os
from collections.abc import Iterator

import gymnasium
import numpy as np
from numpy import ndarray
from PIL import Image

__all__ = ["frames"]

os.environ.setdefault("SDL_VIDEODRIVER", "dummy")  # no window is opened, but pygame asks for a screen

SIZE = 28
HALF = 150  # pixels of its 500 × 500 left on each side of the pivot: the rod is 114 long


def frames(angles: ndarray) -> Iterator[ndarray]:
    """Grey frames (28, 28), bytes, of a rod at `angles` in rad, hanging at 0."""
    environment = gymnasium.make("Pendulum-v1", render_mode="rgb_array", disable_env_checker=True).unwrapped
    environment.reset(seed=0)
    for angle in angles:
        environment.state = np.array([angle + np.pi, 0.0])  # upright at 0 there
        large = environment.render()
        centre = large.shape[0] // 2
        cropped = large[centre - HALF : centre + HALF, centre - HALF : centre + HALF]
        yield np.asarray(Image.fromarray(cropped).convert("L").resize((SIZE, SIZE), Image.Resampling.BILINEAR))
    environment.close()
