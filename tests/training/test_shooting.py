"""Multiple shooting by descent: segments, their loss and its gradient."""

import pytest
import torch
from conftest import truth_of
from test_gauss_newton import INTERVALS, model, noisy, path_of

from hnn.integrators.fixed_step import RK4
from hnn.training.shooting import Shooting, interval_loss, segment_starts, shooting_loss


@pytest.mark.parametrize("count", range(2, 14))
@pytest.mark.parametrize("segment", [1, 2, 5, 50])
def test_segment_starts_cover_all_intervals(count, segment):
    starts, length = segment_starts(count, segment)
    covered = {n for first in starts for n in range(first, first + length)}
    assert covered == set(range(count - 1))
    assert length == min(segment, count - 1)
    assert starts == sorted(set(starts))


@pytest.mark.parametrize("segment", [1, 2, 4, 50])
def test_loss_is_zero_on_exact_trajectories_of_the_model_however_they_are_cut(segment):
    net = model("hnn")
    data = noisy(net, 3, INTERVALS, noise=0.0, weight=2.0)
    shooting = Shooting(net, data, segment)
    assert shooting_loss(shooting, RK4, torch.arange(len(shooting.starts))) < 1e-25


def test_segments_of_whole_trajectories_are_single_shooting():
    net, truth = model("hnn"), truth_of("pendulum")
    data = noisy(truth, 3, INTERVALS, noise=0.1, weight=2.0)
    shooting = Shooting(net, data, 50)
    x = path_of(net, data.x[:, 0], INTERVALS)
    expected = (x - data.x).square().mean() + 2.0 * (net.time_derivative(x) - data.dx).square().mean()
    torch.testing.assert_close(shooting_loss(shooting, RK4, torch.arange(3)), expected)


@pytest.mark.parametrize("name", ["hnn", "baseline"])
def test_gradient_of_the_loss_equals_finite_differences(name):
    net, data = model(name), noisy(truth_of("pendulum"), 2, INTERVALS, noise=0.1, weight=2.0)
    shooting = Shooting(net, data, 2)
    everything = torch.arange(len(shooting.starts))
    shooting_loss(shooting, RK4, everything).backward()
    for name, weight in shooting.named_parameters():
        direction, h = torch.randn(weight.shape, generator=torch.Generator().manual_seed(0)), 1e-6
        ends = []
        for sign in (1, -1):
            with torch.no_grad():
                weight.add_(sign * h * direction)
                ends.append(shooting_loss(shooting, RK4, everything))
                weight.sub_(sign * h * direction)
        assert (ends[0] - ends[1]) / (2 * h) == pytest.approx(float((weight.grad * direction).sum()), rel=1e-5, abs=1e-8), name


def test_a_gap_between_the_end_of_a_segment_and_the_next_start_raises_the_loss_and_one_between_trajectories_does_not():
    net = model("hnn")
    data = noisy(net, 2, INTERVALS, noise=0.0, weight=0.0)
    shooting = Shooting(net, data, 3)  # two segments of three intervals each
    with torch.no_grad():
        shooting.starts[1] += 0.1
    assert shooting_loss(shooting, RK4, torch.tensor([0])).item() == pytest.approx(0.01)
    assert shooting_loss(shooting, RK4, torch.tensor([3])).item() < 1e-25


def test_interval_loss_is_zero_for_the_field_behind_the_data():
    net = model("hnn")
    assert interval_loss(net, RK4, noisy(net, 2, INTERVALS, noise=0.0, weight=0.0)) < 1e-25
    assert interval_loss(net, RK4, noisy(net, 2, INTERVALS, noise=0.1, weight=0.0)) > 1e-3
