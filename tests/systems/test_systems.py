"""Contract of every system of hnn.systems, then properties of single systems."""

from dataclasses import replace
from functools import cache
from math import pi

import numpy as np
import pytest
import torch
from conftest import SYSTEMS, starts_of, task_of, truth_of
from scipy.special import ellipj

from hnn.evaluation.system_contract import CHECKS, Case, outcomes
from hnn.integrators.solve import Solver, rollout
from hnn.systems.base import make_system

IN_A_PLANE = [name for name in SYSTEMS if truth_of(task_of(name)).plane(starts_of(task_of(name), 1)) is not None]
PERIODIC = [name for name in IN_A_PLANE if truth_of(task_of(name)).conservative]


@pytest.fixture(params=SYSTEMS)
def name(request):
    """The name of each system."""
    return request.param


@cache
def case(name):
    """The system of a name with starts of its task's training data."""
    return Case(truth_of(task_of(name)), starts_of(task_of(name), 4))


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.name)
def test_system_keeps_the_contract(name, check):
    (found,) = outcomes(case(name), (check,))
    assert found.problem is None, check.holds


def test_every_check_applies_to_a_system():
    claims = {check.name: [name for name in SYSTEMS if check.applies(case(name))] for check in CHECKS}
    assert "mass_spring" in claims.pop("solution")
    assert "two_body" in claims.pop("bodies")
    assert "two_body" in claims.pop("invariants")
    assert all("pendulum" in names for names in claims.values())


def perturbed_starts(name, count=8):
    """The system, and states near those of its training data without their symmetry."""
    x = starts_of(task_of(name), count)
    return truth_of(task_of(name)), x + 0.1 * torch.randn(x.shape, generator=torch.Generator().manual_seed(0))


def test_sample_refuses_other_shapes(name):
    truth = truth_of(task_of(name))
    with pytest.raises(ValueError, match=f"shape: given 'spiral', allowed .*: {', '.join(truth.shapes)}"):
        truth.sample(np.random.default_rng(0), 5, "spiral")


@pytest.mark.parametrize("name", [name for name in SYSTEMS if "ring" in truth_of(task_of(name)).shapes])
def test_sample_ring_and_box_fill_their_range(name):
    truth = truth_of(task_of(name))
    for shape, size in (("ring", lambda x: x.norm(dim=-1)), ("box", torch.abs)):
        x = truth.sample(np.random.default_rng(0), 2000, shape, low=0.3, high=0.7)
        assert 0.3 <= size(x).min() < 0.31
        assert 0.69 < size(x).max() <= 0.7
        assert (x > 0).double().mean().item() == pytest.approx(0.5, abs=0.04)


@pytest.mark.parametrize("name", ["pendulum", "rod_pendulum"])
def test_amplitude_samples_motions_with_amplitudes_in_their_range_and_both_signs(name):
    truth = truth_of(task_of(name))
    x = truth.sample(np.random.default_rng(0), 500, "amplitude", low=2.0, high=2.5)
    amplitude = torch.acos(1 - truth.hamiltonian(x) / truth.torque)
    assert 2.0 <= amplitude.min() < 2.01
    assert 2.49 < amplitude.max() <= 2.5
    assert (x > 0).double().mean().item() == pytest.approx(0.5, abs=0.06)


def test_swing_fills_its_ranges_of_angle_and_angular_velocity():
    truth = truth_of("pixel_pendulum")
    x = truth.sample(np.random.default_rng(0), 500, "swing", angle=0.5, speed=2.0)
    for values, bound in ((x[:, 0], 0.5), (x[:, 1] / truth.inertia, 2.0)):
        assert 0.98 * bound < values.abs().max() <= bound
        assert values.mean().item() == pytest.approx(0, abs=0.1 * bound)


def test_near_circular_has_the_spread_of_its_speeds():
    truth = truth_of("two_body")
    options = {"shape": "near_circular", "low": 0.5, "high": 1.5}
    circular, spread = (
        truth.sample(np.random.default_rng(0), 2000, speed_spread=spread, **options)[:, 4:6].norm(dim=-1)
        for spread in (0.0, 0.1)
    )
    assert (spread / circular).std().item() == pytest.approx(0.1, rel=0.1)


def test_ring_has_the_anisotropy_of_the_published_distribution():
    """For directions of uniform points of a square the mean of cos 4θ is 3 - π; for uniform angles it is 0."""
    x = truth_of("mass_spring").sample(np.random.default_rng(0), 20000, "ring", low=0.1, high=1.0)
    mean = torch.cos(4 * torch.atan2(x[:, 1], x[:, 0])).mean()
    assert mean.item() == pytest.approx(3 - pi, abs=0.02)


def distances_to_start(truth, x0, turn=0.0):
    """Relative distances to the start at twelfths of the period, and after it, when q has advanced by `turn`."""
    times = torch.linspace(0, float(truth.period(x0)), 13)
    x = rollout(truth, x0, times, Solver(tolerance=1e-12))
    distance = (x - x0).norm(dim=-1) / (x - x0).norm(dim=-1).max()
    last = (x[-1] - x0 - torch.tensor([turn, 0.0] if turn else 0.0)).norm() / x0.norm()
    return distance[1:-1], last


