"""Planted wrong models: each fault is detected by the metric that is made for it and by no other."""

import numpy as np
import pytest
import torch
from conftest import FunctionField, observed, starts_of, truth_of

from hnn.core.statistics import FEW_SEEDS, NO_VALUES, Interval
from hnn.datasets.simulation import true_motion
from hnn.evaluation.evaluate import state_metrics, summarise
from hnn.evaluation.rollouts import Reference, roll, scales
from hnn.integrators.solve import Solver

SOLVER = Solver("dop853", tolerance=1e-9)
HORIZONS = {"mass_spring": 20.0, "pendulum": 20.0, "damped_pendulum": 18.0, "two_body": 25.0}


class FasterClock(FunctionField):
    """The exact field times a factor: another frequency, the same conserved energy."""

    conservative = True

    def __init__(self, truth, factor):
        super().__init__(lambda x: factor * truth.time_derivative(x), separable=True)
        self.hamiltonian = truth.hamiltonian


def measured(task, members, count=5, x0=None, horizon=None):
    """Metrics of fields in place of trained members over the task's own horizon, with the true motion and the scales."""
    truth, times = truth_of(task), torch.linspace(0, horizon or HORIZONS[task], 200)
    motion = true_motion(truth, starts_of(task, count) if x0 is None else x0, times, 1e-12)
    reference = Reference(truth, motion, scales(truth, members, [observed(task)]))
    return state_metrics(roll(members, reference, SOLVER), reference), motion, reference.scales


@pytest.mark.parametrize("task", HORIZONS)
def test_state_metrics_of_the_exact_field_are_all_zero(task):
    result, motion, _ = measured(task, [truth_of(task)])
    for name in ("energy_error", "energy_error_max", "energy_drift", "coordinate_error", "phase_error"):
        assert np.abs(result[name]).max() < 1e-5, name
    assert not result["diverged"].any()
    assert result["valid_time"] == pytest.approx(motion.t[-1] / motion.period[None])


@pytest.mark.parametrize("factor", [0.95, 1.05])
@pytest.mark.parametrize("task", ["mass_spring", "pendulum", "two_body"])
def test_phase_error_alone_detects_a_frequency_five_per_cent_off(task, factor):
    result, _, _ = measured(task, [FasterClock(truth_of(task), factor)])
    assert result["phase_error"] == pytest.approx(np.full((1, 5), factor - 1), abs=0.002)
    assert result["coordinate_error"].min() > 0.05
    for name in ("energy_error_max", "energy_drift", "conserved_error", "diverged"):
        assert np.abs(result[name]).max() < 1e-5, name


def test_energy_drift_alone_detects_a_loss_of_one_per_cent_a_period():
    truth = truth_of("mass_spring")
    rate = 0.01 / truth.period(torch.zeros(2)).item()  # of energy, twice that of the amplitude
    result, motion, sizes = measured("mass_spring", [FunctionField(lambda x: truth.time_derivative(x) - rate / 2 * x)])
    energy = truth.hamiltonian(torch.from_numpy(motion.x[:, 0])).numpy()
    assert result["energy_drift"][0] == pytest.approx(-0.01 * energy / sizes.energy, rel=0.05)
    assert np.abs(result["phase_error"]).max() < 1e-4
    assert not result["diverged"].any()


def test_energy_drift_is_small_for_a_bounded_oscillation_of_the_energy():
    """Another unit of momentum: the same frequency on an ellipse of other axes, so that the energy oscillates."""
    truth, units = truth_of("mass_spring"), torch.tensor([1.2, 1.0])
    result, _, _ = measured(
        "mass_spring", [FunctionField(lambda x: units * truth.time_derivative(x / units))], horizon=30 * np.pi
    )
    assert result["energy_error_max"].max() > 0.5
    assert (np.abs(result["energy_drift"]) < 0.01 * result["energy_error_max"]).all()


@pytest.mark.parametrize("rate", [0.9, 5.0])  # far from the data but finite; not finite
def test_diverged_counts_a_rollout_that_explodes_and_the_means_leave_it_out(rate):
    truth = truth_of("mass_spring")
    result, _, _ = measured("mass_spring", [FunctionField(truth.time_derivative), FunctionField(lambda x: rate * x)])
    assert result["diverged"].tolist() == [[0] * 5, [1] * 5]
    summary = summarise(result)
    assert summary["diverged"].mean == 0.5
    for name in ("energy_error", "energy_error_max", "energy_drift", "coordinate_error", "phase_error"):
        assert abs(summary[name].mean) < 1e-5, name
        assert np.isnan(result[name][1]).all()
        assert summary[name].reason == FEW_SEEDS  # one is left
    assert 0 < summary["valid_time"].q1 < summary["valid_time"].median < summary["valid_time"].q3


def test_phase_error_is_nan_where_the_motion_does_not_rotate():
    """A pendulum that turns over, beside one that swings."""
    x0 = torch.tensor([[0.0, 3.0], [0.0, 2.0]])
    result, _, _ = measured("pendulum", [FasterClock(truth_of("pendulum"), 1.05)], x0=x0, horizon=5.0)
    assert np.isnan(result["phase_error"][0, 0])
    assert result["phase_error"][0, 1] == pytest.approx(0.05, abs=0.003)
    summary = summarise({"phase_error": result["phase_error"][:, :1]})
    assert summary["phase_error"] == Interval(reason=NO_VALUES)
