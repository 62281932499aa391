"""Random streams by name."""

import pytest
import torch

from hnn.core.seeding import stream, torch_stream


def draws(*names):
    """A few draws of a stream."""
    return stream(*names).integers(2**32, size=4).tolist()


def test_same_names_give_the_same_draws_and_others_other_ones():
    assert draws(0, "noise", "pendulum") == draws(0, "noise", "pendulum")
    others = [draws(1, "noise", "pendulum"), draws(0, "start", "pendulum"), draws(0, "noise"), draws("pendulum", "noise", 0)]
    assert len({tuple(d) for d in [draws(0, "noise", "pendulum"), *others]}) == 5


def test_draws_are_the_same_on_every_machine():
    assert draws(0, "train", "pendulum") == [59791819, 4065261727, 1919612457, 477940396]


def test_drawing_from_one_stream_does_not_shift_another():
    a, b = stream("a"), stream("b")
    a.random(100)
    assert b.random() == stream("b").random()


@pytest.mark.parametrize("names", [(0, "weights"), (1, "weights")])
def test_pytorch_streams_are_reproducible_and_leave_the_global_one_alone(names):
    before = torch.get_rng_state()
    a, b, other = (torch.rand(4, generator=torch_stream(*n)) for n in (names, names, (2, "weights")))
    assert torch.equal(a, b)
    assert not torch.equal(a, other)
    assert torch.equal(before, torch.get_rng_state())