@pytest.mark.parametrize("name", PERIODIC)
def test_period_is_the_first_return_to_the_start(name):
    truth = truth_of(task_of(name))
    for x0 in starts_of(task_of(name), 3, seed=2):
        before, after = distances_to_start(truth, x0)
        assert after < 1e-8
        assert before.min() > 0.1


def test_pendulum_rollout_agrees_with_elliptic_functions():
    """sin(q/2) = k sn(ωt), dq/dt = 2 k ω cn(ωt) from q = 0, with k² = H/(2 m g l); a looser solver misses the bound."""
    truth, t, k = truth_of("pendulum"), torch.linspace(0, 20, 101), 0.8
    omega = (truth.torque / truth.inertia) ** 0.5
    sn, cn, _, _ = map(torch.from_numpy, ellipj(omega * t.numpy(), k**2))
    exact = torch.stack([2 * torch.asin(k * sn), truth.inertia * 2 * k * omega * cn], dim=-1)
    errors = [(rollout(truth, exact[0], t, Solver(tolerance=tolerance)) - exact).abs().max() for tolerance in (1e-12, 1e-8)]
    assert errors[0] < 1e-9 < errors[1]


@pytest.mark.parametrize("sign", [1, -1])
def test_pendulum_period_beyond_the_separatrix_is_of_a_full_turn(sign):
    truth = truth_of("pendulum")
    x0 = torch.tensor([0.4, sign * 1.05 * (4 * truth.inertia * truth.torque) ** 0.5])
    assert truth.hamiltonian(x0) > 2 * truth.torque
    _, after = distances_to_start(truth, x0, turn=sign * 2 * pi)
    assert after < 1e-8


def test_pendulum_period_grows_with_the_amplitude_from_the_harmonic_limit():
    truth = truth_of("pendulum")
    periods = truth.period(torch.tensor([[1e-4, 0.0], [1.0, 0.0], [2.0, 0.0], [3.1, 0.0]]))
    assert periods[0].item() == pytest.approx(2 * pi * (truth.inertia / truth.torque) ** 0.5)
    assert (periods.diff() > 0).all()


def test_damped_pendulum_has_the_frictionless_period_and_loses_energy():
    truth = truth_of("damped_pendulum")
    x0 = torch.tensor([1.2, 0.1])
    ideal = replace(truth, friction=0.0)
    assert distances_to_start(ideal, x0)[1] < 1e-8
    assert torch.equal(truth.period(x0[None]), ideal.period(x0[None]))
    energy = truth.hamiltonian(rollout(truth, x0, torch.linspace(0, 30, 31)))
    assert (energy.diff() < 0).all()


def test_damped_pendulum_energy_decays_at_the_rate_of_the_friction():
    """For small oscillations dp/dt = -∂H/∂q - γ p gives E ∝ exp(-γ t)."""
    truth = truth_of("damped_pendulum")
    x0 = torch.tensor([1e-3, 0.0])
    period = 2 * pi / (truth.torque / truth.inertia - truth.friction**2 / 4) ** 0.5
    first, last = truth.hamiltonian(rollout(truth, x0, torch.tensor([0.0, 5 * period]), Solver(tolerance=1e-13)))
    assert (last / first).item() == pytest.approx(np.exp(-truth.friction * 5 * period), rel=1e-5)


def test_two_body_period_holds_for_eccentric_orbits_and_in_a_moving_frame():
    truth = truth_of("two_body")
    options = {"shape": "near_circular", "low": 0.5, "high": 1.5}
    x0 = truth.sample(np.random.default_rng(0), 1, speed_spread=0.0, **options)[0]
    x0[4:] *= 0.8
    assert distances_to_start(truth, x0)[1] < 1e-8
    boost = torch.tensor([0.3, -0.2]).repeat(2)
    assert truth.period(x0 + torch.cat([torch.zeros(4), boost])).item() == pytest.approx(truth.period(x0).item())


def test_near_circular_without_speed_spread_gives_circular_orbits():
    truth = truth_of("two_body")
    x0 = truth.sample(np.random.default_rng(1), 3, "near_circular", low=0.5, high=1.5, speed_spread=0.0)
    assert ((x0[:, :2] >= 0.5) & (x0[:, :2] <= 1.5)).all()
    assert torch.equal(x0[:, :2], -x0[:, 2:4])
    x = rollout(truth, x0, torch.linspace(0, 10, 21), Solver(tolerance=1e-12))
    r = (x[..., :2] - x[..., 2:4]).norm(dim=-1)
    torch.testing.assert_close(r, r[:, :1].expand_as(r), rtol=1e-9, atol=0)
    assert (x[:, 1, :2] - x[:, 0, :2]).norm(dim=-1).min() > 0.1


def test_two_body_conserves_momentum_and_angular_momentum():
    truth, x0 = perturbed_starts("two_body", 3)
    q, p = (
        rollout(truth, x0, torch.linspace(0, 5, 6), Solver(tolerance=1e-12)).reshape(3, 6, 2, 2, 2).unbind(2)
    )  # (…, body, plane)
    angular_momentum = (q[..., 0] * p[..., 1] - q[..., 1] * p[..., 0]).sum(-1)
    for conserved in (p.sum(-2), angular_momentum):
        torch.testing.assert_close(conserved, conserved[:, :1].expand_as(conserved), rtol=0, atol=1e-9)


def test_make_system_passes_the_constants():
    assert make_system("mass_spring", mass=2.0, stiffness=8.0).frequency == 2.0
