"""Two runs compared number by number: changes are found, chance is not, and exact numbers may differ by rounding alone."""

import json

import numpy as np
import pytest

from hnn.commands.agreement import (
    ABSOLUTE,
    FALSE_ALARM,
    changed_verdicts,
    changes,
    exact_tolerance,
    opposite,
    verdict_line,
    verdicts_at,
)
from hnn.core.cell import TRUTH
from hnn.core.errors import Refused
from hnn.core.statistics import Interval, interval
from hnn.files import formats, paths

HNN, EXACT = ("pendulum", "hnn"), ("pendulum", TRUTH)
TOLERANCE = Interval(1e-7)
"""That of the solver, as the summary has it."""


def run(generator, numbers=300, seeds=5):
    """A run whose positive errors vary from seed to seed by a factor of e^0.5, around 1."""
    logs = 0.5 * generator.standard_normal((numbers, seeds))
    return {
        HNN: {
            f"error_{i}": Interval(float(np.exp(of_seeds.mean())), geometric=True, seeds=tuple(np.exp(of_seeds).tolist()))
            for i, of_seeds in enumerate(logs)
        }
    }


def differing(before, after):
    """The quantities that differ."""
    return [one.quantity for one in changes(before, after) if one.differs]


def plain(mean):
    """A run of one setting."""
    return {HNN: {"steps": Interval(mean)}}


def exact(mean, tolerance=TOLERANCE):
    """A run of one number of the exact field, which has a single seed."""
    return {EXACT: {"energy_error": Interval(mean, geometric=True, seeds=(mean,)), "integrator.tolerance": tolerance}}


def test_changes_of_identical_runs_are_none():
    before = run(np.random.default_rng(0))
    compared = changes(before, run(np.random.default_rng(0)))
    assert len(compared) == 300
    assert all(one.identical and one.p == 1 and not one.differs for one in compared)


@pytest.mark.parametrize(("factor", "found"), [(100.0, ["error_7"]), (1.5, [])])
def test_changes_find_a_shift_of_all_seeds_by_a_large_factor_and_none_of_the_size_of_chance(factor, found):
    before = run(np.random.default_rng(0))
    old = before[HNN]["error_7"]
    moved = interval(factor * np.array(old.seeds)[::-1, None], geometric=True)
    assert differing(before, {HNN: before[HNN] | {"error_7": moved}}) == found


def test_changes_of_runs_that_differ_by_chance_alone_are_rarely_found():
    """Of 200 pairs of runs with 300 numbers each at most 2 are expected to have an alarm; over 6 have a chance of 0.5 %."""
    generator = np.random.default_rng(0)
    alarms = sum(bool(differing(run(generator), run(generator))) for _ in range(200))
    assert FALSE_ALARM == 0.01
    assert alarms <= 6


def test_changes_of_differences_are_taken_on_the_scale_of_the_means():
    """Seeds spread over decades differ significantly in their logarithms, but not in their values."""
    low, high = (np.array(exponents) for exponents in ([0.0, 0.5, 1, 1.5, 2], [6.0, 6.5, 7, 7.5, 8]))
    for geometric, found in ((True, ["error"]), (False, [])):
        runs = ({HNN: {"error": interval(10.0 ** one[:, None], geometric=geometric)}} for one in (low, high))
        assert differing(*runs) == found


def test_settings_must_be_equal():
    assert differing(plain(5.0), plain(5.0)) == []
    assert differing(plain(5.0), plain(5.0 + 1e-9)) == ["steps"]


@pytest.mark.parametrize(("change", "found"), [(0.9, []), (1.1, ["energy_error"])])
def test_exact_numbers_agree_up_to_the_tolerance_that_rounding_explains(change, found):
    """1000 rounding errors of 2⁻⁵² against errors of the solver of 1e-9, its tolerance over 100: a relative 2.2e-4."""
    assert exact_tolerance(TOLERANCE) == pytest.approx(1000 * 2**-52 / 1e-9)
    shift = change * exact_tolerance(TOLERANCE)
    assert differing(exact(1e-6), exact(1e-6 * (1 + shift))) == found


