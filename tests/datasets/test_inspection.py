"""Estimates from recordings compared with what the recordings were made of."""

from pathlib import Path

import numpy as np
import pytest

from hnn.core.trajectories import Trial
from hnn.datasets.columns import Columns, rate, recognise
from hnn.datasets.inspection import inspect_trials, period_of
from hnn.datasets.smoothing import estimate_momenta, noise_of, smoothed
from hnn.datasets.table import Table
from hnn.datasets.trials import trials

PERIOD = 1.5
W = 2 * np.pi / PERIOD
COLUMNS = Columns(time="t", positions=("q",), velocities=("v",))


def decaying(loss=0.0, duration=30.0, step=0.01, noise=0.0, jitter=0.0, seed=0):
    """A trial of an oscillation whose energy falls by the fraction `loss` per period."""
    generator = np.random.default_rng(seed)
    t = np.arange(0, duration, step)
    t = t + jitter * step * generator.uniform(-0.5, 0.5, len(t))
    decay = -np.log1p(-loss) / PERIOD / 2
    z = np.exp((-decay + 1j * W) * t)
    q, v = z.real, ((-decay + 1j * W) * z).real
    return Trial(
        f"run_{seed}",
        t,
        (q + noise * generator.standard_normal(len(t)))[:, None],
        (v + noise * generator.standard_normal(len(t)))[:, None],
    )


@pytest.mark.parametrize("loss", [0.0, 0.05, 0.2])
@pytest.mark.parametrize("noise", [0.0, 0.01])
def test_inspect_trials_finds_period_noise_and_energy_loss(loss, noise):
    found = inspect_trials([decaying(loss, noise=noise, seed=seed) for seed in range(3)], COLUMNS)
    assert found.period == pytest.approx(PERIOD, rel=0.02)
    assert found.positions[0].noise == pytest.approx(noise, rel=0.1, abs=1e-5)
    assert found.loss is not None
    assert found.loss.fraction == pytest.approx(loss, rel=0.1, abs=0.002)
    assert found.loss.seen == (loss > 0)
    assert found.every == 6  # of 150 rows per period
    assert found.agreement[0].slope == pytest.approx(1, abs=0.01)
    assert found.sampling.even
    assert found.sampling.gaps == 0


def test_inspect_trials_estimates_the_loss_from_positions_alone():
    with_velocities = decaying(0.05, noise=0.01)
    found = inspect_trials([Trial("a", with_velocities.t, with_velocities.q, None)], Columns(time="t", positions=("q",)))
    assert found.loss is not None
    assert found.loss.fraction == pytest.approx(0.05, abs=0.01)
    assert found.rates == found.agreement == []


def test_inspect_trials_sees_jitter_and_gaps():
    one = decaying(jitter=0.4)
    kept = (one.t < 10) | (one.t > 12)
    found = inspect_trials([Trial("a", one.t[kept], one.q[kept], one.momenta[kept])], COLUMNS)
    assert not found.sampling.even
    assert found.sampling.gaps == 1
    assert found.sampling.longest_gap == pytest.approx(2, abs=0.1)
    assert found.sampling.jitter == pytest.approx(0.4 / np.sqrt(6), rel=0.1)
    assert found.period == pytest.approx(PERIOD, rel=0.02)


@pytest.mark.parametrize("jitter", [0.0, 0.4])
def test_smoothed_differentiates_better_than_differences(jitter):
    one = decaying(noise=0.01, jitter=jitter)
    estimated = estimate_momenta(Trial("a", one.t, one.q, None), PERIOD, mass=2.0)
    error = np.std(estimated.momenta / 2 - decaying(jitter=jitter).momenta) / W
    naive = np.std(np.gradient(one.q[:, 0], one.t) - decaying(jitter=jitter).momenta[:, 0]) / W
    assert error < 0.02
    assert naive > 5 * error


def test_smoothed_takes_no_difference_across_a_gap():
    t = np.concatenate([np.arange(0, 1, 0.01), np.arange(50, 51, 0.01)])
    q = np.where(t < 10, t, 7 - t)[:, None]
    v = smoothed(t, q, 1.0, derivative=1)[:, 0]
    np.testing.assert_allclose(v, np.where(t < 10, 1, -1), atol=1e-9)
    lonely = np.append(t, [90.0, 90.01])
    kept = estimate_momenta(Trial("a", lonely, np.append(q, [[1.0], [2.0]], 0), None), 1.0)
    np.testing.assert_array_equal(kept.t, t)


def test_noise_of_is_that_of_white_noise_and_none_of_a_smooth_motion():
    t = np.arange(5000) * 0.01
    x = np.stack([np.sin(W * t), np.random.default_rng(0).normal(0, 0.3, len(t))], -1)
    smooth, white = noise_of(t, x, PERIOD)
    assert smooth < 1e-5
    assert white == pytest.approx(0.3, rel=0.05)


def test_period_of_a_rotating_pendulum_is_that_of_its_velocity():
    t = np.arange(0, 20, 0.01)
    assert period_of(t, 5 + np.cos(W * t) + 0.3 * np.sin(3 * W * t)) == pytest.approx(PERIOD, rel=0.01)
    assert period_of(t, 0 * t) is None
    assert period_of(t[:4], t[:4] ** 2) is None


def test_rate_is_that_of_a_momentum_with_noise():
    one = decaying(noise=0.05)
    found = rate(one.t, one.q[:, 0], 0.7 * one.momenta[:, 0])
    assert found.slope == pytest.approx(0.7, rel=0.02)
    assert found.correlation > 0.99
    assert abs(rate(one.t, one.q[:, 0], one.q[:, 0]).correlation) < 0.1


def table(**columns):
    return Table(Path("a.csv"), {name: np.asarray(x, float) for name, x in columns.items()})


def test_recognise_pairs_positions_and_velocities_by_value():
    t = np.arange(0, 20, 0.01)
    two = table(t=t, a=W * np.cos(W * t), b=np.sin(t), c=np.sin(W * t), d=np.cos(t), e=-np.sin(t), noise=np.cos(77 * t))
    found = recognise([two], Columns())
    assert (found.positions, found.velocities) == (("b", "c"), ("d", "a"))  # e is the rate of d, an acceleration


def test_trials_convert_units_and_multiply_by_the_mass():
    t = np.arange(100)
    given = table(**{"time [ms]": t * 10, "angle [deg]": 180 * np.cos(t), "rate [deg/s]": np.full(100, 90.0)})
    columns = recognise([given], Columns())
    [one] = trials([given], columns, mass=2.0)
    np.testing.assert_allclose(one.t, t / 100)
    np.testing.assert_allclose(one.q[:, 0], np.pi * np.cos(t))
    np.testing.assert_allclose(one.momenta, np.pi)
