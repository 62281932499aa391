"""Order, symplecticity, reversal and drift of every method; each bound is one that the next-worse method misses."""

from itertools import pairwise

import numpy as np
import pytest
import torch
from conftest import Known, network, task_of, truth_of

from hnn.core.errors import Refused
from hnn.core.phase_space import canonical_matrix
from hnn.integrators.dop853 import DOP853
from hnn.integrators.fixed_step import FIXED_STEP, ImplicitMidpoint
from hnn.integrators.solve import Solver, rollout


def make_system(name):
    """The system with the constants of params.yaml."""
    return truth_of(task_of(name))


SYMPLECTIC = ["leapfrog", "yoshida4", "implicit_midpoint"]
START = torch.tensor([1.0, 0.5], dtype=torch.float64)


class Exploding:
    """dx/dt = x²: from x0 > 0 it is infinite at t = 1/x0."""

    def time_derivative(self, x):
        return x**2


class Unknown:
    """A field that is not a number anywhere."""

    def time_derivative(self, x):
        return x * torch.nan


def one_step(name, dt=0.2):
    pendulum = make_system("pendulum")
    return lambda x: FIXED_STEP[name](pendulum, x, dt)


def symplectic_defect(name):
    J, M = canonical_matrix(1), torch.autograd.functional.jacobian(one_step(name), START)
    return (M.T @ J @ M - J).abs().max().item()


def reversal_defect(name):
    pendulum, step = make_system("pendulum"), FIXED_STEP[name]
    return (step(pendulum, step(pendulum, START, 0.2), -0.2) - START).abs().max().item()


def drift(name):
    """The mean energy error over the first and over the second half of 2000 steps."""
    pendulum = make_system("pendulum")
    x = rollout(pendulum, START, torch.arange(2001.0) * 0.2, Solver(name, 0.2))
    error = pendulum.hamiltonian(x) - pendulum.hamiltonian(START)
    return error[:1000].mean().abs().item(), error[1000:].mean().abs().item()


@pytest.mark.parametrize("name", FIXED_STEP)
def test_the_observed_order_is_the_declared_one(name):
    spring, t = make_system("mass_spring"), torch.tensor([0.0, 2.0])
    exact = spring.solution(START, t)[-1]
    steps = np.array([0.1, 0.05, 0.025])
    errors = [(rollout(spring, START, t, Solver(name, step))[-1] - exact).norm().item() for step in steps]
    assert np.polyfit(np.log(steps), np.log(errors), 1)[0] == pytest.approx(FIXED_STEP[name].order, abs=0.2)


@pytest.mark.parametrize("name", SYMPLECTIC)
def test_a_symplectic_step_keeps_the_symplectic_form(name):
    assert symplectic_defect(name) < 1e-12


@pytest.mark.parametrize("name", SYMPLECTIC)
def test_a_reversible_step_goes_back_to_the_start(name):
    assert reversal_defect(name) < 1e-12


def test_a_runge_kutta_step_does_neither():
    assert symplectic_defect("rk4") > 1e-6
    assert reversal_defect("rk4") > 1e-6


@pytest.mark.parametrize("name", SYMPLECTIC)
def test_the_energy_of_a_symplectic_method_does_not_drift(name):
    first, second = drift(name)
    assert second < 1.2 * first


def test_the_energy_of_a_runge_kutta_method_does():
    first, second = drift("rk4")
    assert second > 2.5 * first


def test_the_reference_solver_keeps_its_tolerance_and_a_looser_one_does_not():
    spring, t = make_system("mass_spring"), torch.linspace(0, 20, 7)
    errors = [(DOP853(tol)(spring, START, t) - spring.solution(START, t)).abs().max() for tol in (1e-12, 1e-6)]
    assert errors[0] < 1e-9 < errors[1]


@pytest.mark.parametrize("name", ["dop853", *FIXED_STEP])
def test_time_is_the_axis_before_the_last_and_the_start_is_first(name):
    spring, x0, t = make_system("mass_spring"), torch.randn(3, 4, 2), torch.tensor([0.0, 0.1, 0.5])
    x = rollout(spring, x0, t, Solver(name, 0.0001 if name == "euler" else 0.01))
    assert x.shape == (3, 4, 3, 2)
    assert torch.equal(x[..., 0, :], x0)
    assert torch.allclose(x, spring.solution(x0, t), atol=1e-3)


@pytest.mark.parametrize("name", ["dop853", "rk4", "yoshida4", "implicit_midpoint"])
def test_backward_times_undo_forward_ones(name):
    spring, t = make_system("mass_spring"), torch.tensor([0.0, 1.5])
    end = rollout(spring, START, t, Solver(name, 0.01))[-1]
    assert torch.allclose(rollout(spring, end, t.flip(0), Solver(name, 0.01))[-1], START, atol=1e-8)


def test_a_trajectory_that_explodes_is_nan_from_there_and_the_others_are_right():
    t = torch.linspace(0, 1, 11)
    x = rollout(Exploding(), torch.tensor([[2.0, 2.0], [0.5, 0.5]]), t)
    assert x[0, :5].isfinite().all()
    assert x[0, 6:].isnan().all()
    assert torch.allclose(x[1, :, 0], 1 / (2 - t), rtol=1e-6)


