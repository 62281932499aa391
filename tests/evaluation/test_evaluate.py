import numpy as np
import pytest
import torch
from conftest import Known, network, observed, starts_of, truth_of

from hnn.datasets.simulation import true_motion
from hnn.evaluation import evaluate, rollouts

METHOD = {"integrator": "dop853", "tolerance": 1e-9}


TRUTH = [truth_of("mass_spring")] * 2
"""The exact field of the spring in a model's place, for two seeds."""


@pytest.fixture
def motion():
    return true_motion(truth_of("mass_spring"), starts_of("mass_spring", 5), torch.linspace(0, 10, 40), 1e-12)


def measured(members, motion):
    truth = truth_of("mass_spring")
    scales = rollouts.scales(truth, members, observed("mass_spring"))
    return evaluate.quantities(truth, rollouts.roll(truth, members, motion, scales, METHOD), motion, scales)


def test_the_exact_field_as_a_model_has_no_errors_and_is_valid_throughout(motion):
    found = measured(TRUTH, motion)
    for name in ("energy_mse", "energy_error", "coordinate_error", "conserved_error"):
        assert found[name].shape == (2, 5)
        assert found[name].max() < 1e-6
    assert found["valid_time"] == pytest.approx(10 / np.pi)
    assert not found["diverged"].any()


def test_untrained_models_have_errors_by_seed_and_start(motion):
    found = measured([network("hnn", seed=seed).double() for seed in range(3)], motion)
    assert found["coordinate_error"].shape == (3, 5)
    assert found["coordinate_error"].min() > 1e-2
    assert found["conserved_error"].max() < 1e-5
    assert len(np.unique(found["coordinate_error"])) == 15


@pytest.mark.parametrize("rate", [0.9, 5.0])  # far from the data but finite; not finite
def test_rollouts_that_explode_are_counted_and_not_averaged_in(motion, rate):
    found = measured([Known(lambda x: rate * x)], motion)
    assert (found["diverged"] == 1).all()
    assert np.isnan(found["energy_mse"]).all()
    assert np.isfinite(found["valid_time"]).all()
    summary = evaluate.summarise(found, lambda name: np.random.default_rng(0), 20)
    assert summary["diverged"]["mean"] == 1
    assert summary["energy_mse"]["mean"] is None


def test_the_published_protocol_uses_the_published_energy(motion):
    truth = truth_of("mass_spring")
    rolled = {"energy": np.ones((1, 5, 40)), "true_energy": np.zeros((5, 40)), "x": 0 * motion.x[None]}
    found = evaluate.published_quantities(rolled, motion, "twice_hamiltonian")
    assert found["energy_mse"] == pytest.approx(np.full((1, 5), 4.0))
    assert truth.conservative


def test_the_published_protocol_counts_only_what_is_known_and_gives_the_spread_of_blocks_and_seeds(motion):
    energy = np.arange(1.0, 11.0).reshape(2, 5, 1) * np.ones(4)
    true = np.zeros((5, 4))
    energy[:, :, 2:], true[:, 2:] = 100.0, np.nan
    known = {"energy": energy, "true_energy": true, "x": np.zeros((2, 5, 4, 2))}
    found = evaluate.published_quantities(known, motion, "hamiltonian")
    squares = np.arange(1.0, 11.0).reshape(2, 5) ** 2
    assert found["energy_mse"] == pytest.approx(squares)
    assert found["block_error"][:, 0] == pytest.approx(squares.std(1) / np.sqrt(5))
    assert found["median_start"][:, 0].tolist() == [9.0, 64.0]
    assert (found["least_seed"].item(), found["most_seed"].item()) == (11.0, 66.0)
    assert found["least_edge"].item() == pytest.approx(11 - 2 * found["block_error"][0, 0])
    assert found["most_edge"].item() == pytest.approx(66 + 2 * found["block_error"][1, 0])


def test_with_one_start_the_published_blocks_are_of_times(motion):
    energy = np.repeat([1.0, 2.0, 3.0, 4.0, 5.0], 4)[None, None]
    rolled = {"energy": energy, "true_energy": np.zeros((1, 20)), "x": np.zeros((1, 1, 20, 2))}
    found = evaluate.published_quantities(rolled, motion, "hamiltonian")
    assert found["block_error"].item() == pytest.approx(np.std([1, 4, 9, 16, 25]) / np.sqrt(5))
