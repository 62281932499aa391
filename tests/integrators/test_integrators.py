"""Order, symplecticity, reversibility and energy drift of every method; the next-worse method misses each bound."""

from itertools import pairwise

import numpy as np
import pytest
import torch
from conftest import FunctionField, network, starts_of, task_of, truth_of

from hnn.core.errors import Refused
from hnn.core.phase_space import canonical_matrix
from hnn.integrators.dop853 import DOP853
from hnn.integrators.fixed_step import FIXED_STEP, ImplicitMidpoint
from hnn.integrators.solve import Solver, frozen, rollout


def make_system(name):
    """The system with the constants of params.yaml."""
    return truth_of(task_of(name))


SYMPLECTIC = ["leapfrog", "yoshida4", "implicit_midpoint"]
START = torch.tensor([1.0, 0.5], dtype=torch.float64)


class FiniteTimeBlowUp:
    """dx/dt = x², whose solution from x0 > 0 diverges at t = 1/x0."""

    def time_derivative(self, x):
        return x**2


class NanField:
    """A field that is NaN everywhere."""

    def time_derivative(self, x):
        return x * torch.nan


def pendulum_step(name, dt=0.2):
    pendulum = make_system("pendulum")
    return lambda x: FIXED_STEP[name](pendulum, x, dt)


def symplectic_defect(name):
    J, M = canonical_matrix(1), torch.autograd.functional.jacobian(pendulum_step(name), START)
    return (M.T @ J @ M - J).abs().max().item()


def reversal_defect(name):
    pendulum, step = make_system("pendulum"), FIXED_STEP[name]
    return (step(pendulum, step(pendulum, START, 0.2), -0.2) - START).abs().max().item()


