import numpy as np
import pytest

from hnn.core.errors import Refused
from hnn.evaluation.integrator_contract import check_integrator
from hnn.integrators.solve import Solver

DOP853, RK4 = (Solver(name, 0.1, 1e-7) for name in ("dop853", "rk4"))


def check(error, own, solver=DOP853, fitted=True):
    return check_integrator(solver, np.array([[error]]), np.array([[own]]), fitted=fitted)


@pytest.mark.parametrize(("error", "honoured"), [(0.9e-3, True), (1.1e-3, False)])
def test_check_integrator_allows_a_hundredth_of_the_models_own_error(error, honoured):
    assert check(error, 0.1).to_json() == {
        "method": "dop853",
        "tolerance": 1e-7,
        "error": error,
        "share": pytest.approx(10 * error),
        "honoured": honoured,
    }


def test_check_integrator_reports_the_step_of_a_fixed_step_method():
    assert check(1e-3, 0.1, RK4).to_json().keys() == {"method", "step", "error", "share", "honoured"}


def test_check_integrator_gives_the_exact_field_no_share():
    result = check(1e-6, 1e-6, fitted=False)
    assert (result.error, result.share, result.honoured) == (1e-6, None, True)


def test_check_integrator_ignores_errors_at_rounding_and_no_larger_ones():
    assert check(5e-13, 0.0).honoured
    assert not check(5e-12, 0.0).honoured


def test_check_integrator_breaks_for_an_infinite_error_and_skips_starts_without_one():
    result = check(np.inf, np.nan, RK4)
    assert (result.error, result.share, result.honoured) == (None, None, False)
    assert check(np.nan, 1.0, RK4).honoured


def test_enforce_refuses_a_broken_contract_in_one_line_with_what_to_do():
    with pytest.raises(Refused) as refused:
        check(0.05, 0.1, RK4).enforce("pendulum-hnn", allow_mismatch=False)
    message = str(refused.value)
    for part in (
        "pendulum-hnn",
        "rk4 with step 0.1",
        "0.5 of the model's own",
        "allowed: 0.01",
        "rollout.step",
        "allow_mismatch",
    ):
        assert part in message
    assert "\n" not in message


def test_enforce_names_a_share_that_is_not_finite_and_the_tolerance():
    with pytest.raises(Refused, match="dop853 with tolerance 1e-07 is not finite"):
        check(np.inf, np.nan).enforce("pendulum-hnn", allow_mismatch=False)


def test_enforce_marks_a_broken_contract_that_is_allowed_and_no_other():
    assert check(0.05, 0.1, RK4).enforce("pendulum-hnn", allow_mismatch=True) is True
    assert check(0.0, 0.1).enforce("pendulum-hnn", allow_mismatch=False) is False
