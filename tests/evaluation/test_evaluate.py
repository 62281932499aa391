"""Metrics of planted fields, and the evaluation of whole cells of observed states."""

import json
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
import pytest
import torch
from conftest import FunctionField, network, observed, starts_of, truth_of

from hnn.core.cell import TRUTH, Cell
from hnn.core.errors import Refused
from hnn.core.trajectories import Observations, Rollout
from hnn.datasets.simulation import true_motion
from hnn.evaluation.evaluate import Options, evaluate_states, published_metrics, remarks, state_metrics, summarise
from hnn.evaluation.flow_diagnostics import DIAGNOSED_STARTS
from hnn.evaluation.rollouts import Reference, roll, scales
from hnn.integrators.solve import Solver
from hnn.systems.base import System

SPRINGS = [truth_of("mass_spring")] * 2
"""The exact field of the spring in a model's place, for two seeds."""


@pytest.fixture(scope="module")
def motion():
    torch.set_default_dtype(torch.float64)
    return true_motion(truth_of("mass_spring"), starts_of("mass_spring", 5), torch.linspace(0, 10, 40), 1e-12)


def metrics_of(members, motion):
    truth = truth_of("mass_spring")
    reference = Reference(truth, motion, scales(truth, members, [observed("mass_spring")]))
    return state_metrics(roll(members, reference, Solver("dop853", tolerance=1e-9)), reference)


def test_state_metrics_of_the_exact_field_are_zero_and_it_is_valid_throughout(motion):
    metrics = metrics_of(SPRINGS, motion)
    for name in ("energy_mse", "energy_error", "coordinate_error", "conserved_error"):
        assert metrics[name].shape == (2, 5)
        assert metrics[name].max() < 1e-6
    assert metrics["valid_time"] == pytest.approx(10 / np.pi)
    assert not metrics["diverged"].any()


def test_state_metrics_of_untrained_models_differ_by_seed_and_start(motion):
    metrics = metrics_of([network("hnn", seed=seed).double() for seed in range(3)], motion)
    assert metrics["coordinate_error"].shape == (3, 5)
    assert metrics["coordinate_error"].min() > 1e-2
    assert metrics["conserved_error"].max() < 1e-5
    assert len(np.unique(metrics["coordinate_error"])) == 15


@pytest.mark.parametrize("name", ["dissipative_hnn", "port_hnn"])
def test_state_metrics_of_a_model_with_a_loss_do_not_call_the_change_of_its_energy_an_error(motion, name):
    metrics = metrics_of([network(name, seed=seed).double() for seed in range(2)], motion)
    assert "conserved_error" not in metrics
    assert metrics["learned_energy_change"].min() > 1e-5


@pytest.mark.parametrize("rate", [0.9, 5.0])  # far from the data but finite; not finite
def test_state_metrics_of_diverged_rollouts_are_nan_and_summarise_counts_them(motion, rate):
    metrics = metrics_of([FunctionField(lambda x: rate * x)], motion)
    assert (metrics["diverged"] == 1).all()
    assert np.isnan(metrics["energy_mse"]).all()
    assert np.isfinite(metrics["valid_time"]).all()
    summary = summarise(metrics)
    assert summary["diverged"].mean == 1
    assert summary["energy_mse"].mean is None


def test_summarise_averages_the_logarithms_of_positive_quantities_alone():
    """Not of quantities with a sign or a bound, and of none as published."""
    values = np.array([[1.0, 4.0], [2.0, 8.0], [1.0, 4.0]])
    summary = summarise(dict.fromkeys(("energy_error", "valid_time", "energy_drift", "diverged"), values))
    for name in ("energy_error", "valid_time"):
        assert summary[name].geometric
        assert summary[name].mean == pytest.approx(np.exp(np.log(values).mean()))
        assert summary[name].seeds == pytest.approx((2.0, 4.0, 2.0))
    assert (summary["valid_time"].q1, summary["valid_time"].median) == (1.25, 3.0)
    assert summary["energy_drift"].mean == summary["diverged"].mean == pytest.approx(values.mean())
    assert summary["energy_drift"].seeds == (2.5, 5.0, 2.5)
    published = summarise({"energy_mse": values}, as_published=True)["energy_mse"]
    assert not published.geometric
    assert published.mean == pytest.approx(values.mean())


def published_rollout(energy, true_energy, x):
    return Rollout(np.arange(energy.shape[-1]), x, energy, true_energy, np.zeros(energy.shape), 1.0)


def test_published_metrics_use_the_published_energy_function(motion):
    rollout = published_rollout(np.ones((1, 5, 40)), np.zeros((5, 40)), 0 * motion.x[None])
    assert published_metrics(rollout, motion, "twice_hamiltonian")["energy_mse"] == pytest.approx(np.full((1, 5), 4.0))