def test_what_the_solver_cannot_reach_is_nan():
    x = rollout(Unknown(), torch.ones(3, 2), torch.linspace(0, 1, 3))
    assert x[:, 1:].isnan().all()


def test_an_implicit_step_that_does_not_settle_is_nan_and_not_a_wrong_number():
    assert ImplicitMidpoint()(make_system("mass_spring"), START, 5.0).isnan().all()
    assert ImplicitMidpoint()(make_system("mass_spring"), START, 0.1).isfinite().all()


def test_an_implicit_step_works_in_single_precision():
    model = network("hnn").float()
    assert ImplicitMidpoint()(model, torch.randn(5, 2, dtype=torch.float32), 0.05).isfinite().all()


@pytest.mark.parametrize("name", ["leapfrog", "yoshida4"])
def test_a_splitting_refuses_a_field_that_does_not_split(name):
    with pytest.raises(Refused, match=r"HamiltonianNetwork.*allowed for any field: dop853, gauss, rk4, implicit_midpoint"):
        rollout(network("hnn").double(), START, torch.tensor([0.0, 1.0]), Solver(name))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"solver": {"integrator": "rk45"}}, "'rk45', allowed: dop853, gauss, euler, rk4"),
        ({"solver": {"step": 0.0}}, "step: given 0.0"),
        ({"t": torch.tensor([0.0])}, "at least two times"),
        ({"t": torch.tensor([0.0, 1.0, 0.5])}, "increase or decrease"),
    ],
)
def test_bad_arguments_are_named(options, message):
    with pytest.raises(ValueError, match=message):
        rollout(
            make_system("mass_spring"), START, options.get("t", torch.tensor([0.0, 1.0])), Solver(**options.get("solver", {}))
        )


def test_steps_are_equal_and_no_longer_than_asked():
    lengths = []
    spring = make_system("mass_spring")

    class Recorder:
        def time_derivative(self, x):
            lengths.append(x)
            return spring.time_derivative(x)

    rollout(Recorder(), START, torch.tensor([0.0, 0.25, 0.5]), Solver("rk4", 0.1))
    assert len(lengths) == 2 * 3 * 4  # intervals, steps of 0.25/3, stages


def test_an_implicit_step_that_settles_for_one_state_of_a_batch_is_right_there_and_nan_elsewhere():
    field = Known(lambda x: torch.stack([x[..., 1], -4 * x[..., 0] ** 3], -1))  # H = p²/2 + q⁴: the wider, the faster
    calm, wild = torch.tensor([0.1, 0.0]), torch.tensor([30.0, 0.0])
    both = ImplicitMidpoint()(field, torch.stack([calm, wild]), 0.2)
    assert torch.allclose(both[0], ImplicitMidpoint()(field, calm, 0.2), rtol=0, atol=1e-13)
    assert both[1].isnan().all()


@pytest.mark.parametrize(("name", "bound"), [("implicit_midpoint", 1e-11), ("leapfrog", None), ("rk4", None)])
def test_only_the_implicit_step_is_symplectic_where_the_energy_does_not_split(name, bound):
    """H = (1 + q²)(1 + p²)/2; leapfrog, told that it splits, is no longer symplectic: hence it refuses such fields."""
    coupled = Known(
        lambda x: torch.stack([x[..., 1] * (1 + x[..., 0] ** 2), -x[..., 0] * (1 + x[..., 1] ** 2)], -1), separable=True
    )
    J, M = canonical_matrix(1), torch.autograd.functional.jacobian(lambda x: FIXED_STEP[name](coupled, x, 0.2), START)
    defect = (M.T @ J @ M - J).abs().max().item()
    assert (defect < bound) if bound else (defect > 1e-6)


def test_at_the_same_step_each_method_is_better_than_the_next():
    """Largest errors on the pendulum to t = 5 in steps of 0.05: each bound holds, and the next method misses it."""
    pendulum, t = make_system("pendulum"), torch.linspace(0, 5, 26)
    exact = rollout(pendulum, START, t, Solver(tolerance=1e-12))
    bounds = {"rk4": 3e-5, "yoshida4": 5e-4, "leapfrog": 8e-3, "implicit_midpoint": 2e-2}
    errors = {name: (rollout(pendulum, START, t, Solver(name, 0.05)) - exact).abs().max().item() for name in bounds}
    assert all(errors[name] < bound for name, bound in bounds.items()), errors
    assert all(errors[next_worse] > bounds[name] for name, next_worse in pairwise(bounds)), errors


@pytest.mark.parametrize(("step", "half"), [(0.1, 0.05), (0.15, 0.05), (7.0, 0.1)])
def test_solver_finer_halves_the_step_that_is_taken(step, half):
    """Not half of what was asked for: a step longer than the interval is cut to it, and its half must be less."""
    assert Solver("rk4", step).finer(torch.linspace(0, 1, 6)).step == pytest.approx(half)


def test_solver_finer_divides_the_tolerance_of_an_adaptive_method_by_a_hundred():
    assert Solver("dop853", tolerance=1e-7).finer(torch.linspace(0, 1, 6)).tolerance == pytest.approx(1e-9)
    assert Solver("gauss", tolerance=1e-12).finer(torch.linspace(0, 1, 6)).tolerance == pytest.approx(1e-13)
