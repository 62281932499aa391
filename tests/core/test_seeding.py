"""Named random streams."""

import torch

from hnn.core.seeding import stream, torch_stream


def draws(*names):
    """The first draws of a stream."""
    return stream(*names).integers(2**32, size=4).tolist()


def test_stream_depends_on_every_name_and_their_order():
    assert draws(0, "noise", "pendulum") == draws(0, "noise", "pendulum")
    others = [draws(1, "noise", "pendulum"), draws(0, "start", "pendulum"), draws(0, "noise"), draws("pendulum", "noise", 0)]
    assert len({tuple(d) for d in [draws(0, "noise", "pendulum"), *others]}) == 5


def test_stream_gives_the_same_draws_on_every_machine():
    assert draws(0, "train", "pendulum") == [59791819, 4065261727, 1919612457, 477940396]


def test_stream_is_not_shifted_by_draws_from_another():
    a, b = stream("a"), stream("b")
    a.random(100)
    assert b.random() == stream("b").random()


def test_torch_stream_is_reproducible_and_leaves_the_global_generator_unchanged():
    before = torch.get_rng_state()
    a, b, other = (torch.rand(4, generator=torch_stream(*names)) for names in ((0, "weights"), (0, "weights"), (1, "weights")))
    assert torch.equal(a, b)
    assert not torch.equal(a, other)
    assert torch.equal(before, torch.get_rng_state())
