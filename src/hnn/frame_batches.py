"""Frames while something learns from them: runs of neighbouring pairs drawn from clips, and clips blurred."""

import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d

from hnn.autoencoder import pairs

__all__ = ["blurred", "cut", "segments"]


def segments(frames: Tensor, length: int, count: int, generator: torch.Generator, batches: int) -> list[Tensor]:
    """Which segments make each batch: clips and first times, (batches, count, 1) each, drawn with replacement.

    A segment is a run of neighbouring frame pairs from one clip: a pair that ends one step and begins the next is there once,
    and is encoded once. Of `frames` only how many clips and times they have is looked at, their first two axes.
    """
    clips, time = frames.shape[:2]
    limits = (clips, time - length)
    return [torch.randint(limit, (batches, count, 1), generator=generator).to(frames.device) for limit in limits]


def cut(frames: Tensor, clip: Tensor, first: Tensor, length: int) -> Tensor:
    """Those segments, frame pairs of shape (count, length, pixels)."""
    return pairs(frames[clip, first + torch.arange(length + 1, device=frames.device)])


def blurred(frames: Tensor, width: float) -> Tensor:
    """Frames (clips, time, channels, size, size), bytes, blurred by a fraction of their width; the brightest is white."""
    radius = round(width * frames.shape[-1])
    soft = frames.flatten(0, 1).float()
    for _ in range(2):  # two boxes make a hat
        soft = avg_pool2d(soft, 2 * radius + 1, stride=1, padding=radius)
    return (soft * (255 / soft.max())).round().to(torch.uint8).view_as(frames)