@pytest.mark.parametrize(("shift", "differs"), [(0.9, False), (1.1, True)])
def test_changes_compare_symplectic_errors_of_the_truth_by_the_rounding_of_their_differences(shift, differs):
    """Two rollouts 2e-6 apart are subtracted, so that rounding is of the size of the error itself."""
    moved = Interval(1e-7 + shift * ABSOLUTE["symplectic_error"], seeds=(1e-7 + shift * ABSOLUTE["symplectic_error"],))
    runs = ({EXACT: {"symplectic_error": one}} for one in (Interval(1e-7, seeds=(1e-7,)), moved))
    assert bool(differing(*runs)) is differs


def test_exact_tolerance_grows_as_the_solver_becomes_more_accurate_and_has_a_value_for_fixed_steps():
    assert exact_tolerance(Interval(1e-10)) == pytest.approx(1000 * exact_tolerance(TOLERANCE))
    assert exact_tolerance(None) == exact_tolerance(Interval(1e-9))


def test_numbers_of_one_seed_are_not_judged_because_their_chance_is_not_known():
    one = {HNN: {"error": interval(np.array([[1.0]]))}}
    assert differing(one, {HNN: {"error": interval(np.array([[9.0]]))}}) == []


@pytest.mark.parametrize("lost", [{}, {"error_0": Interval()}])
def test_a_number_that_one_run_lacks_differs(lost):
    whole = run(np.random.default_rng(0), numbers=1)
    assert differing(whole, {HNN: lost}) == differing({HNN: lost}, whole) == ["error_0"]
    assert differing({HNN: lost}, {HNN: lost}) == []


def test_errors_of_the_integrator_and_cells_of_one_run_are_not_compared():
    numbers = {"integrator.error": Interval(1e-7), "long.integrator.share": Interval(1e-3)}
    assert changes({HNN: numbers}, {HNN: dict.fromkeys(numbers, Interval(1.0))}) == []
    assert changes({HNN: numbers}, exact(1.0)) == []


def test_a_change_is_one_line_with_both_numbers():
    lines = [
        str(one)
        for one in changes(
            {HNN: {"error": Interval(1.0, 0.5, 2.0), "steps": Interval(5.0), "lost": Interval(), "old": Interval(1.0)}},
            {HNN: {"error": Interval(9.0, 8.0, 10.0), "steps": Interval(6.0), "lost": Interval(1.0)}},
        )
    ]
    assert lines == [
        "pendulum-hnn error: 1 [0.5, 2] -> 9 [8, 10]",
        "pendulum-hnn steps: 5 -> 6",
        "pendulum-hnn lost: no finite value -> 1",
        "pendulum-hnn old: 1 -> missing",
    ]


KEY = ("pendulum", "hnn vs baseline", "held_out", "energy_error")


def test_verdicts_are_opposite_only_if_both_runs_are_sure():
    assert opposite("better", "worse")
    assert opposite("worse", "better")
    for other in ("better", "not distinguishable", "needs at least 2 seeds"):
        assert not opposite("better", other)


def test_changed_verdicts_are_those_of_both_runs():
    before, after = {KEY: "better", (*KEY[:3], "x"): "worse"}, {KEY: "not distinguishable", (*KEY[:3], "y"): "worse"}
    (changed,) = changed_verdicts(before, after)
    assert verdict_line(*changed) == "pendulum, hnn vs baseline, held_out: energy_error better -> not distinguishable"
    assert list(changed_verdicts(before, before)) == []


def test_verdicts_of_this_run_come_from_its_file_and_are_refused_without_it(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(Refused, match=r"comparisons\.json is not there; run `make repro`"):
        verdicts_at(None)
    task, title, starts, quantity = KEY
    content = {task: {title: {starts: {quantity: {"ratio": 0.5, "low": 0.4, "high": 0.6, "p": 0.01, "verdict": "better"}}}}}
    formats.write_text(paths.COMPARISONS, json.dumps(content))
    assert verdicts_at(None) == {KEY: "better"}
