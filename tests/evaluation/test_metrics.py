import numpy as np
import pytest
import torch
from conftest import starts_of, truth_of

from hnn.evaluation import metrics
from hnn.integrators.solve import rollout

T = np.linspace(0, 4 * np.pi, 401)


def circle(frequency=1.0, radius=1.0, t=T):
    """x = r (cos ωt, sin ωt) as (1, time, 2)."""
    radius = np.broadcast_to(radius, t.shape)
    return np.stack([radius * np.cos(frequency * t), radius * np.sin(frequency * t)], -1)[None]


def energy(x):
    return (x**2).sum(-1) / 2


def test_energy_mse_and_error_are_means_over_time():
    model, true = np.array([[1.0, 2.0, 4.0]]), np.array([[1.0, 1.0, 1.0]])
    assert metrics.energy_mse(model, true) == pytest.approx([10 / 3])
    assert metrics.energy_error(model, true, energy_std=2.0) == pytest.approx([4 / 3 / 2])


def test_energy_error_max_detects_one_time_that_the_mean_hides():
    model, true = np.zeros((1, 100)), np.zeros((1, 100))
    model[0, 50] = -3.0
    assert metrics.energy_error_max(model, true, energy_std=2.0) == pytest.approx([1.5])
    assert metrics.energy_error(model, true, energy_std=2.0) < 0.02


def test_energy_drift_is_the_slope_per_period_over_the_standard_deviation():
    true = np.zeros((2, 401))
    model = np.stack([[5.0 - 0.3 * T, 0.3 * T]])
    period = np.array([2.0, 4.0])
    assert metrics.energy_drift(model, true, 2.0, T, period) == pytest.approx(np.array([[-0.3, 0.6]]))


@pytest.mark.parametrize("squeeze", [1.0, 0.05])  # momenta in other units than positions
@pytest.mark.parametrize("frequency", [0.95, 1.0, 1.05, -1.0])
def test_phase_error_is_the_relative_frequency_error_in_any_units(frequency, squeeze):
    model, true = (circle(f) * [1.0, squeeze] for f in (frequency, 1.0))
    expected = -1.0 if frequency < 0 else frequency - 1  # a rollout that turns backward stays at the time of the start
    assert metrics.phase_error(model[None], true, T, np.array([2 * np.pi])).item() == pytest.approx(expected, abs=1e-6)


def test_phase_error_is_nan_where_times_are_too_far_apart_to_count_turns():
    period = np.array([2 * np.pi])
    for every, known in ((90, True), (120, False)):  # 0.45 and 0.6 periods apart
        found = metrics.phase_error(circle(1.05)[None, :, ::every], circle()[:, ::every], T[::every], period)
        assert np.isfinite(found).item() is known


def test_phase_error_is_nan_where_the_true_motion_turns_back_before_half_a_turn():
    swing = np.stack([np.cos(0.8 * np.sin(T)), np.sin(0.8 * np.sin(T) + 0.01 * T)], -1)[None]  # it ends 0.13 further on
    assert np.isnan(metrics.phase_error(swing[None], swing, T, np.array([2 * np.pi]))).all()
    assert metrics.phase_error(circle()[None], circle(), T, np.array([2 * np.pi])).item() == pytest.approx(0.0, abs=1e-6)


def test_energy_change_is_relative_and_signed():
    assert metrics.energy_change(np.array([[2.0, 9.0, 1.0], [4.0, 0.0, 3.0]])) == pytest.approx((-0.5 - 0.25) / 2)


def test_energy_variation_is_zero_for_a_constant_learned_energy_of_any_level():
    level = np.full((2, 3, 5), 7.0)
    assert not metrics.energy_variation(level, np.ones(2)).any()
    level[..., 1:] += 3.0
    assert metrics.energy_variation(level, np.array([1.0, 2.0])) == pytest.approx(np.array([[2.4] * 3, [1.2] * 3]))


def test_a_wrong_frequency_shows_in_coordinate_error_and_valid_time_but_not_in_energy_error():
    model, true = circle(1.05)[None], circle()
    assert metrics.energy_error(energy(model), energy(true), 1.0).max() < 1e-12
    assert metrics.coordinate_error(model, true).item() > 0.2
    assert metrics.valid_time(model, true, T, np.array([2 * np.pi])).item() == pytest.approx(
        0.1 / 0.05 / (2 * np.pi), rel=0.05
    )


def test_energy_error_measures_a_slow_loss_of_energy():
    model, true = circle(radius=np.exp(-0.005 * T))[None], circle()
    assert metrics.energy_error(energy(model), energy(true), 1.0).item() == pytest.approx(0.5 * 0.01 * T.mean(), rel=0.1)


def test_coordinate_error_of_opposite_motions_is_two():
    assert metrics.coordinate_error(-circle()[None], circle()).item() == pytest.approx(2.0)


def test_relative_distance_is_over_the_root_mean_square_in_time_of_each_start():
    true = np.concatenate([circle(radius=np.where(T.mean() > T, 1.0, 7.0)), circle(radius=10.0)])
    size = np.sqrt((np.square(true[0]).sum(-1)).mean()), 10.0
    found = metrics.relative_distance(true[None] + np.array([3.0, 4.0]), true)
    assert found == pytest.approx(np.broadcast_to(5.0 / np.array(size)[:, None], (1, 2, len(T))))


def test_valid_time_of_an_exact_rollout_is_the_horizon():
    assert metrics.valid_time(circle()[None], circle(), T, np.array([2 * np.pi])).item() == pytest.approx(2.0)


def test_valid_time_ends_where_a_rollout_becomes_nan():
    model = circle()[None].copy()
    model[..., 100:, :] = np.nan
    assert metrics.valid_time(model, circle(), T, np.array([2 * np.pi])).item() == pytest.approx(T[100] / (2 * np.pi))


@pytest.mark.parametrize(("size", "lost"), [(1.0, 0.0), (9.99, 0.0), (10.01, 1.0), (np.nan, 1.0), (np.inf, 1.0)])
def test_diverged_is_one_beyond_ten_times_the_data_or_where_not_finite(size, lost):
    x = circle()[None].copy()
    x[..., -1, 0] = size
    assert metrics.diverged(x, 1.0).item() == lost


def test_published_energy_has_the_published_functions():
    x, H = np.array([[3.0, 4.0]]), np.array([2.0])
    names = "hamiltonian", "twice_hamiltonian", "three_eighths_hamiltonian", "squared_radius"
    assert [metrics.published_energy(name, H, x).item() for name in names] == [2.0, 4.0, 0.75, 25.0]


def test_published_energy_squared_radius_is_not_conserved_by_the_true_pendulum():
    truth, x0 = truth_of("pendulum"), starts_of("pendulum", 5)
    x = rollout(truth, x0, torch.linspace(0, 5, 50))
    squared = metrics.published_energy("squared_radius", truth.hamiltonian(x).numpy(), x.numpy())
    assert np.ptp(squared, axis=-1).min() > 0.1
    assert np.ptp(truth.hamiltonian(x).numpy(), axis=-1).max() < 1e-6
