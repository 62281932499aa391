"""Predictions of recorded runs: exact for the true field, with the errors that a planted field has, and its friction."""

import numpy as np
import pytest
import torch

from hnn.core.trajectories import Trial
from hnn.evaluation.recorded import Extent, cut, deviation, energy_loss, evaluate_recording, friction, predict
from hnn.integrators.solve import Solver, rollout
from hnn.systems.base import make_system

PERIOD = np.pi
SOLVER = Solver(tolerance=1e-10)


class Linear:
    """dx/dt = A x of an oscillator of period π with friction γ, and the energy of the ideal one."""

    conservative = True

    def __init__(self, gamma=0.0, frequency=2.0):
        self.matrix = torch.tensor([[0.0, 2.0], [-(frequency**2) / 2, -gamma]], dtype=torch.float64)

    def time_derivative(self, x):
        return x @ self.matrix.T

    def hamiltonian(self, x):
        return x.square().sum(-1)


def trial(field, name="a", start=(1.0, 0.0), seed=0, rows=300, until=20.0):
    """A run of a field at uneven times."""
    t = np.sort(np.random.default_rng(seed).uniform(3.0, 3.0 + until, rows))
    x = rollout(field, torch.tensor([start], dtype=torch.float64), torch.from_numpy(t - t[0]), SOLVER)[0].numpy()
    return Trial(name, t, x[:, :1], x[:, 1:])


def test_the_true_field_predicts_trials_at_their_own_uneven_times():
    field, trials = Linear(), [trial(Linear()), trial(Linear(), "b", (0.5, 0.2), seed=1, rows=200, until=12.0)]
    extent = Extent.of([field, field], np.concatenate([one.x for one in trials]), PERIOD)
    predictions, metrics = evaluate_recording([field, field], trials, extent, SOLVER)
    assert set(predictions) == {"a", "b"}
    assert predictions["b"].rollout.shape == (2, 200, 2)
    assert metrics["trials"]["prediction_error"].shape == (2, 2)
    assert metrics["trials"]["prediction_error"].max() < 1e-7
    assert metrics["windows"]["prediction_error"].shape == (2, 2)  # one of five periods, and the whole shorter trial
    length = [np.ptp(one.t) / PERIOD for one in trials]
    assert metrics["trials"]["valid_time"][0] == pytest.approx(length)


def test_the_error_of_a_field_that_is_too_slow_grows_to_that_of_an_unrelated_motion():
    slow, one = Linear(frequency=1.8), trial(Linear())
    extent = Extent.of([slow], one.x, PERIOD)
    (run,) = predict([slow], [one], SOLVER)
    error = deviation(run, extent)
    assert error[0, 0] == pytest.approx(0.0, abs=1e-12)
    assert error.max() > 1.5  # in antiphase
    _, metrics = evaluate_recording([slow], [one], extent, SOLVER)
    assert 0.0 < metrics["trials"]["valid_time"].item() < 0.5


@pytest.mark.parametrize("gamma", [0.0, 0.05])
def test_energy_loss_and_friction_are_those_of_a_damped_oscillator(gamma):
    field, one = Linear(gamma), trial(Linear(gamma), rows=2000)
    extent = Extent.of([field], one.x, PERIOD)
    assert extent.lowest.item() == pytest.approx(0, abs=1e-3)
    _, metrics = evaluate_recording([field], [one], extent, SOLVER)
    lost = -np.expm1(-gamma * PERIOD)  # in a period
    assert metrics["trials"]["energy_loss"].item() == pytest.approx(lost, rel=0.15, abs=1e-6)
    assert friction([field], one.x).item() == pytest.approx(gamma, abs=1e-9)


def test_energy_loss_is_negative_where_energy_grows():
    extent = Extent(np.ones(2), 2.0, np.array([1.0]))
    t = np.linspace(0, 10, 101)
    assert energy_loss(2.0 + 0.01 * t[None], t, extent).item() == pytest.approx(-0.02 / 1.05)


def test_predictions_of_a_model_without_energy_have_no_energies_and_diverged_ones_no_numbers():
    class Growing:
        def time_derivative(self, x):
            return 20 * x

    one = trial(Linear(), until=3.0)
    extent = Extent.of([Growing()], one.x, PERIOD)
    assert extent.lowest is None
    predictions, metrics = evaluate_recording([Growing()], [one], extent, SOLVER)
    assert predictions["a"].energy is None
    assert np.isnan(metrics["trials"]["prediction_error"]).all()
    assert metrics["trials"]["valid_time"].item() < 0.1
    assert "energy_loss" not in metrics["trials"]


def test_cut_makes_parts_of_equal_duration_and_keeps_a_short_trial():
    one = trial(Linear())
    parts = cut(one, 6.0)
    assert [part.name for part in parts] == ["a, 0", "a, 1", "a, 2"]
    assert all(np.ptp(part.t) <= 6.0 for part in parts)
    assert sum(len(part.t) for part in parts) == (one.t <= one.t[0] + 18.0).sum()
    assert cut(one, 100.0) == [one]


def test_a_system_predicts_its_own_simulation():
    system = make_system("pendulum", mass=0.5, length=1.0, gravity=6.0)
    one = trial(system, start=(1.0, 0.5), until=10.0)
    _, metrics = evaluate_recording([system], [one], Extent.of([system], one.x, 2.7), SOLVER)
    assert metrics["windows"]["prediction_error"].max() < 1e-6
