"""The frames that a pixel cell was trained on, by number of channels and size, and the refusal of any others."""

from dataclasses import dataclass
from math import isqrt
from typing import Any

import numpy as np
import torch
from numpy import ndarray
from torch import Tensor

__all__ = ["FrameFormat", "channels_first"]

COLOURS = {1: "grey", 3: "red, green, blue"}
"""What the channels of a frame are, by their number."""


@dataclass(frozen=True)
class FrameFormat:
    """Frames (channels, size, size) of brightness 0, black, to 255."""

    channels: int
    size: int

    @classmethod
    def of(cls, numbers: int) -> "FrameFormat":
        """The format of frames of so many numbers: a square is grey, three times a square has colours; never both.

        >>> FrameFormat.of(28 * 28), FrameFormat.of(3 * 28 * 28)
        (FrameFormat(channels=1, size=28), FrameFormat(channels=3, size=28))
        """
        size = isqrt(numbers)
        return cls(1, size) if size**2 == numbers else cls(3, isqrt(numbers // 3))

    def checked(self, frames: Any, least: int = 2) -> Tensor:
        """Frames (…, time, channels, size, size), a tensor or array: bytes as they are, other numbers as float64.

        Raises `ValueError` for another shape, fewer than `least` frames, and brightness that is not from 0 to 255. Frames
        that are not black, but nowhere brighter than 1, are refused too: they are scaled to [0, 1].
        """
        given = as_numbers(frames)
        self.check_shape(tuple(given.shape))
        if given.shape[-4] < least:
            raise ValueError(f"frames: given {given.shape[-4]}, must be at least {least}, one after the other")
        darkest, brightest = given.min().item(), given.max().item()
        if not (darkest >= 0 and brightest <= 255):  # NaN too
            raise ValueError(f"frames: given brightness {darkest:g} to {brightest:g}, must be 0 to 255")
        if 0 < brightest <= 1:
            raise ValueError("frames: given brightness 0 to 1, must be 0 to 255: multiply by 255")
        return given

    def check_shape(self, shape: tuple[int, ...]) -> None:
        """Raise `ValueError` for frames of a shape other than (…, time, channels, size, size), or for none at all."""
        needed = f"must be (…, time, {self.channels}, {self.size}, {self.size})"
        if len(shape) < 4 or 0 in shape:
            raise ValueError(f"frames: given the shape {shape}, {needed}")
        channels, height, width = shape[-3:]
        own = f"this cell was trained on {self.channels} ({COLOURS[self.channels]})"
        if channels != self.channels and channels == 1:
            raise ValueError(f"frames: given 1 channel (grey), {own}: repeat it")
        if channels != self.channels and channels in (3, 4):
            raise ValueError(f"frames: given {channels} channels (colours), {own}: convert them")
        if channels != self.channels:
            raise ValueError(f"frames: given the shape {shape}, {needed}")
        if (height, width) != (self.size, self.size):
            raise ValueError(f"frames: given {height} x {width}, this cell was trained on {self.size} x {self.size}: resample")


def as_numbers(frames: Any) -> Tensor:
    """Frames as a tensor: bytes as they are, other numbers as float64; raises `ValueError` for what are no real numbers."""
    if not isinstance(frames, Tensor):
        array = np.asarray(frames)
        if array.dtype.kind not in "buif":
            raise ValueError(f"frames: given {array.dtype}, must be numbers from 0 to 255")
        frames = torch.tensor(np.ascontiguousarray(array if array.dtype == np.uint8 else array.astype(np.float64)))
    if frames.is_complex():
        raise ValueError(f"frames: given {frames.dtype}, must be numbers from 0 to 255")
    return frames if frames.dtype == torch.uint8 else frames.double()


def channels_first(clip: ndarray) -> ndarray:
    """A clip (time, size, size), (time, size, size, channels) or (time, channels, size, size) in the last of these layouts.

    Raises `ValueError` for any other number of axes. Sizes are larger than 4, so an axis of up to 4 holds channels.
    """
    if clip.ndim == 3:
        return clip[:, None]
    if clip.ndim != 4:
        raise ValueError(
            f"frames: given the shape {clip.shape}, must be (time, size, size), (time, size, size, channels) "
            "or (time, channels, size, size)"
        )
    last = clip.shape[1] not in (1, 3) and clip.shape[-1] in (1, 3, 4)
    return np.moveaxis(clip, -1, 1) if last else clip
