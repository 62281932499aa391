"""Comparisons with the baseline: variation between starts cancels, and verdicts are corrected for their number."""

import numpy as np
import pytest

from hnn.core.cell import TRUTH, Cell
from hnn.core.statistics import FEW_SEEDS, NO_VALUES, interval
from hnn.core.trajectories import CellRollouts, Rollout
from hnn.reporting.comparisons import compare
from hnn.reporting.definitions import AT_FLOOR, UNREADABLE

HNN = Cell("pendulum", "hnn")


def rollout(true_energy=1.0, **quantities):
    """A rollout with these metrics (seeds, starts)."""
    energy = np.array([[1.0, true_energy]])
    return Rollout(np.arange(2), np.zeros(0), np.zeros(0), energy, np.zeros(0), 1.0, quantities=quantities)


def cells(hnn, baseline, name="energy_error", task="pendulum", **options):
    """The rollouts of HNN and baseline of a task, with one quantity."""
    return {
        Cell(task, model): CellRollouts({"held_out": rollout(**{name: values}, **options)})
        for model, values in (("hnn", hnn), ("baseline", baseline))
    }


def compared(hnn, baseline, name="energy_error", **options):
    """The comparison of one quantity between HNN and baseline on the pendulum alone; None if it is not compared."""
    found = compare(cells(hnn, baseline, name, **options))
    return found[0].differences["held_out"].get(name) if found else None


def hardness(starts=50, seeds=5):
    """Starts that differ by much more than models do: (hnn, baseline), the latter worse by a tenth everywhere."""
    generator = np.random.default_rng(0)
    hard = generator.exponential(1.0, starts)
    return tuple(hard * worse * np.exp(0.02 * generator.standard_normal((seeds, starts))) for worse in (1.0, 1.1))


def test_compare_detects_a_ratio_that_separate_intervals_hide():
    hnn, baseline = hardness()
    a, b = (interval(values, geometric=True) for values in (hnn, baseline))
    assert a.high > b.low
    found = compared(hnn, baseline)
    assert found.verdict == "better"
    assert found.interval.geometric
    assert found.interval.mean == pytest.approx(1 / 1.1, abs=0.01)
    assert found.interval.low < found.interval.mean < found.interval.high < 1


def test_verdict_depends_on_the_sign_and_on_which_way_is_better():
    hnn, baseline = hardness()
    assert compared(baseline, hnn).verdict == "worse"
    assert compared(hnn, baseline, "valid_time").verdict == "worse"
    assert compared(baseline, hnn, "valid_time").verdict == "better"
    assert compared(baseline, hnn, "valid_time").interval.mean == pytest.approx(1.1, abs=0.01)
    assert not compared(hnn, baseline, "diverged").interval.geometric
    assert compared(hnn, hnn).verdict == "not distinguishable"


def test_compare_compares_signed_errors_by_magnitude():
    hnn, baseline = hardness()
    assert compared(-hnn, baseline, "energy_drift").verdict == "better"
    assert compared(hnn, -baseline, "energy_drift").verdict == "better"


def test_compare_gives_no_verdict_where_seeds_differ_as_much():
    generator = np.random.default_rng(1)
    hnn, baseline = (np.exp(generator.standard_normal((5, 1)) + 0.01 * generator.standard_normal((5, 1000))) for _ in range(2))
    assert compared(1.1 * hnn, baseline).verdict == "not distinguishable"


def test_compare_needs_two_seeds():
    assert compared(*hardness(seeds=2)).interval.low is not None
    found = compared(*hardness(seeds=1))
    assert (found.verdict, found.interval[:3], found.p) == (FEW_SEEDS, (None, None, None), None)


def test_compare_leaves_out_starts_without_a_finite_value():
    hnn, baseline = hardness()
    baseline[:, 10:] = np.nan
    hnn[:, :5] = np.nan
    assert compared(hnn, baseline).interval.mean == pytest.approx(1 / 1.1, abs=0.02)
    hnn[:, :10] = np.nan
    assert compared(hnn, baseline).verdict == NO_VALUES