def test_published_metrics_average_known_times_and_give_block_errors(motion):
    energy = np.arange(1.0, 11.0).reshape(2, 5, 1) * np.ones(4)
    true = np.zeros((5, 4))
    energy[:, :, 2:], true[:, 2:] = 100.0, np.nan
    metrics = published_metrics(published_rollout(energy, true, np.zeros((2, 5, 4, 2))), motion, "hamiltonian")
    squares = np.arange(1.0, 11.0).reshape(2, 5) ** 2
    assert metrics["energy_mse"] == pytest.approx(squares)
    assert metrics["block_error"][:, 0] == pytest.approx(squares.std(1) / np.sqrt(5))
    assert metrics["median_start"][:, 0].tolist() == [9.0, 64.0]
    assert set(metrics) == {"energy_mse", "block_error", "median_start"}


def test_published_metrics_of_one_start_take_blocks_of_times(motion):
    energy = np.repeat([1.0, 2.0, 3.0, 4.0, 5.0], 4)[None, None]
    metrics = published_metrics(published_rollout(energy, np.zeros((1, 20)), np.zeros((1, 1, 20, 2))), motion, "hamiltonian")
    assert metrics["block_error"].item() == pytest.approx(np.std([1, 4, 9, 16, 25]) / np.sqrt(5))


OPTIONS = Options(
    integrator="dop853",
    step=0.1,
    tolerance=1e-7,
    published_energy="hamiltonian",
    allow_mismatch=False,
    batch_of_starts=100,
    evaluations_per_period=20000,
)
CRUDE = replace(OPTIONS, integrator="implicit_midpoint", step=0.125)


def evaluated(name, members, options=OPTIONS):
    """The evaluation of a pendulum cell from three sets of twelve starts."""
    truth = truth_of("pendulum")
    motions = {
        starts: true_motion(truth, starts_of("pendulum", 12, seed), torch.linspace(0, 2.5, 21), 1e-12)
        for seed, starts in enumerate(("held_out", "table1", "outside"))
    }
    return evaluate_states(Cell("pendulum", name), truth, members, [observed("pendulum")], motions, options)


def slow():
    """Two fields that are exact but for a frequency 1 % too low, so that a crude integrator shows beside them."""
    truth = truth_of("pendulum")
    return [FunctionField(lambda x: 0.99 * truth.time_derivative(x))] * 2


def test_evaluate_states_gives_metrics_of_every_set_and_rollouts_with_every_metric_by_seed_and_start():
    evaluation = evaluated("slow", slow())
    metrics = evaluation.to_json()
    assert set(metrics["outside"]) < set(metrics)
    assert {"reversal_error", "symplectic_error"} <= set(metrics) - set(metrics["outside"])
    assert "energy_mse" in metrics["table1"]
    assert metrics["integrator"]["honoured"]
    assert metrics["outside"]["integrator"]["honoured"]
    assert metrics["phase_error"]["mean"] == pytest.approx(-0.01, abs=1e-3)
    assert set(metrics["valid_time"]) == {"mean", "low", "high", "geometric", "seeds", "median", "q1", "q3"}
    json.dumps(metrics, allow_nan=False)
    for starts, entry in (("held_out", metrics), ("outside", metrics["outside"])):
        for name in ("energy_drift", "phase_error", "diverged"):
            values = evaluation.rollouts.sets[starts].quantities[name]
            assert values.shape == (2, 12)
            assert values.mean() == pytest.approx(entry[name]["mean"])
        errors = evaluation.rollouts.sets[starts].quantities["energy_error"]
        assert np.exp(np.log(errors).mean()) == pytest.approx(entry["energy_error"]["mean"])
    published = evaluation.rollouts.sets["table1"].quantities["energy_mse"]
    assert published.mean() == pytest.approx(metrics["table1"]["energy_mse"]["mean"])
    symplectic_error = evaluation.rollouts.sets["held_out"].quantities["symplectic_error"]
    assert np.isfinite(symplectic_error).sum() == 2 * DIAGNOSED_STARTS["held_out"]


def test_evaluate_states_counts_rollouts_that_cannot_be_followed_as_diverged_and_says_so():
    """One of two seeds has a field so steep in some places that no start there can be followed."""
    truth = truth_of("pendulum")
    steep = FunctionField(lambda x: truth.time_derivative(x) * torch.where(x[..., :1] > 1.5, 1e6, 0.99))
    evaluation = evaluated("steep", [*slow()[:1], steep], replace(OPTIONS, evaluations_per_period=2000))
    entry = evaluation.to_json()
    lost = evaluation.rollouts.sets["held_out"].quantities["not_followed"]
    assert lost[0].sum() == 0
    assert 0 < lost[1].sum() < 12
    assert entry["diverged"]["mean"] >= entry["not_followed"]["mean"] > 0
    assert np.isnan(evaluation.rollouts.sets["held_out"].quantities["energy_error"][lost == 1]).all()
    (first, *_) = remarks(Cell("pendulum", "steep"), evaluation)
    assert first.startswith("pendulum-steep, held_out: ")
    assert remarks(Cell("pendulum", "slow"), evaluated("slow", slow())) == []


