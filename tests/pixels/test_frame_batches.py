import torch

from hnn.pixels.training import blurred, cut, segments


def test_a_batch_holds_runs_of_neighbouring_pairs_of_one_clip_each_pair_once():
    numbered = torch.arange(6 * 12, dtype=torch.uint8).reshape(6, 12, 1, 1, 1)
    clip, start = segments(numbered, 4, 50, torch.Generator().manual_seed(0), 3)
    assert clip.shape == start.shape == (3, 50, 1)
    x = 255 * cut(numbered, clip[0], start[0], 4)
    assert x.shape == (50, 4, 2)
    first = x[:, :1, :1].round()
    expected = first + torch.arange(4.0)[None, :, None] + torch.arange(2.0)
    torch.testing.assert_close(x, expected, check_dtype=False, rtol=0, atol=1e-4)
    assert (first.squeeze() // 12 == (first.squeeze() + 4) // 12).all()  # no run leaves its clip
    assert set((first.squeeze() % 12).tolist()) == set(range(8))  # every run that fits


def test_a_blurred_frame_has_its_light_around_where_it_was_and_is_as_bright(clips):
    soft = blurred(clips, 0.1)
    assert soft.shape == clips.shape
    assert soft.dtype == torch.uint8
    assert soft.max() == 255
    assert (soft > 0).sum() > 1.5 * (clips > 0).sum()
    point = torch.zeros(1, 1, 1, 9, 9, dtype=torch.uint8)
    point[..., 4, 4] = 255
    hat = torch.tensor([1.0, 2.0, 3.0, 2.0, 1.0])
    expected = (255 * hat[:, None] * hat / 9).round().to(torch.uint8)
    assert torch.equal(blurred(point, 0.12)[0, 0, 0, 2:7, 2:7], expected)
