"""Frames that a cell accepts, and plain words for those that it does not."""

import re

import numpy as np
import pytest
import torch

from hnn.pixels.frame_format import FrameFormat, channels_first

GREY, COLOURED = FrameFormat(1, 8), FrameFormat(3, 8)
CLIP = np.random.default_rng(0).integers(256, size=(2, 5, 1, 8, 8), dtype=np.uint8)


@pytest.mark.parametrize("size", range(8, 129))
def test_frame_format_of_its_own_numbers_is_itself(size):
    assert FrameFormat.of(size**2) == FrameFormat(1, size)
    assert FrameFormat.of(3 * size**2) == FrameFormat(3, size)


@pytest.mark.parametrize(
    "given", [CLIP, torch.from_numpy(CLIP), CLIP.tolist(), CLIP[::-1][::-1], CLIP.astype(">f4"), torch.from_numpy(CLIP).int()]
)
def test_checked_gives_the_same_numbers_for_every_kind_of_array(given):
    assert torch.equal(GREY.checked(given).double(), torch.from_numpy(CLIP).double())


def test_checked_leaves_bytes_as_they_are_and_makes_other_numbers_float64():
    assert GREY.checked(CLIP).dtype == torch.uint8
    assert GREY.checked(CLIP / 2).dtype == torch.float64
    assert GREY.checked(np.zeros((2, 1, 8, 8))).max() == 0  # black frames are no frames scaled to [0, 1]


def with_pixel(value):
    """A clip in float64 with one pixel of this brightness."""
    clip = CLIP.astype(float)
    clip[1, 2, 0, 3, 4] = value
    return clip


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (np.zeros((5, 1, 64, 64)), "given 64 x 64, this cell was trained on 8 x 8: resample"),
        (np.zeros((5, 1, 8, 9)), "given 8 x 9, this cell was trained on 8 x 8: resample"),
        (np.zeros((5, 3, 8, 8)), "given 3 channels (colours), this cell was trained on 1 (grey): convert them"),
        (np.zeros((5, 8, 8)), "given the shape (5, 8, 8), must be (…, time, 1, 8, 8)"),
        (np.zeros((2, 5, 8, 8)), "given the shape (2, 5, 8, 8), must be (…, time, 1, 8, 8)"),
        (np.zeros((0, 5, 1, 8, 8)), "given the shape (0, 5, 1, 8, 8), must be"),
        (CLIP[:, :1], "given 1, must be at least 2, one after the other"),
        (with_pixel(256), "given brightness 0 to 256, must be 0 to 255"),
        (with_pixel(-1), "given brightness -1 to 255, must be 0 to 255"),
        (with_pixel(np.nan), "given brightness nan to nan, must be 0 to 255"),
        (with_pixel(np.inf), "given brightness 0 to inf, must be 0 to 255"),
        (CLIP / 255, "given brightness 0 to 1, must be 0 to 255: multiply by 255"),
        (CLIP > 100, "given brightness 0 to 1, must be 0 to 255"),
        (CLIP.astype(str), "given <U3, must be numbers from 0 to 255"),
        (CLIP.astype(complex), "given complex128, must be numbers"),
        (torch.from_numpy(CLIP).to(torch.complex128), "given torch.complex128, must be numbers"),
    ],
)
def test_checked_refuses_other_frames_in_plain_words(given, said):
    with pytest.raises(ValueError, match=re.escape(f"frames: {said}")):
        GREY.checked(given)


def test_checked_refuses_grey_where_colours_are_needed_and_too_few_frames():
    with pytest.raises(ValueError, match=re.escape("given 1 channel (grey), this cell was trained on 3 (red, green, blue)")):
        COLOURED.checked(CLIP)
    with pytest.raises(ValueError, match="given 5, must be at least 9"):
        GREY.checked(CLIP, least=9)
    assert GREY.checked(CLIP, least=5).shape == CLIP.shape


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_channels_first_takes_every_layout(channels):
    clip = np.random.default_rng(0).integers(256, size=(5, channels, 8, 8))
    assert np.array_equal(channels_first(clip), clip)
    assert np.array_equal(channels_first(np.moveaxis(clip, 1, -1)), clip)
    assert np.array_equal(channels_first(clip[:, 0]), clip[:, :1])


@pytest.mark.parametrize("shape", [(8, 8), (2, 5, 1, 8, 8)])
def test_channels_first_refuses_other_numbers_of_axes(shape):
    with pytest.raises(ValueError, match=re.escape(f"given the shape {shape}, must be (time, size, size), (time,")):
        channels_first(np.zeros(shape))
