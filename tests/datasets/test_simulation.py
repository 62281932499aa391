"""Simulated motions, their numerical errors and their observations."""

from dataclasses import asdict

import numpy as np
import pytest
import torch
import yaml
from conftest import SIMULATED, parameters, starts_of, truth_of

from stages.simulate import simulate

from hnn.core.errors import Refused
from hnn.datasets.simulation import certify, grid, horizons, observe, true_motion, until
from hnn.files import artifacts


def motion(task, tolerance=1e-12, count=4):
    return true_motion(truth_of(task), starts_of(task, count), torch.linspace(0, 8, 30), tolerance)


@pytest.mark.parametrize("task", SIMULATED)
def test_certify_bounds_the_errors_of_motions_and_refuses_inaccurate_ones(task):
    errors = certify(truth_of(task), [motion(task)], 1e-12, 1e-12)
    assert errors
    assert ("energy_error" in errors) == truth_of(task).conservative
    loose = motion(task)
    loose.x[:, 1:] *= 1 + 1e-8
    with pytest.raises(Refused, match=r"lower simulate\.tolerance"):
        certify(truth_of(task), [motion(task), loose], 1e-4, 1e-12)


def test_certify_measures_the_distance_to_an_exact_solution():
    assert certify(truth_of("mass_spring"), [motion("mass_spring")], 1e-12, 1e-9)["solution_error"] < 1e-12


def test_observe_adds_noise_of_the_given_deviations_to_states_and_none_to_derivatives():
    true = motion("mass_spring", count=200)
    seen = observe(truth_of("mass_spring"), true, (0.1, 0.3), np.random.default_rng(0))
    assert (seen.x - true.x).std((0, 1)) == pytest.approx([0.1, 0.3], rel=0.05)
    exact = truth_of("mass_spring").time_derivative(torch.from_numpy(true.x)).detach().numpy()
    assert np.array_equal(seen.dx, exact)


def test_observe_without_noise_gives_the_true_states():
    true = motion("two_body")
    assert np.array_equal(observe(truth_of("two_body"), true, (0.0, 0.0), np.random.default_rng(0)).x, true.x)


def test_true_motion_begins_at_its_starts_and_has_their_periods():
    x0 = starts_of("two_body", 3)
    motion_of_starts = true_motion(truth_of("two_body"), x0, torch.linspace(0, 1, 5), 1e-10)
    assert np.array_equal(motion_of_starts.x[:, 0], x0.numpy())
    assert motion_of_starts.period.shape == (3,)
    assert motion_of_starts.t[0] == 0


def test_true_motion_solves_batches_of_starts_separately():
    truth, x0, t = truth_of("pendulum"), starts_of("pendulum", 7), torch.linspace(0, 8, 30)
    whole, parts = (true_motion(truth, x0, t, 1e-12, batch_of_starts=chunk).x for chunk in (7, 3))
    assert np.abs(whole - parts).max() < 1e-12
    assert np.array_equal(parts[:3], true_motion(truth, x0[:3], t, 1e-12).x)


def test_horizons_grow_as_published_and_until_is_nan_beyond_them():
    ends = horizons(20.0, 1.09)
    assert ends[[0, 14]] == pytest.approx([20 * 1.09**2, 20 * 1.09**16])
    assert horizons(20.0, 1.0).tolist() == [20.0] * 15
    t = grid(ends, 20.0, 100)
    assert float(t[1]) == pytest.approx(20 / 99, rel=1e-3)
    true = true_motion(truth_of("mass_spring"), starts_of("mass_spring", 15), t, 1e-10)
    known = np.isfinite(until(true, ends).x).all(-1)
    assert known[14].all()
    assert [float(t[row].max()) for row in known] == pytest.approx(ends, abs=0.21)
    assert grid(horizons(20.0, 1.0), 20.0, 100).numpy() == pytest.approx(np.linspace(0, 20, 100))


@pytest.mark.parametrize(("derivative", "order"), [("central", 2), ("forward", 1)])
def test_observe_by_finite_differences_has_their_order_of_accuracy(derivative, order):
    truth, errors = truth_of("mass_spring"), []
    for points in (101, 201):
        true = true_motion(truth, starts_of("mass_spring", 3), torch.linspace(0, 2, points), 1e-12)
        seen = observe(truth, true, (0.0, 0.0), np.random.default_rng(0), derivative)
        exact = observe(truth, true, (0.0, 0.0), np.random.default_rng(0))
        assert np.isnan(seen.dx[:, -1]).all()
        errors.append(np.nanmax(np.abs(seen.dx - exact.dx)))
    assert errors[0] / errors[1] == pytest.approx(2**order, rel=0.05)


def test_observe_takes_finite_differences_of_the_noisy_states():
    true = motion("mass_spring")
    clean, noisy = (observe(truth_of("mass_spring"), true, (s, s), np.random.default_rng(0), "forward") for s in (0.0, 0.1))
    step = true.t[1] - true.t[0]
    assert np.nanstd(noisy.dx - clean.dx) == pytest.approx(0.1 * np.sqrt(2) / step, rel=0.15)


@pytest.fixture
def simulated(tmp_path, monkeypatch):
    """(draws of training data, test data, motions) of the stage `simulate` on a few starts of the spring."""

    def run(data, seeds):
        params = parameters()
        params["seeds"], params["simulate"]["data"], params["simulate"]["starts"] = seeds, data, 2
        params["simulate"]["long_horizon_factor"], params["compute"]["workers"] = 2, 1
        params["tasks"]["mass_spring"]["simulate"] |= {"train": 3, "test": 2, "points": 5, "horizon": 2.0}
        folder = tmp_path / f"{data}-{seeds}"
        folder.mkdir()
        monkeypatch.chdir(folder)
        (folder / "params.yaml").write_text(yaml.safe_dump(params))
        simulate("mass_spring")
        return *artifacts.read_observations("mass_spring"), artifacts.read_motions("mass_spring")

    return run


def same(a, b):
    """True if two observations or motions have equal arrays."""
    return all(np.array_equal(array, asdict(b)[name], equal_nan=True) for name, array in asdict(a).items())


def test_simulate_draws_training_data_for_each_seed_which_the_number_of_seeds_does_not_change(simulated):
    draws, test, motions = simulated("per_seed", 2)
    assert [draw.x.shape for draw in draws] == [(3, 5, 2)] * 2
    assert all(np.array_equal(draw.t, draws[0].t) for draw in draws)
    states = np.concatenate([draw.x.reshape(-1, 2) for draw in [*draws, test]])
    assert len(np.unique(states, axis=0)) == len(states)  # no state is in two draws, or in the test data too
    more, same_test, same_motions = simulated("per_seed", 3)
    assert len(more) == 3
    assert all(same(a, b) for a, b in zip(draws, more, strict=False))
    assert same(test, same_test)
    assert motions.keys() == same_motions.keys() == {"held_out", "outside", "table1", "long"}
    assert all(same(motions[name], same_motions[name]) for name in motions)


def test_simulate_shared_draws_training_data_once_beside_the_same_test_data_and_motions(simulated):
    draws, test, motions = simulated("per_seed", 2)
    (shared,), same_test, same_motions = simulated("shared", 2)
    assert shared.x.shape == draws[0].x.shape
    assert not any(np.intersect1d(shared.x, draw.x).size for draw in draws)
    assert same(test, same_test)
    assert all(same(motions[name], same_motions[name]) for name in motions)
