"""`make coverage`: coverage of the intervals by simulation and in a study."""

import numpy as np
import pytest
from conftest import PARAMS

from hnn.commands.coverage import (
    Sizes,
    bootstrap,
    by_components,
    crossed,
    draw_groups,
    false_alarms,
    false_verdicts,
    in_study,
    simulate,
)
from hnn.core.errors import Refused
from hnn.params.loading import validate_schema

SIZES = Sizes(seeds=5, starts=50, family=6)


def study(spread=0.5, seeds=100, starts=200):
    """Log-normal errors of a study, (seeds, starts), and a quantity that does not vary."""
    generator = np.random.default_rng(0)
    effects = spread * generator.standard_normal((seeds, 1)) + generator.standard_normal((1, starts))
    return {
        "energy_error": np.exp(effects + 0.3 * generator.standard_normal((seeds, starts))),
        "diverged": np.zeros((seeds, starts)),
    }


def test_simulate_finds_the_coverage_that_each_method_is_known_for():
    """Few trials: variance components near 95 %, a percentile bootstrap of three seeds far below."""
    found = {(one.shape, one.method, one.seeds): one for one in simulate(50, trials=0.1)}
    assert found["Gaussian", "variance components", 5].least > 0.88
    assert found["Gaussian", "bootstrap", 3].least < 0.85


def test_bootstrap_of_many_seeds_agrees_with_the_components():
    generator = np.random.default_rng(0)
    values = crossed(lambda g, shape: g.standard_normal(shape), generator, (200, 50), (1.0, 0.0, 0.1))
    a, b = bootstrap(values, generator), by_components(values, generator)
    assert a[1] - a[0] == pytest.approx(b[1] - b[0], rel=0.2)


def test_in_study_measures_quantities_that_vary():
    (found,) = in_study(study(), SIZES, groups=300)
    assert found.quantity == "energy_error"
    assert found.covered > 0.9
    assert found.corrected < found.uncorrected < 0.1


def test_sizes_are_those_of_the_parameters_and_need_two_seeds():
    params, _ = validate_schema(PARAMS)
    assert Sizes.of(params) == Sizes(params.seeds, params.simulate.starts, 16)
    with pytest.raises(Refused, match="seeds: given 1"):
        Sizes.of(validate_schema(PARAMS | {"seeds": 1})[0])


def test_groups_share_starts_and_no_seed():
    seeds, starts = draw_groups((100, 200), SIZES, np.random.default_rng(0))
    assert seeds.shape == (2, 5)
    assert len(set(seeds.flatten())) == 10
    assert len(set(starts)) == 50


def test_false_verdicts_are_shares_before_and_after_correction():
    p = np.array([0.04, 0.5, 0.5, 0.5, 0.5, 0.5, 0.001, 0.5, 0.5, 0.5, 0.5, 0.5])
    assert false_verdicts(p, 6) == (2 / 12, 1 / 12)


def test_false_alarms_are_rare_for_equal_runs():
    assert false_alarms(study(), SIZES, pairs=100) <= 0.04
