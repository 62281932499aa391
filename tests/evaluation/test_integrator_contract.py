"""The integrator contract, and what the stages write of a cell."""

import json
from dataclasses import dataclass
from types import SimpleNamespace
from typing import ClassVar

import numpy as np
import pytest
import torch
from conftest import Known, observed, starts_of, truth_of

from hnn.core.errors import Refused
from hnn.core.trajectories import Observations
from hnn.datasets.simulation import true_motion
from hnn.evaluation import cells, integrator_contract
from hnn.files import artifacts
from hnn.parallel.mapping import serial_map
from hnn.systems.base import System

DOP = {"integrator": "dop853", "step": 0.1, "tolerance": 1e-7}
RK4 = DOP | {"integrator": "rk4"}


def contract(error, own, method=DOP, fitted=True):
    return integrator_contract.contract(method, np.array([[error]]), np.array([[own]]), fitted)


@pytest.mark.parametrize(("error", "honoured"), [(0.9e-3, True), (1.1e-3, False)])
def test_the_contract_is_a_hundredth_of_the_models_own_error(error, honoured):
    found = contract(error, 0.1)
    assert found == {
        "method": "dop853",
        "tolerance": 1e-7,
        "error": error,
        "share": pytest.approx(10 * error),
        "honoured": honoured,
    }


def test_the_truth_has_nothing_to_honour():
    assert contract(1e-6, 1e-6, fitted=False) | {"error": 0} == contract(0, 1.0) | {"share": None}


def test_rounding_does_not_break_the_contract_and_more_than_that_does():
    assert contract(5e-13, 0.0)["honoured"]
    assert not contract(5e-12, 0.0)["honoured"]


def test_a_step_that_alone_loses_a_rollout_breaks_the_contract_and_one_that_is_lost_anyway_does_not():
    found = contract(np.inf, np.nan, RK4)
    assert (found["error"], found["share"], found["honoured"]) == (None, None, False)
    assert contract(np.nan, 1.0, RK4)["honoured"]


def test_a_broken_contract_is_refused_in_a_line_or_marked():
    found = contract(0.05, 0.1, RK4)
    with pytest.raises(Refused) as refused:
        integrator_contract.enforce("pendulum-hnn", found, False)
    said = str(refused.value)
    for part in (
        "pendulum-hnn",
        "rk4 with step 0.1",
        "0.5 of the model's own",
        "allowed: 0.01",
        "rollout.step",
        "allow_mismatch",
    ):
        assert part in said
    assert "\n" not in said
    assert integrator_contract.enforce("pendulum-hnn", found, True) == {"mismatch": True}
    assert integrator_contract.enforce("pendulum-hnn", contract(0.0, 0.1), False) == {}


def options(**changed):
    given = {"published_energy": "hamiltonian", "allow_mismatch": False, "draws": 20, "chunk": 100}
    return SimpleNamespace(**given | {"integrator": "dop853", "step": 0.1, "tolerance": 1e-7} | changed)


def slow():
    """In a model's place, two fields that are right but for a clock 1 % slow: a crude integrator shows."""
    truth = truth_of("pendulum")
    return [Known(lambda x: 0.99 * truth.time_derivative(x))] * 2


def measure(name, members, **changed):
    truth = truth_of("pendulum")
    motions = {
        starts: true_motion(truth, starts_of("pendulum", 12, seed), torch.linspace(0, 2.5, 21), 1e-12)
        for seed, starts in enumerate(("held_out", "table1", "outside"))
    }
    train, departures = observed("pendulum"), cells.departures(motions)
    return cells.measure("pendulum", name, truth, members, train, departures, options(**changed), serial_map)


