"""Centres of discs in frames, by centroids and by least squares; in pixels from the centre of the frames, y upwards."""

from dataclasses import dataclass, replace
from math import ceil

import torch
from torch import Tensor
from torch.nn.functional import pad

from hnn.rendering.canvas import Canvas
from hnn.rendering.shapes import Capsule, Colour

__all__ = ["Disc", "centroid", "distances"]

OFFSETS, REFINEMENTS = 17, 3
"""Pictures of a disc in x and in y, over one pixel; Gauss-Newton steps."""


@dataclass(frozen=True)
class Disc:
    """Pictures of a disc at offsets from the centre of a pixel, by which its centre is found."""

    radius: float
    brightness: float
    pictures: Tensor
    """(OFFSETS, OFFSETS, pixels), by the offsets in x and in y, of a patch around the pixel."""
    inverse: Tensor
    """(OFFSETS, OFFSETS, 2, pixels): the pseudo-inverse of the pictures' slopes by x and y."""

    @classmethod
    def drawn(cls, canvas: Canvas, radius: float, colour: Colour) -> "Disc":
        """The pictures of a disc as the canvas draws it, in grey."""
        size = 2 * ceil(radius + 1) + 1
        patch = replace(canvas, pixels=size, channels=1, centre_x=0.0, centre_y=0.0, half_width=size / 2)
        offsets = torch.linspace(-0.5, 0.5, OFFSETS, dtype=torch.float64)
        points = torch.cartesian_prod(offsets, offsets)
        pictures = patch.draw([Capsule(points, points, radius, colour)]).double().view(OFFSETS, OFFSETS, -1) / 255
        slopes = torch.stack(torch.gradient(pictures, spacing=1 / (OFFSETS - 1), dim=(0, 1)), dim=-1)
        return cls(radius, float(pictures.max()), pictures.float(), torch.linalg.pinv(slopes).float())

    def centre(self, frames: Tensor, near: Tensor) -> Tensor:
        """The centre (batch, 2) of the disc in frames (batch, size, size), by Gauss-Newton steps from a place `near` it."""
        size, reach = frames.shape[-1], round(self.pictures.shape[-1] ** 0.5) // 2
        padded, middle = pad(frames, (reach,) * 4), (size - 1) / 2
        patch, batch = torch.arange(2 * reach + 1), torch.arange(len(frames))[:, None, None]
        flip = torch.tensor([1.0, -1.0]).to(frames)  # rows run downwards
        found = near
        for _ in range(REFINEMENTS):
            known = found.nan_to_num(0.0).clamp(-middle, middle)
            cell = (known * flip + middle).round().long()  # column and row
            columns, rows = cell[:, 0, None, None] + patch, cell[:, 1, None, None] + patch[:, None]
            origin = (cell.to(frames) - middle) * flip
            i, j = ((known - origin + 0.5) * (OFFSETS - 1)).round().clamp(0, OFFSETS - 1).long().unbind(-1)
            residual = padded[batch, rows, columns].flatten(1) - self.pictures[i, j]
            step = (self.inverse[i, j] * residual[:, None]).sum(-1)
            found = origin + torch.stack([i, j], dim=-1).to(frames) / (OFFSETS - 1) - 0.5 + step
        return found.where(near.isfinite(), torch.nan)


def centroid(frames: Tensor) -> Tensor:
    """The centroid (batch, 2) of frames (batch, size, size), of their brightness; NaN if all is 0."""
    across = pixel_centres(frames)
    return torch.stack([frames.sum(-2) @ across, -(frames.sum(-1) @ across)], dim=-1) / frames.sum((-2, -1))[:, None]


def distances(frames: Tensor, centre: Tensor) -> Tensor:
    """Distances (batch, size, size) in pixels of the pixels of frames from a centre (batch, 2)."""
    across, x, y = pixel_centres(frames), centre[:, :1], centre[:, 1:]
    return ((across - x).square()[:, None, :] + (across + y).square()[:, :, None]).sqrt()


def pixel_centres(frames: Tensor) -> Tensor:
    """Abscissas (size,) of the columns of frames in pixels from their centre; ordinates of the rows downwards."""
    size = frames.shape[-1]
    return torch.arange(size).to(frames) - (size - 1) / 2
