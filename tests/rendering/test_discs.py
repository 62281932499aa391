"""Centres of discs: exact for the disc that is searched, wherever in a pixel it is."""

from dataclasses import replace

import pytest
import torch

from hnn.rendering.canvas import Canvas
from hnn.rendering.discs import Disc, centroid, distances
from hnn.rendering.shapes import Capsule

CANVAS = Canvas(20, channels=1, line_width=0.1, supersampling=2, centre_x=0.0, centre_y=0.0, half_width=10.0)  # m: pixels
CENTRES = torch.rand(200, 2, generator=torch.Generator().manual_seed(0)) * 8 - 4
WHITE = (1.0, 1.0, 1.0)


def pictures(radius=1.5):
    """Frames (200, 20, 20) of a disc at `CENTRES`."""
    return CANVAS.draw([Capsule(CENTRES, CENTRES, radius, WHITE)])[:, 0].float() / 255


def test_centre_is_nearer_than_the_centroid_that_it_starts_from():
    disc, frames = Disc.drawn(CANVAS, 1.5, WHITE), pictures()
    near, centres = centroid(frames), CENTRES.float()
    error = (disc.centre(frames, near) - centres).square().mean().sqrt()
    assert error < 3e-3
    assert (near - centres).square().mean().sqrt() > 3 * error


@pytest.mark.parametrize("move", [(0.6, -0.5), (-0.5, 0.6)])
def test_centre_is_found_from_the_next_pixel(move):
    disc, frames = Disc.drawn(CANVAS, 1.5, WHITE), pictures()
    found = disc.centre(frames, CENTRES.float() + torch.tensor(move).float())
    assert (found - CENTRES).abs().max() < 0.05


def test_centre_at_the_edge_and_of_nothing():
    disc = Disc.drawn(CANVAS, 1.5, WHITE)
    corner = torch.tensor([[8.4, -8.4]])
    frame = CANVAS.draw([Capsule(corner, corner, 1.5, WHITE)])[:, 0].float() / 255
    torch.testing.assert_close(disc.centre(frame, centroid(frame)), corner.float(), rtol=0, atol=0.01)
    assert disc.centre(0 * frame, centroid(0 * frame)).isnan().all()


def test_disc_drawn_has_the_brightness_of_its_colour_in_grey():
    assert Disc.drawn(replace(CANVAS, channels=3), 2.0, (0.9, 0.6, 0.0)).brightness == pytest.approx(0.5, abs=0.003)


def test_distances_are_from_the_centres_of_pixels():
    found = distances(torch.zeros(1, 4, 4), torch.tensor([[0.5, 1.5]]))
    assert found[0, 0].tolist() == [2.0, 1.0, 0.0, 1.0]
    assert found[0, 3, 2].item() == 3.0