def energy_errors(name, steps):
    """Absolute mean energy error over the first and over the second half of the steps."""
    pendulum = make_system("pendulum")
    x = rollout(pendulum, START, torch.arange(steps + 1.0) * 0.2, Solver(name, 0.2))
    error = pendulum.hamiltonian(x) - pendulum.hamiltonian(START)
    return error[: steps // 2].mean().abs().item(), error[steps // 2 :].mean().abs().item()


@pytest.mark.parametrize("name", FIXED_STEP)
def test_fixed_step_methods_have_their_declared_order(name):
    spring, t = make_system("mass_spring"), torch.tensor([0.0, 2.0])
    exact = spring.solution(START, t)[-1]
    steps = np.array([0.1, 0.05, 0.025])
    errors = [(rollout(spring, START, t, Solver(name, step))[-1] - exact).norm().item() for step in steps]
    assert np.polyfit(np.log(steps), np.log(errors), 1)[0] == pytest.approx(FIXED_STEP[name].order, abs=0.2)


@pytest.mark.parametrize("name", SYMPLECTIC)
def test_symplectic_steps_preserve_the_symplectic_form(name):
    assert symplectic_defect(name) < 1e-12


@pytest.mark.parametrize("name", SYMPLECTIC)
def test_symplectic_steps_are_reversible(name):
    assert reversal_defect(name) < 1e-12


def test_rk4_step_is_neither_symplectic_nor_reversible():
    assert symplectic_defect("rk4") > 1e-6
    assert reversal_defect("rk4") > 1e-6


@pytest.mark.parametrize("name", SYMPLECTIC)
def test_symplectic_methods_have_no_energy_drift(name):
    first, second = energy_errors(name, 400)
    assert second < 1.2 * first


def test_rk4_has_an_energy_drift():
    first, second = energy_errors("rk4", 400)
    assert second > 2.5 * first


def test_dop853_error_follows_its_tolerance():
    spring, t = make_system("mass_spring"), torch.linspace(0, 20, 7)
    errors = [(DOP853(tol)(spring, START, t) - spring.solution(START, t)).abs().max() for tol in (1e-12, 1e-6)]
    assert errors[0] < 1e-9 < errors[1]


@pytest.mark.parametrize("name", ["dop853", *FIXED_STEP])
def test_rollout_has_time_before_the_last_axis_and_begins_at_the_start(name):
    spring, x0, t = make_system("mass_spring"), torch.randn(3, 4, 2), torch.tensor([0.0, 0.1, 0.5])
    x = rollout(spring, x0, t, Solver(name, 0.0001 if name == "euler" else 0.01))
    assert x.shape == (3, 4, 3, 2)
    assert torch.equal(x[..., 0, :], x0)
    assert torch.allclose(x, spring.solution(x0, t), atol=1e-3)


@pytest.mark.parametrize("name", ["dop853", "rk4", "yoshida4", "implicit_midpoint"])
def test_rollout_backward_in_time_returns_to_the_start(name):
    spring, t = make_system("mass_spring"), torch.tensor([0.0, 1.5])
    end = rollout(spring, START, t, Solver(name, 0.01))[-1]
    assert torch.allclose(rollout(spring, end, t.flip(0), Solver(name, 0.01))[-1], START, atol=1e-8)


def test_dop853_gives_nan_for_a_diverged_trajectory_and_solves_the_others():
    t = torch.linspace(0, 1, 11)
    x = rollout(FiniteTimeBlowUp(), torch.tensor([[2.0, 2.0], [0.5, 0.5]]), t)
    assert x[0, :5].isfinite().all()
    assert x[0, 6:].isnan().all()
    assert torch.allclose(x[1, :, 0], 1 / (2 - t), rtol=1e-6)


def test_dop853_gives_nan_where_the_field_is_nan():
    x = rollout(NanField(), torch.ones(3, 2), torch.linspace(0, 1, 3))
    assert x[:, 1:].isnan().all()


def test_implicit_midpoint_gives_nan_if_the_iteration_does_not_converge():
    assert ImplicitMidpoint()(make_system("mass_spring"), START, 5.0).isnan().all()
    assert ImplicitMidpoint()(make_system("mass_spring"), START, 0.1).isfinite().all()


def test_implicit_midpoint_converges_in_single_precision():
    model = network("hnn").float()
    assert ImplicitMidpoint()(model, torch.randn(5, 2, dtype=torch.float32), 0.05).isfinite().all()


@pytest.mark.parametrize("name", ["leapfrog", "yoshida4"])
def test_splitting_refuses_a_field_that_is_not_separable(name):
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
def test_solver_and_rollout_name_bad_arguments(options, message):
    with pytest.raises(ValueError, match=message):
        rollout(
            make_system("mass_spring"), START, options.get("t", torch.tensor([0.0, 1.0])), Solver(**options.get("solver", {}))
        )


def test_rollout_divides_each_interval_into_equal_steps_no_longer_than_asked():
    evaluations = []
    spring = make_system("mass_spring")

    class Recorder:
        def time_derivative(self, x):
            evaluations.append(x)
            return spring.time_derivative(x)

    rollout(Recorder(), START, torch.tensor([0.0, 0.25, 0.5]), Solver("rk4", 0.1))
    assert len(evaluations) == 2 * 3 * 4  # intervals, steps of 0.25/3, stages


def test_implicit_midpoint_is_nan_only_for_the_states_that_do_not_converge():
    field = FunctionField(
        lambda x: torch.stack([x[..., 1], -4 * x[..., 0] ** 3], -1)
    )  # H = p²/2 + q⁴: frequency grows with amplitude
    slow, fast = torch.tensor([0.1, 0.0]), torch.tensor([30.0, 0.0])
    both = ImplicitMidpoint()(field, torch.stack([slow, fast]), 0.2)
    assert torch.allclose(both[0], ImplicitMidpoint()(field, slow, 0.2), rtol=0, atol=1e-13)
    assert both[1].isnan().all()


@pytest.mark.parametrize(("name", "bound"), [("implicit_midpoint", 1e-11), ("leapfrog", None), ("rk4", None)])
def test_implicit_midpoint_alone_is_symplectic_for_a_non_separable_energy(name, bound):
    """H = (1 + q²)(1 + p²)/2, wrongly marked as separable: leapfrog is not symplectic, which is why it refuses such fields."""
    coupled = FunctionField(
        lambda x: torch.stack([x[..., 1] * (1 + x[..., 0] ** 2), -x[..., 0] * (1 + x[..., 1] ** 2)], -1), separable=True
    )
    J, M = canonical_matrix(1), torch.autograd.functional.jacobian(lambda x: FIXED_STEP[name](coupled, x, 0.2), START)
    defect = (M.T @ J @ M - J).abs().max().item()
    assert (defect < bound) if bound else (defect > 1e-6)


def test_fixed_step_methods_are_ranked_by_their_error_at_the_same_step():
    """Largest errors on the pendulum to t = 5 in steps of 0.05: each bound holds, and the next method misses it."""
    pendulum, t = make_system("pendulum"), torch.linspace(0, 5, 26)
    exact = rollout(pendulum, START, t, Solver(tolerance=1e-12))
    bounds = {"rk4": 3e-5, "yoshida4": 5e-4, "leapfrog": 8e-3, "implicit_midpoint": 2e-2}
    errors = {name: (rollout(pendulum, START, t, Solver(name, 0.05)) - exact).abs().max().item() for name in bounds}
    assert all(errors[name] < bound for name, bound in bounds.items()), errors
    assert all(errors[next_worse] > bounds[name] for name, next_worse in pairwise(bounds)), errors


@pytest.mark.parametrize(("step", "half"), [(0.1, 0.05), (0.15, 0.05), (7.0, 0.1)])
def test_solver_finer_halves_the_step_actually_taken(step, half):
    """A step longer than the interval is cut to the interval before it is halved."""
    assert Solver("rk4", step).finer(torch.linspace(0, 1, 6)).step == pytest.approx(half)


def test_solver_finer_divides_the_tolerance_of_an_adaptive_method_by_a_hundred():
    assert Solver("dop853", tolerance=1e-7).finer(torch.linspace(0, 1, 6)).tolerance == pytest.approx(1e-9)
    assert Solver("gauss", tolerance=1e-12).finer(torch.linspace(0, 1, 6)).tolerance == pytest.approx(1e-13)


def test_dop853_refuses_a_step_size_underflow_and_names_the_time():
    """A singularity at t = 1 below the limit at which trajectories are stopped: |x| < 100."""
    field = FunctionField(lambda x: torch.where(x < 100, x**3, 1e300))
    with pytest.raises(Refused, match=r"cannot be followed much beyond t = 0\.\d+ s: the step size underflows"):
        DOP853()(field, torch.ones(1, 2), torch.linspace(0, 1, 11))


@pytest.mark.parametrize("integrator", ["dop853", "gauss"])
def test_rollout_leaves_states_nan_that_take_too_many_evaluations_and_follows_the_others(integrator):
    """A field that turns ten thousand times as fast beyond |x| = 2, where one of seven starts is."""
    turn = torch.tensor([[0.0, 1.0], [-1.0, 0.0]])
    calls = []

    def field(x):
        calls.append(len(x))
        return torch.where(x.norm(dim=-1, keepdim=True) > 2, 1e4, 1.0) * (x @ turn)

    x0 = torch.tensor([[1.0, 0.0]] * 6 + [[3.0, 0.0]])[[0, 6, 1, 2, 3, 4, 5]]
    t, budget = torch.linspace(0, 6, 4), 20_000
    x = rollout(FunctionField(field), x0, t, Solver(integrator, tolerance=1e-8, evaluations=budget))
    assert len(calls) <= budget * 4  # 1, then two halves, four quarters and so on, each with half, but at least a tenth
    assert x[1, 1:].isnan().all()
    healthy = x[[0, 2, 3, 4, 5, 6]]
    torch.testing.assert_close(healthy[..., 0], t.cos().expand(6, 4), rtol=0, atol=1e-5)
    assert torch.equal(x[:, 0], x0)


def test_rollout_follows_every_start_that_does_not_need_more_than_a_tenth_of_the_evaluations():
    """One of a hundred starts of the pendulum is beyond 2.5, where the field is ten thousand times as steep."""
    truth, x0 = truth_of("pendulum"), starts_of("pendulum", 100)
    x0[37] = torch.tensor([3.0, 0.0])
    field = FunctionField(lambda x: torch.where(x[..., :1] > 2.9, 1e4, 1.0) * truth.time_derivative(x))
    x = rollout(field, x0, torch.linspace(0, 6, 7), Solver("dop853", tolerance=1e-7, evaluations=20_000))
    assert torch.nonzero(x[:, -1].isnan().any(-1)).flatten().tolist() == [37]


def test_rollout_within_its_evaluations_is_the_same_to_the_last_bit():
    truth, x0, t = truth_of("pendulum"), starts_of("pendulum", 5), torch.linspace(0, 5, 11)
    free = rollout(truth, x0, t, Solver("dop853", tolerance=1e-8))
    assert torch.equal(rollout(truth, x0, t, Solver("dop853", tolerance=1e-8, evaluations=2000)), free)
    single = rollout(truth, x0[0], t, Solver("dop853", tolerance=1e-8, evaluations=2000))
    assert single.shape == (11, 2)


def test_rollout_uses_the_frozen_form_only_without_gradients_in_float64():
    model, t = network("hnn").double(), torch.tensor([0.0, 0.1])
    for x0 in (START, START.clone().requires_grad_(), START.float()):
        field = frozen(model, x0)
        assert (field is model) == (x0 is not START)
    assert rollout(model, START, t).shape == (2, 2)
