from math import exp, sqrt

import numpy as np
import pytest
import torch
from conftest import FunctionField, starts_of, truth_of

from hnn.evaluation.flow_diagnostics import (
    divergence,
    flow_errors,
    friction_error,
    integrator_error,
    reversal_error,
    symplectic_error,
)
from hnn.integrators.solve import Solver, rollout

TIGHT = Solver("gauss", 0.1, 1e-12)


def by(integrator, step=0.1):
    return Solver(integrator, step, 1e-7)


def reversed_error(task, method, points=20):
    truth, t = truth_of(task), torch.linspace(0, 5, points)
    x = rollout(truth, starts_of(task, 4), t, method)
    return reversal_error(truth, x, t, method, 1e3)


def test_reversal_error_is_zero_for_a_reversible_method_and_not_for_rk4():
    assert reversed_error("pendulum", by("leapfrog")).max() < 1e-12
    assert reversed_error("pendulum", by("rk4")).min() > 1e-7
    assert reversed_error("pendulum", TIGHT).max() < 1e-9


def test_reversal_error_is_nan_for_a_diverged_rollout_alone():
    truth, t = truth_of("pendulum"), torch.linspace(0, 5, 20)
    x = rollout(truth, starts_of("pendulum", 3), t, TIGHT)
    x[1, 10:] = torch.nan
    error = reversal_error(truth, x, t, by("dop853"), 1e3)
    assert error.isnan().tolist() == [False, True, False]
    assert error[[0, 2]].max() < 1e-4


def test_flow_errors_of_the_other_starts_do_not_depend_on_one_that_was_not_followed():
    """The field is a million times as steep where the third of four starts is."""
    truth, x0, t = truth_of("pendulum"), starts_of("pendulum", 4), torch.linspace(0, 5, 11)
    x0[2, 0] = 3.0
    steep = FunctionField(lambda x: torch.where(x[..., :1] > 2.9, 1e6, 1.0) * truth.time_derivative(x))
    solver = Solver("dop853", tolerance=1e-8, evaluations=20_000)
    x = rollout(steep, x0, t, solver)
    assert x[2, 1:].isnan().all()
    found = flow_errors([steep], x[None].numpy(), t.numpy(), truth.period(x0).numpy(), 3.0, solver)
    for name, values in found.items():
        assert np.isnan(values[0, 2]), name
        assert (values[0, [0, 1, 3]] < 1e-4).all(), name


@pytest.mark.parametrize(("task", "floor"), [("mass_spring", 1e-8), ("pendulum", 1e-7), ("two_body", 1e-5)])
def test_symplectic_error_of_an_ideal_system_is_that_of_the_differences(task, floor):
    truth, x0 = truth_of(task), starts_of(task, 5)
    assert symplectic_error(truth, x0, truth.period(x0), TIGHT).max() < floor


def test_symplectic_error_of_friction_is_its_contraction():
    truth, x0 = truth_of("damped_pendulum"), starts_of("damped_pendulum", 4)
    period = truth.period(x0)
    expected = [sqrt(2) * (1 - exp(-truth.friction * T)) for T in period.tolist()]
    assert symplectic_error(truth, x0, period, TIGHT).numpy() == pytest.approx(expected, rel=1e-5)


def test_symplectic_error_is_zero_for_leapfrog_at_a_large_step_and_not_for_rk4():
    truth, x0 = truth_of("pendulum"), starts_of("pendulum", 4)
    found = {name: symplectic_error(truth, x0, truth.period(x0), by(name)) for name in ("leapfrog", "rk4")}
    assert found["leapfrog"].max() < 1e-7
    assert found["rk4"].min() > 1e-6


def test_symplectic_error_is_nan_without_a_period():
    truth, x0 = truth_of("mass_spring"), starts_of("mass_spring", 2)
    found = symplectic_error(truth, x0, torch.tensor([torch.nan, torch.pi]), TIGHT)
    assert found.isnan().tolist() == [True, False]


def test_integrator_error_estimates_the_error_of_the_method():
    truth, x0, t = truth_of("mass_spring"), starts_of("mass_spring", 4), torch.linspace(0, 10, 51)
    x, exact = rollout(truth, x0, t, by("rk4")), truth.solution(x0, t)
    true = (x - exact).square().sum((-1, -2)).sqrt() / exact.square().sum((-1, -2)).sqrt()
    found = integrator_error(truth, x, t, by("rk4"), 10.0)
    assert found.numpy() == pytest.approx(true.numpy() * 15 / 16, rel=0.01)  # the half step has a sixteenth of it


def test_integrator_error_is_infinite_where_only_the_coarse_step_diverges_and_nan_where_both_do():
    stiff, t = FunctionField(lambda x: -30.0 * x), torch.linspace(0, 400, 2001)
    method = by("euler", 0.1)
    x = rollout(stiff, torch.ones(1, 2), t, method)
    assert integrator_error(stiff, x, t, method, 10.0).item() == np.inf
    x = rollout(stiff, torch.ones(1, 2), t[:6], method)
    assert x.isfinite().all()  # far from the data, but finite
    assert integrator_error(stiff, x, t[:6], method, 10.0).item() == np.inf
    growing = FunctionField(lambda x: 30.0 * x)
    assert integrator_error(growing, rollout(growing, torch.ones(1, 2), t, method), t, method, 10.0).isnan().all()


def test_divergence_of_friction_is_its_rate_and_zero_without():
    x = starts_of("damped_pendulum", 6).view(2, 3, 2)
    damped, ideal = truth_of("damped_pendulum"), truth_of("pendulum")
    torch.testing.assert_close(divergence(damped, x), torch.full((2, 3), -damped.friction), rtol=1e-8, atol=0)
    assert divergence(ideal, x).abs().max() < 1e-10
    torch.testing.assert_close(divergence(FunctionField(lambda x: x**3), x), 3 * x.square().sum(-1))


def test_friction_error_is_relative_signed_and_independent_of_the_gauge():
    """A field with friction is also J ∇H + ∇D with D = -γ |x|²/4 and another H, which has the same divergence."""
    truth, x = truth_of("damped_pendulum"), starts_of("damped_pendulum", 12).view(3, 4, 2).numpy()
    factors = (1.0, 1.2, 0.0)

    def field(factor):
        return FunctionField(lambda x: truth.time_derivative(x) + (factor - 1) * truth.dissipation(x))

    half = FunctionField(lambda x: truth.time_derivative(x) - truth.dissipation(x) - truth.friction * x / 2)
    errors = friction_error([*map(field, factors), half], truth, x)
    assert errors.shape == (4, 3)
    assert np.abs(errors - np.array([0.0, 0.2, -1.0, 0.0])[:, None]).max() < 1e-7
