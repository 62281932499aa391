"""Paired differences: variation between starts cancels, and verdicts are rarely wrong."""

import numpy as np
import pytest

from hnn.core.cell import TRUTH, Cell
from hnn.core.statistics import interval
from hnn.core.trajectories import CellRollouts, Rollout
from hnn.reporting.comparisons import compare_with_baseline

HNN = Cell("pendulum", "hnn")


def rollout(true_energy=1.0, **quantities):
    """A rollout with these metrics (seeds, starts)."""
    energy = np.array([[1.0, true_energy]])
    return Rollout(np.arange(2), np.zeros(0), np.zeros(0), energy, np.zeros(0), 1.0, quantities=quantities)


def compared(hnn, baseline, name="energy_error", **options):
    """The difference of one quantity between HNN and baseline on the pendulum."""
    cells = {
        cell: CellRollouts({"held_out": rollout(**{name: values}, **options)})
        for cell, values in ((HNN, hnn), (HNN.baseline, baseline))
    }
    (comparison,) = compare_with_baseline(cells, 1000)
    return comparison.differences["held_out"].get(name)


def hardness(starts=50, seeds=3):
    """Starts that differ by much more than models do: (hnn, baseline), the latter worse by a tenth everywhere."""
    generator = np.random.default_rng(0)
    hard = generator.exponential(1.0, starts)
    return tuple(hard + shift + 0.01 * generator.standard_normal((seeds, starts)) for shift in (0.0, 0.1))


def test_compare_with_baseline_detects_a_difference_that_separate_intervals_hide():
    hnn, baseline = hardness()
    a, b = (interval(values, np.random.default_rng(0), 1000) for values in (hnn, baseline))
    assert a.high > b.low
    found = compared(hnn, baseline)
    assert found.verdict == "better"
    assert found.interval.mean == pytest.approx(-0.1, abs=0.01)
    assert found.interval.low < found.interval.mean < found.interval.high < 0


def test_verdict_on_depends_on_the_sign_and_on_which_way_is_better():
    hnn, baseline = hardness()
    assert compared(baseline, hnn).verdict == "worse"
    assert compared(hnn, baseline, "valid_time").verdict == "worse"
    assert compared(baseline, hnn, "valid_time").verdict == "better"
    assert compared(hnn, hnn).verdict == "not distinguishable"


def test_compare_with_baseline_compares_signed_errors_by_magnitude():
    hnn, baseline = hardness()
    assert compared(-hnn, baseline, "energy_drift").verdict == "better"
    assert compared(hnn, -baseline, "energy_drift").verdict == "better"


def test_compare_with_baseline_gives_no_verdict_where_seeds_differ_as_much():
    generator = np.random.default_rng(1)
    hnn, baseline = (np.array([[0.0], [1.0], [2.0]]) + 0.01 * generator.standard_normal((3, 1000)) for _ in range(2))
    assert compared(hnn + 0.1, baseline).verdict == "not distinguishable"


def test_compare_with_baseline_works_with_one_seed_and_with_ten():
    for seeds in (1, 10):
        assert compared(*hardness(seeds=seeds)).verdict == "better"


def test_compare_with_baseline_leaves_out_starts_without_a_finite_value():
    hnn, baseline = hardness()
    baseline[:, 10:] = np.nan
    hnn[:, :5] = np.nan
    assert compared(hnn, baseline).interval.mean == pytest.approx(-0.1, abs=0.01)
    hnn[:, :10] = np.nan
    assert compared(hnn, baseline) == ((None,) * 6, "not distinguishable")


def test_compare_with_baseline_pairs_cells_of_the_same_step_map_and_skips_the_truth():
    found = CellRollouts({"held_out": rollout(energy_error=hardness()[0]), "empty": rollout()})
    pixels = {Cell("p", model, step_map): found for model in ("baseline", "hnn") for step_map in ("rk4", "euler")}
    titles = [comparison.title for comparison in compare_with_baseline(pixels, 10)]
    assert titles == ["hnn-rk4 vs baseline-rk4", "hnn-euler vs baseline-euler"]
    assert compare_with_baseline({HNN: found}, 10) == []
    states = {HNN: found, HNN.baseline: found, Cell("pendulum", TRUTH): found}
    (comparison,) = compare_with_baseline(states, 10)
    assert list(comparison.differences) == ["held_out"]


def test_compare_with_baseline_leaves_out_symplecticity_where_there_is_friction():
    x = hardness()[0]
    assert compared(x, x, "symplectic_error") is not None
    assert compared(x, x, "symplectic_error", true_energy=0.8) is None
