"""True motions compared with independent references: REBOUND's IAS15 and SciPy's elliptic functions."""

import numpy as np
import pytest
import torch
from conftest import starts_of, truth_of
from scipy.special import ellipj, ellipk

from hnn.datasets import simulation

TOLERANCE = 1e-12  # simulate.tolerance


def rebound_motion(truth, start, t):
    """States (time, 8) of two particles from the state `start`, by IAS15 (Rein, Spiegel 2015)."""
    rebound = pytest.importorskip("rebound")
    simulation = rebound.Simulation()
    simulation.integrator, simulation.G = "ias15", truth.gravity
    x1, y1, x2, y2, px1, py1, px2, py2 = start.tolist()
    for x, y, px, py in ((x1, y1, px1, py1), (x2, y2, px2, py2)):
        simulation.add(m=truth.mass, x=x, y=y, vx=px / truth.mass, vy=py / truth.mass)
    states = []
    for time in t.tolist():
        simulation.integrate(time)
        bodies = simulation.particles
        q, p = ([[getattr(b, k) for k in keys] for b in bodies] for keys in (("x", "y"), ("vx", "vy")))
        states.append(np.concatenate([np.ravel(q), truth.mass * np.ravel(p)]))
    return np.array(states)


def test_true_motion_of_two_bodies_agrees_with_rebound():
    truth, starts, t = truth_of("two_body"), starts_of("two_body", 10), torch.linspace(0, 25, 500)
    x = simulation.true_motion(truth, starts, t, TOLERANCE).x
    reference = np.stack([rebound_motion(truth, start, t) for start in starts])
    assert np.abs(x - reference).max() < 1e-10
    perturbed = simulation.true_motion(truth, starts + 1e-9, t, TOLERANCE).x
    assert np.abs(x - perturbed).max() > 1e-10  # the bound is sensitive


def test_true_motion_of_the_pendulum_agrees_with_elliptic_functions_over_100_periods():
    """q(t) = 2 arcsin(k sn(ω t + K, k²)), p = 2 k I ω cn(ω t + K, k²) from rest at the amplitude q₀, k = sin(q₀/2)."""
    truth, amplitude = truth_of("pendulum"), np.array([0.3, 1.5])
    k = np.sin(amplitude / 2)
    omega, quarter = (truth.torque / truth.inertia) ** 0.5, ellipk(k**2)
    starts = torch.from_numpy(np.stack([amplitude, 0 * amplitude], -1))
    periods = truth.period(starts)
    assert periods.numpy() == pytest.approx(4 * quarter / omega, rel=1e-14)
    t = torch.linspace(0, 100 * float(periods.max()), 500)
    x = simulation.true_motion(truth, starts, t, TOLERANCE).x
    sn, cn, _, _ = ellipj(omega * t.numpy() + quarter[:, None], k[:, None] ** 2)
    exact = np.stack([2 * np.arcsin(k[:, None] * sn), 2 * truth.inertia * omega * k[:, None] * cn], -1)
    assert np.abs(x - exact).max() < 1e-10