def test_verdicts_are_corrected_for_the_tasks_beside_each_other():
    """A difference with p just below 0.05 has a verdict alone, and none among six; its interval widens to say so."""
    generator = np.random.default_rng(3)
    noise = generator.standard_normal((5, 1))
    noise -= noise.mean()
    shift = 1.02 * 2.776 * noise.std(ddof=1) / 5**0.5  # Student's t for four degrees of freedom, and a little more
    hnn, baseline = np.exp(noise + shift), np.ones((5, 1))
    alone = compared(hnn, baseline)
    assert 0.03 < alone.p < 0.05
    assert alone.verdict == "worse"
    assert alone.interval.low > 1
    others = {}
    for i in range(5):
        others |= cells(baseline, baseline, task=f"other{i}")
    among = {one.cell: one for one in compare(cells(hnn, baseline) | others)}
    difference = among[HNN].differences["held_out"]["energy_error"]
    assert difference.p == alone.p
    assert difference.verdict == "not distinguishable"
    assert difference.interval.low < 1


def test_verdicts_of_other_quantities_do_not_count():
    hnn, baseline = hardness()
    both = {
        cell: CellRollouts({"held_out": rollout(energy_error=v, coordinate_error=np.ones_like(v))})
        for cell, v in ((HNN, hnn), (HNN._replace(model="baseline"), baseline))
    }
    (found,) = compare(both)
    assert found.differences["held_out"]["energy_error"] == compared(hnn, baseline)


def test_compare_pairs_cells_of_the_same_step_map_and_skips_the_truth():
    found = CellRollouts({"held_out": rollout(energy_error=hardness()[0]), "empty": rollout()})
    pixels = {Cell("p", model, step_map): found for model in ("baseline", "hnn") for step_map in ("rk4", "euler")}
    titles = [comparison.title for comparison in compare(pixels)]
    assert titles == ["hnn-rk4 vs baseline-rk4", "hnn-euler vs baseline-euler"]
    assert compare({HNN: found}) == []
    states = {HNN: found, HNN._replace(model="baseline"): found, Cell("pendulum", TRUTH): found}
    (comparison,) = compare(states)
    assert list(comparison.differences) == ["held_out"]


def test_compare_compares_a_further_model_with_baseline_and_hnn_and_says_which_is_better():
    hnn, baseline = hardness()
    three = cells(hnn, baseline) | {
        Cell("pendulum", "second_order"): CellRollouts({"held_out": rollout(energy_error=(hnn * baseline) ** 0.5)})
    }
    verdicts = {one.title: one.differences["held_out"]["energy_error"].verdict for one in compare(three)}
    assert verdicts == {
        "hnn vs baseline": "better",
        "second_order vs baseline": "better",
        "second_order vs hnn": "worse",
    }


def test_compare_leaves_out_symplecticity_where_there_is_friction():
    x = hardness()[0]
    assert compared(x, x, "symplectic_error") is not None
    assert compared(x, x, "symplectic_error", true_energy=0.8) is None


def pixel_cells(hnn, baseline, floor):
    """The rollouts of a pixel task whose true frames are read with an error `floor`."""
    return {
        Cell("pixel_pendulum", model, "rk4"): CellRollouts(
            {name: rollout(energy_error=values * np.ones((5, 4))) for name, values in (("long", error), ("floor", floor))}
        )
        for model, error in (("hnn", hnn), ("baseline", baseline))
    }


@pytest.mark.parametrize(("baseline", "verdict"), [(0.2, "better"), (0.31, "better"), (0.29, AT_FLOOR)])
def test_compare_gives_no_verdict_on_errors_near_the_floor_of_their_reading(baseline, verdict):
    """The larger error counts: a smaller one at its floor is still the smaller one."""
    floor = 0.1 if baseline > 0.2 else 0.05
    (found,) = compare(pixel_cells(0.11, baseline, floor))
    assert found.differences["long"]["energy_error"].verdict == verdict
    assert found.differences["long"]["energy_error"].interval.mean == pytest.approx(0.11 / baseline)
    assert found.differences["floor"]["energy_error"].verdict == "not distinguishable"


def test_compare_gives_no_verdict_on_states_that_cannot_be_read():
    hnn, baseline = (Cell("pixel_pendulum", model, "rk4") for model in ("hnn", "baseline"))
    for r2, verdict in ((0.99, "better"), (0.31, UNREADABLE), (0.0, UNREADABLE), (-2.0, UNREADABLE), (None, UNREADABLE)):
        (found,) = compare(pixel_cells(0.1, 0.9, 0.001), {hnn: 0.95, baseline: r2})
        assert found.differences["long"]["energy_error"].verdict == verdict
