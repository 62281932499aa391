"""Gauss collocation: accurate to rounding, of its declared order, symplectic, reversible; an underflowing step is refused."""

import numpy as np
import pytest
import torch
from conftest import FunctionField, starts_of, truth_of

from hnn.core.errors import Refused
from hnn.core.phase_space import canonical_matrix
from hnn.integrators import gauss
from hnn.integrators.dop853 import DOP853
from hnn.integrators.gauss import Gauss, integrals, nodes, runge_kutta_matrix, transform

T = torch.linspace(0, 20, 60, dtype=torch.float64)


def test_runge_kutta_matrix_of_two_stages_is_that_of_the_literature():
    """Hairer, Lubich, Wanner 2006, table II.1.1."""
    r = 3**0.5 / 6
    assert nodes(2) == pytest.approx([0.5 - r, 0.5 + r])
    assert runge_kutta_matrix(2) == pytest.approx(np.array([[0.25, 0.25 - r], [0.25 + r, 0.25]]))


@pytest.mark.parametrize("stages", [2, 5, 16])
def test_integrals_are_exact_for_polynomials_of_degree_2s_minus_1(stages):
    b = (integrals(stages, np.array([1.0])) @ transform(stages))[0]
    for degree in range(2 * stages):
        assert (b * nodes(stages) ** degree).sum() == pytest.approx(1 / (degree + 1), abs=1e-14)


@pytest.mark.parametrize("stages", [2, 5])  # with 16 stages the next degree is exact to rounding as well
def test_integrals_are_not_exact_for_the_next_degree(stages):
    b = (integrals(stages, np.array([1.0])) @ transform(stages))[0]
    assert abs((b * nodes(stages) ** (2 * stages)).sum() - 1 / (2 * stages + 1)) > 1e-10


def test_gauss_solves_the_spring_to_rounding_where_dop853_does_not():
    truth, x0 = truth_of("mass_spring"), starts_of("mass_spring", 10)
    exact = truth.solution(x0, T)
    assert (Gauss()(truth, x0, T) - exact).abs().max() < 1e-13
    assert (DOP853(1e-12)(truth, x0, T) - exact).abs().max() > 1e-13


def test_solve_nodes_stops_at_a_fraction_of_the_tolerance(monkeypatch):
    """The error stays below the tolerance; iterating to rounding takes at least 30 % more calls."""
    truth, x0, calls = truth_of("pendulum"), starts_of("pendulum", 10), []
    exact = Gauss()(truth, x0, T)
    field = FunctionField(lambda x: [calls.append(1), truth.time_derivative(x)][1])
    loose = Gauss(1e-6)(field, x0, T)
    loose_calls = len(calls)
    monkeypatch.setattr(gauss, "CONVERGENCE_FRACTION", 0.0)
    Gauss(1e-6)(field, x0, T)
    assert (loose - exact).abs().max() < 1e-6
    assert len(calls) - loose_calls > 1.3 * loose_calls


@pytest.mark.parametrize("task", ["pendulum", "two_body"])
def test_gauss_conserves_energy_to_rounding(task):
    truth = truth_of(task)
    energy = truth.hamiltonian(Gauss()(truth, starts_of(task, 20), T))
    rounding = 100 * 2.0**-52  # of some hundred steps, whose sum depends on the processor's order of additions
    assert ((energy - energy[:, :1]) / energy.abs().max()).abs().max() < rounding


def symplectic_defect(method):
    """Largest entry of MᵀJM - J, with M the Jacobian of a pendulum's flow over 3 s."""
    truth, x0, J = truth_of("pendulum"), torch.tensor([1.0, 0.5]), canonical_matrix(1)
    h, e = 1e-4, torch.eye(2)
    starts = torch.stack([x0 + k * h * d for d in e for k in (1, -1, 2, -2)])
    end = method(truth, starts, torch.tensor([0.0, 3.0]))[:, -1].view(2, 4, 2)
    M = ((8 * (end[:, 0] - end[:, 1]) - (end[:, 2] - end[:, 3])) / (12 * h)).T
    return (M.T @ J @ M - J).abs().max()


def test_gauss_flow_map_is_symplectic_at_steps_that_are_not_exact(monkeypatch):
    """With nodes solved to rounding, the map is symplectic although its states are not exact; DOP853's is not."""
    monkeypatch.setattr(gauss, "CONVERGENCE_FRACTION", 0.0)
    truth, x0, t = truth_of("pendulum"), torch.tensor([1.0, 0.5]), torch.tensor([0.0, 3.0])
    crude = Gauss(0.1, stages=4)
    assert (crude(truth, x0, t) - Gauss()(truth, x0, t)).abs().max() > 1e-8
    assert symplectic_defect(crude) < 1e-10
    assert symplectic_defect(DOP853(1e-6)) > 1e-6


def test_gauss_is_reversible():
    truth, x0 = truth_of("pendulum"), torch.tensor([[1.0, 0.5]])
    end = Gauss()(truth, x0, torch.tensor([0.0, 3.0]))[:, -1]
    assert (Gauss()(truth, end, torch.tensor([3.0, 0.0]))[:, -1] - x0).abs().max() < 1e-13


def test_gauss_takes_fewer_calls_with_a_looser_tolerance_and_keeps_it():
    truth, x0, calls = truth_of("pendulum"), starts_of("pendulum", 5), []

    def counted(x):
        calls.append(len(x))
        return truth.time_derivative(x)

    states, count = {}, {}
    for tolerance in (1e-4, 1e-8, 1e-12):
        calls.clear()
        states[tolerance] = Gauss(tolerance)(FunctionField(counted), x0, T)
        count[tolerance] = len(calls)
    assert count[1e-4] < count[1e-8] < count[1e-12]
    error = {tolerance: (states[tolerance] - states[1e-12]).abs().max() for tolerance in (1e-4, 1e-8)}
    assert error[1e-8] < 1e-8 < error[1e-4] < 1e-4


def test_gauss_evaluates_all_nodes_of_all_trajectories_in_one_call():
    shapes = set()

    def field(x):
        shapes.add(tuple(x.shape))
        return truth_of("mass_spring").time_derivative(x)

    Gauss(stages=6)(FunctionField(field), torch.randn(3, 4, 2), T[:5])
    assert shapes == {(3, 4, 2), (6, 3, 4, 2)}


def test_gauss_solution_does_not_depend_on_the_output_times():
    truth, x0 = truth_of("two_body"), starts_of("two_body", 3)
    few, many = (Gauss()(truth, x0, torch.linspace(0, 10, n)) for n in (2, 201))
    assert (few[:, -1] - many[:, -1]).abs().max() < 1e-13


def test_gauss_refuses_a_collision_and_names_its_time():
    fall = FunctionField(
        lambda x: torch.cat([x[..., 1:], -1 / x[..., :1] ** 2], -1)
    )  # from rest at 1 it hits the centre at π/√8
    with pytest.raises(Refused, match=r"cannot be followed beyond t = 1\.11"):
        Gauss()(fall, torch.tensor([[1.0, 0.0]]), torch.tensor([0.0, 2.0]))
