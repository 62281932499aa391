"""Planted wrong models: each fault is caught by the metric that is made for it, and passes the others."""

import numpy as np
import pytest
import torch
from conftest import Known, observed, starts_of, truth_of

from hnn.datasets.simulation import true_motion
from hnn.evaluation import evaluate, rollouts

METHOD = {"integrator": "dop853", "tolerance": 1e-9}
HORIZONS = {"mass_spring": 20.0, "pendulum": 20.0, "damped_pendulum": 18.0, "two_body": 25.0}


class Paced(Known):
    """The truth with a clock that is fast by a factor; it conserves H just as well."""

    def __init__(self, truth, factor):
        super().__init__(lambda x: factor * truth.time_derivative(x), separable=True)
        self.hamiltonian = truth.hamiltonian


def measured(task, members, count=5, x0=None, horizon=None):
    """The quantities of fields in place of trained members by the path of the stage, over the task's own horizon."""
    truth, times = truth_of(task), torch.linspace(0, horizon or HORIZONS[task], 200)
    motion = true_motion(truth, starts_of(task, count) if x0 is None else x0, times, 1e-12)
    scales = rollouts.scales(truth, members, observed(task))
    return (
        evaluate.quantities(truth, rollouts.roll(truth, members, motion, scales, METHOD), motion, scales),
        motion,
        scales,
    )


@pytest.mark.parametrize("task", HORIZONS)
def test_the_truth_passes_all(task):
    found, motion, _ = measured(task, [truth_of(task)])
    for name in ("energy_error", "energy_error_max", "energy_drift", "coordinate_error", "phase_error"):
        assert np.abs(found[name]).max() < 1e-5, name
    assert not found["diverged"].any()
    assert found["valid_time"] == pytest.approx(motion.t[-1] / motion.period[None])


@pytest.mark.parametrize("factor", [0.95, 1.05])
@pytest.mark.parametrize("task", ["mass_spring", "pendulum", "two_body"])
def test_a_clock_five_per_cent_off_is_caught_by_its_phase_and_passes_as_far_as_energy_goes(task, factor):
    found, _, _ = measured(task, [Paced(truth_of(task), factor)])
    assert found["phase_error"] == pytest.approx(np.full((1, 5), factor - 1), abs=0.002)
    assert found["coordinate_error"].min() > 0.05
    for name in ("energy_error_max", "energy_drift", "conserved_error", "diverged"):
        assert np.abs(found[name]).max() < 1e-5, name


def test_a_leak_of_one_per_cent_a_period_is_caught_by_its_drift_and_passes_as_far_as_phase_goes():
    truth = truth_of("mass_spring")
    rate = 0.01 / truth.period(torch.zeros(2)).item()  # of energy, twice that of the amplitude
    found, motion, scales = measured("mass_spring", [Known(lambda x: truth.time_derivative(x) - rate / 2 * x)])
    energy = truth.hamiltonian(torch.from_numpy(motion.x[:, 0])).numpy()
    assert found["energy_drift"][0] == pytest.approx(-0.01 * energy / scales.energy, rel=0.05)
    assert np.abs(found["phase_error"]).max() < 1e-4
    assert not found["diverged"].any()


def test_an_energy_that_swings_within_bounds_is_no_drift():
    """Another unit of momentum: the same clock on an ellipse of other axes, so that energy swings and returns."""
    truth, units = truth_of("mass_spring"), torch.tensor([1.2, 1.0])
    found, _, _ = measured("mass_spring", [Known(lambda x: units * truth.time_derivative(x / units))], horizon=30 * np.pi)
    assert found["energy_error_max"].max() > 0.5
    assert (np.abs(found["energy_drift"]) < 0.01 * found["energy_error_max"]).all()


@pytest.mark.parametrize("rate", [0.9, 5.0])  # far from the data but finite; not finite
def test_a_rollout_that_explodes_is_counted_and_kept_out_of_the_means(rate):
    truth = truth_of("mass_spring")
    found, _, _ = measured("mass_spring", [Known(truth.time_derivative), Known(lambda x: rate * x)])
    assert found["diverged"].tolist() == [[0] * 5, [1] * 5]
    summary = evaluate.summarise(found, lambda name: np.random.default_rng(0), 50)
    assert summary["diverged"]["mean"] == 0.5
    for name in ("energy_error", "energy_error_max", "energy_drift", "coordinate_error", "phase_error"):
        assert abs(summary[name]["mean"]) < 1e-5, name
        assert np.isnan(found[name][1]).all()
    assert 0 < summary["valid_time"]["q1"] < summary["valid_time"]["median"] < summary["valid_time"]["q3"]


def test_where_the_motion_does_not_go_round_there_is_no_phase():
    """A pendulum that turns over, beside one that swings."""
    x0 = torch.tensor([[0.0, 3.0], [0.0, 2.0]])
    found, _, _ = measured("pendulum", [Paced(truth_of("pendulum"), 1.05)], x0=x0, horizon=5.0)
    assert np.isnan(found["phase_error"][0, 0])
    assert found["phase_error"][0, 1] == pytest.approx(0.05, abs=0.003)
    summary = evaluate.summarise({"phase_error": found["phase_error"][:, :1]}, lambda name: np.random.default_rng(0), 20)
    assert summary["phase_error"] == {"mean": None, "low": None, "high": None}