def test_evaluate_states_refuses_a_cell_that_is_rolled_out_too_crudely_or_marks_it():
    with pytest.raises(Refused, match=r"pendulum-slow, held_out: the error of implicit_midpoint with step 0\.125"):
        evaluated("slow", slow(), CRUDE)
    assert evaluated("slow", slow(), replace(CRUDE, allow_mismatch=True)).to_json()["mismatch"] is True
    assert "mismatch" not in evaluated("slow", slow()).to_json()


def test_evaluate_states_enforces_the_contract_on_every_set_of_starts():
    """A field that is wrong near rest and right elsewhere: a step that is fine enough there is too crude outside."""
    truth, t = truth_of("pendulum"), torch.linspace(0, 2.5, 21)
    wrong = FunctionField(lambda x: truth.time_derivative(x) * (1 + 0.2 * torch.exp(-4 * x.square().sum(-1, keepdim=True))))
    x0 = {"held_out": torch.tensor([[0.1, 0.0]]), "outside": torch.tensor([[2.5, 0.0]])}
    motions = {starts: true_motion(truth, x, t, 1e-12) for starts, x in x0.items()}
    cell, options = Cell("pendulum", "wrong"), replace(OPTIONS, integrator="rk4", step=0.05)
    with pytest.raises(Refused, match="pendulum-wrong, outside: the error of rk4"):
        evaluate_states(cell, truth, [wrong], [observed("pendulum")], motions, options)
    allowed = replace(options, allow_mismatch=True)
    metrics = evaluate_states(cell, truth, [wrong], [observed("pendulum")], motions, allowed).to_json()
    assert metrics["integrator"]["honoured"]
    assert "mismatch" not in metrics
    assert metrics["outside"]["mismatch"] is True


def test_evaluate_states_never_refuses_the_truth_whose_error_is_the_integrators():
    evaluation = evaluated(TRUTH, [truth_of("pendulum")], CRUDE)
    metrics, errors = evaluation.to_json(), evaluation.rollouts.sets["held_out"].quantities["coordinate_error"]
    assert metrics["integrator"]["honoured"]
    assert metrics["integrator"]["error"] == pytest.approx(errors.mean(), rel=0.3)
    assert "integrator" not in metrics["outside"]


@dataclass(frozen=True)
class HenonHeiles(System):
    """H = |p|²/2 + |q|²/2 + q₁² q₂ - q₂³/3 (Hénon, Heiles 1964), chaotic at energies near 1/6."""

    degrees: ClassVar[int] = 2
    chaotic: ClassVar[bool] = True

    def hamiltonian(self, x):
        q1, q2 = x[..., 0], x[..., 1]
        return x.square().sum(-1) / 2 + q1**2 * q2 - q2**3 / 3

    def period(self, x):
        return torch.full_like(x[..., 0], 2 * torch.pi)


def test_evaluate_states_starts_a_chaotic_truth_nearby_too_which_is_soon_lost():
    truth = HenonHeiles()
    x0 = torch.tensor([[0.0, -0.3, 0.46, 0.0], [0.0, -0.23, 0.508, 0.0], [0.0, -0.095, 0.557, 0.0]])
    motions = {"held_out": true_motion(truth, x0, torch.linspace(0, 100, 401), 1e-12)}
    train = Observations(motions["held_out"].t, motions["held_out"].x, np.zeros_like(motions["held_out"].x))
    tight = replace(OPTIONS, integrator="gauss", tolerance=1e-12)
    evaluation = evaluate_states(Cell("hh", TRUTH), truth, [truth], [train], motions, tight)
    metrics = evaluation.to_json()
    assert metrics["valid_time"]["mean"] == pytest.approx(100 / (2 * np.pi))
    assert metrics["nearby"]["valid_time"]["mean"] < 0.6 * metrics["valid_time"]["mean"]
    assert metrics["phase_error"]["mean"] is None
    assert evaluation.rollouts.sets["nearby"].distance[0, :, 0] == pytest.approx([1e-4] * 3)


def test_evaluate_states_starts_no_model_and_no_regular_truth_nearby():
    truth = HenonHeiles()
    motions = {"held_out": true_motion(truth, torch.tensor([[0.0, -0.3, 0.46, 0.0]]), torch.linspace(0, 5, 21), 1e-12)}
    train = Observations(motions["held_out"].t, motions["held_out"].x, np.zeros_like(motions["held_out"].x))
    options = replace(OPTIONS, allow_mismatch=True)
    assert "nearby" in evaluate_states(Cell("hh", TRUTH), truth, [truth], [train], motions, options).to_json()
    assert "nearby" not in evaluate_states(Cell("hh", "copy"), truth, [truth], [train], motions, options).to_json()
    assert "nearby" not in evaluated(TRUTH, [truth_of("pendulum")]).to_json()