def test_a_cells_metrics_have_every_set_and_its_rollouts_every_quantity_by_seed_and_start(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    found = measure("slow", slow())
    assert set(found["outside"]) < set(found)
    assert {"reversal_error", "symplectic_error"} <= set(found) - set(found["outside"])
    assert "energy_mse" in found["table1"]
    assert found["integrator"]["honoured"]
    assert found["outside"]["integrator"]["honoured"]
    assert found["phase_error"]["mean"] == pytest.approx(-0.01, abs=1e-3)
    assert set(found["valid_time"]) == {"mean", "low", "high", "log10", "median", "q1", "q3"}
    json.dumps(found, allow_nan=False)
    rolled = artifacts.read_rollouts("pendulum", "slow")
    for starts, result in (("held_out", found), ("outside", found["outside"])):
        for name in ("energy_drift", "phase_error", "valid_time", "diverged"):
            values = rolled[starts][f"quantity.{name}"]
            assert values.shape == (2, 12)
            assert values.mean() == pytest.approx(result[name]["mean"])
    assert np.isfinite(rolled["held_out"]["quantity.symplectic_error"]).sum() == 2 * integrator_contract.EXAMINED["held_out"]


def test_a_cell_that_is_rolled_out_too_crudely_is_refused_before_anything_is_written_or_marked(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(Refused, match=r"pendulum-slow, held_out: the error of implicit_midpoint with step 0\.125"):
        measure("slow", slow(), integrator="implicit_midpoint", step=0.125)
    assert not list(tmp_path.iterdir())
    found = measure("slow", slow(), integrator="implicit_midpoint", step=0.125, allow_mismatch=True)
    assert found["mismatch"] is True
    assert "mismatch" not in measure("slow", slow())


def test_the_contract_holds_for_every_set_of_starts(tmp_path, monkeypatch):
    """A field that is wrong near rest and right elsewhere: a step that is fine enough there is too crude outside."""
    monkeypatch.chdir(tmp_path)
    truth, t = truth_of("pendulum"), torch.linspace(0, 2.5, 21)
    wrong = Known(lambda x: truth.time_derivative(x) * (1 + 0.2 * torch.exp(-4 * x.square().sum(-1, keepdim=True))))
    x0 = {"held_out": torch.tensor([[0.1, 0.0]]), "outside": torch.tensor([[2.5, 0.0]])}
    departures = cells.departures({starts: true_motion(truth, x, t, 1e-12) for starts, x in x0.items()})
    arguments = ("pendulum", "wrong", truth, [wrong], observed("pendulum"), departures)
    with pytest.raises(Refused, match="pendulum-wrong, outside: the error of rk4"):
        cells.measure(*arguments, options(integrator="rk4", step=0.05), serial_map)
    found = cells.measure(*arguments, options(integrator="rk4", step=0.05, allow_mismatch=True), serial_map)
    assert found["integrator"]["honoured"]
    assert "mismatch" not in found
    assert found["outside"]["mismatch"] is True


def test_the_truth_is_never_refused_and_its_own_error_is_the_integrators(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    found = measure("truth", [truth_of("pendulum")], integrator="implicit_midpoint", step=0.125)
    assert found["integrator"]["honoured"]
    assert found["integrator"]["error"] == pytest.approx(found["coordinate_error"]["mean"], rel=0.3)


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


def test_a_chaotic_truth_is_also_started_nearby_and_soon_lost(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    truth = HenonHeiles()
    x0 = torch.tensor([[0.0, -0.3, 0.46, 0.0], [0.0, -0.23, 0.508, 0.0], [0.0, -0.095, 0.557, 0.0]])
    motions = {"held_out": true_motion(truth, x0, torch.linspace(0, 100, 401), 1e-12)}
    train = Observations(motions["held_out"].t, motions["held_out"].x, np.zeros_like(motions["held_out"].x))
    departures = cells.departures(motions) | cells.beside(truth, motions)
    tight = options(integrator="gauss", tolerance=1e-12)
    found = cells.measure("hh", "truth", truth, [truth], train, departures, tight, serial_map)
    assert found["valid_time"]["mean"] == pytest.approx(100 / (2 * np.pi))
    assert found["nearby"]["valid_time"]["mean"] < 0.6 * found["valid_time"]["mean"]
    assert found["phase_error"]["mean"] is None
    beside = artifacts.read_rollouts("hh", "truth")["nearby"]
    assert beside["distance"][0, :, 0] == pytest.approx([1e-4] * 3)


def test_a_system_that_is_not_chaotic_is_not_started_nearby():
    assert cells.beside(truth_of("pendulum"), {}) == {}
