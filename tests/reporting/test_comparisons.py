"""Paired differences: what is the same for both models is no difference, and chance is no verdict."""

import numpy as np
import pytest

from hnn.core.statistics import difference, interval
from hnn.reporting import comparisons


def rollouts(**models):
    """Rollouts with the given energy errors (seeds, starts), on one set of starts."""
    return {
        model.replace("_", "-"): {"held_out": {"quantity.energy_error": values, "t": values[0]}}
        for model, values in models.items()
    }


def compared(hnn, baseline, name="energy_error"):
    sets = {model: {"held_out": {f"quantity.{name}": values}} for model, values in (("hnn", hnn), ("baseline", baseline))}
    return comparisons.compare("pendulum", sets, 1000)["hnn vs baseline"]["held_out"][name]


def hardness(starts=50, seeds=3):
    """Starts that differ by much more than models do: (hnn, baseline), the latter worse by a tenth everywhere."""
    generator = np.random.default_rng(0)
    hard = generator.exponential(1.0, starts)
    return tuple(hard + shift + 0.01 * generator.standard_normal((seeds, starts)) for shift in (0.0, 0.1))


def test_a_difference_that_intervals_hide_is_seen_when_starts_are_paired():
    hnn, baseline = hardness()
    a, b = (interval(values, np.random.default_rng(0), 1000) for values in (hnn, baseline))
    assert a["high"] > b["low"]
    found = compared(hnn, baseline)
    assert found["verdict"] == "better"
    assert found["mean"] == pytest.approx(-0.1, abs=0.01)
    assert found["low"] < found["mean"] < found["high"] < 0


def test_the_verdict_turns_round_with_the_models_and_with_what_is_good():
    hnn, baseline = hardness()
    assert compared(baseline, hnn)["verdict"] == "worse"
    assert compared(hnn, baseline, "valid_time")["verdict"] == "worse"
    assert compared(baseline, hnn, "valid_time")["verdict"] == "better"
    assert compared(hnn, hnn)["verdict"] == "not distinguishable"


def test_errors_with_a_sign_are_compared_by_their_magnitude():
    hnn, baseline = hardness()
    assert compared(-hnn, baseline, "energy_drift")["verdict"] == "better"
    assert compared(hnn, -baseline, "energy_drift")["verdict"] == "better"


def test_seeds_that_differ_are_no_verdict_however_many_starts_there_are():
    generator = np.random.default_rng(1)
    hnn, baseline = (np.array([[0.0], [1.0], [2.0]]) + 0.01 * generator.standard_normal((3, 1000)) for _ in range(2))
    assert compared(hnn + 0.1, baseline)["verdict"] == "not distinguishable"


def test_the_verdict_errs_about_as_rarely_as_it_says():
    """Two models of equal worth, one seed each: five in a hundred are told apart."""
    generator, wrong = np.random.default_rng(2), 0
    for _ in range(200):
        gap = difference(*generator.normal(1.0, 1.0, (2, 1, 50)), generator, 300)
        wrong += not gap["low"] <= 0 <= gap["high"]
    assert wrong / 200 < 0.12


def test_seeds_that_share_their_beginnings_are_redrawn_alike():
    """Models that differ by seed much more than from one another, seed by seed."""
    generator = np.random.default_rng(4)
    seeds = np.array([[0.0], [1.0], [2.0]])
    hnn, baseline = (seeds + 0.01 * generator.standard_normal((3, 50)) + worse for worse in (0.0, 0.1))
    together, apart = (difference(hnn, baseline, generator, 1000, shared_seeds=shared) for shared in (True, False))
    assert together["high"] < 0 < apart["high"]
    assert together["mean"] == apart["mean"]


def test_one_seed_and_many_are_enough():
    for seeds in (1, 10):
        assert compared(*hardness(seeds=seeds))["verdict"] == "better"


def test_starts_that_either_model_loses_are_left_out_and_nothing_left_is_no_verdict():
    hnn, baseline = hardness()
    baseline[:, 10:] = np.nan
    hnn[:, :5] = np.nan
    assert compared(hnn, baseline)["mean"] == pytest.approx(-0.1, abs=0.01)
    hnn[:, :10] = np.nan
    assert compared(hnn, baseline) == {"mean": None, "low": None, "high": None, "verdict": "not distinguishable"}


def test_each_model_is_held_against_the_baseline_that_was_trained_alike():
    x = hardness()[0]
    sets = rollouts(baseline_rk4=x, baseline_euler=x, hnn_rk4=x, hnn_euler=x)
    assert list(comparisons.compare("pixel_pendulum", sets, 10)) == ["hnn-rk4 vs baseline-rk4", "hnn-euler vs baseline-euler"]
    assert comparisons.compare("pendulum", rollouts(hnn=x), 10) == {}
    sets = rollouts(hnn=x, baseline=x)
    sets["hnn"] |= {"film": {"true": x}}
    assert list(comparisons.compare("pendulum", sets, 10)["hnn vs baseline"]) == ["held_out"]
