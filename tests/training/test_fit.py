from dataclasses import replace

import numpy as np
import pytest
import torch
from conftest import RECIPE, network, observed, starts_of, truth_of

from hnn.core.errors import Refused
from hnn.core.trajectories import Observations
from hnn.integrators.solve import Solver, rollout
from hnn.training.fit import curves, fit, hold_out
from hnn.training.loop import NonFiniteLoss
from hnn.training.losses import derivative_loss


def fitted(name="hnn", train=None, test=None, seed=0, hidden=16, batch="full", validation=0.0, **changes):
    """A short fit on mass_spring."""
    train = observed("mass_spring", seed=1) if train is None else train
    test = observed("mass_spring", seed=2) if test is None else test
    generators, models = [torch.Generator().manual_seed(seed)], [network(name, seed=seed, hidden=hidden).double()]
    recipe = replace(RECIPE, **changes)
    return fit(models, train, test, recipe, batch=batch, validation=validation, generators=generators)[0]


def weights(found):
    return torch.cat([w.detach().flatten() for w in found.model.parameters()])


@pytest.mark.parametrize("name", ["baseline", "hnn"])
def test_a_model_can_fit_a_few_points_by_heart(name):
    few = observed("mass_spring", trajectories=4, points=8)
    x, dx = map(torch.from_numpy, few.points())
    untrained = derivative_loss(network(name, hidden=64).double(), x, dx).item()
    assert fitted(name, few, few, hidden=64, steps=500).losses["train_loss"] < 1e-3 * untrained


def test_the_same_seed_gives_the_same_bytes_and_another_others():
    a, b, c = (weights(fitted(seed=seed, batch=8)) for seed in (0, 0, 1))
    assert torch.equal(a, b)
    assert not torch.equal(a, c)


def test_the_test_set_has_no_influence_on_the_weights():
    other = observed("mass_spring", seed=9)
    assert torch.equal(weights(fitted()), weights(fitted(test=other)))


@pytest.mark.parametrize("spoil", [{"learning_rate": 1e200}, {"train": "nan"}])
def test_a_loss_that_is_no_number_stops_the_fit_and_names_step_and_rate(spoil):
    if "train" in spoil:
        good = observed("mass_spring")
        spoil = {"train": Observations(good.t, good.x * np.inf, good.dx)}
    with pytest.raises(NonFiniteLoss, match=r"loss (nan|inf) at step \d+ of 60, learning rate"):
        fitted("baseline", **spoil)


def test_clipping_bounds_the_gradient(monkeypatch):
    norms = []
    step = torch.optim.Adam.step

    def record(self, *args, **kwargs):
        gradients = [w.grad.flatten() for group in self.param_groups for w in group["params"]]
        norms.append(torch.cat(gradients).norm().item())
        return step(self, *args, **kwargs)

    monkeypatch.setattr(torch.optim.Adam, "step", record)
    fitted(steps=5)
    free, norms[:] = max(norms), []
    fitted(steps=5, gradient_clip=free / 10)
    assert max(norms) <= free / 10 * (1 + 1e-6)


def test_weight_decay_shrinks_the_weights():
    assert weights(fitted(weight_decay=1.0, steps=300)).norm() < 0.5 * weights(fitted(steps=300)).norm()


def test_nothing_is_held_out_unless_asked():
    data = observed("mass_spring")
    kept, held = hold_out(data, 0.0)
    assert kept is data
    assert held is None


def test_trajectories_are_held_out_whole_and_a_single_recording_by_time():
    data = observed("mass_spring", trajectories=8, points=10)
    kept, held = hold_out(data, 0.25)
    assert held is not None
    assert (len(kept.x), len(held.x)) == (6, 2)
    assert np.array_equal(np.concatenate([kept.x, held.x]), data.x)
    kept, held = hold_out(data.part(slice(1)), 0.25)
    assert held is not None
    assert kept.t[-1] < held.t[0]
    assert len(kept.t) + len(held.t) == 10


@pytest.mark.parametrize(("trajectories", "points", "fraction"), [(3, 10, 0.9), (1, 40, 0.01)])
def test_a_fraction_that_leaves_a_part_without_points_is_refused(trajectories, points, fraction):
    """Of three trajectories 0.9 holds out all; of a recording 0.01 is the last row, which has no central difference."""
    data = observed("mass_spring", trajectories, points)
    if trajectories == 1:
        data.dx[:, [0, -1]] = np.nan
    with pytest.raises(Refused, match="validation"):
        fitted(train=data, validation=fraction)


def test_held_out_points_choose_the_weights_of_least_validation_loss():
    noisy = observed("mass_spring", trajectories=4, points=3, noise=0.5)
    found = fitted("baseline", noisy, steps=400, validation=0.25)
    best = min(row["validation_loss"] for row in found.curve)
    assert found.losses["validation_loss"] == pytest.approx(best, rel=1e-6)
    assert best < found.curve[-1]["validation_loss"]


def test_batches_are_smaller_than_the_data_and_still_learn():
    found = fitted(batch=5, steps=300)
    assert found.losses["test_loss"] < 0.1 * found.curve[0]["test_loss"]


def test_curves_of_several_seeds_stand_side_by_side_with_their_mean():
    fits = [fitted(seed=seed) for seed in (0, 1)]
    rows = curves(fits)
    assert [row["step"] for row in rows] == sorted({row["step"] for row in rows})
    last = rows[-1]
    assert last["test_loss"] == pytest.approx((last["test_loss.0"] + last["test_loss.1"]) / 2)
    assert last["test_loss.1"] == fits[1].curve[-1]["test_loss"]


def test_after_a_short_fit_the_hnn_drifts_less_in_energy_than_the_baseline():
    """The mean energy of the last quarter against the first: an oscillation with the motion is no drift."""
    truth = truth_of("mass_spring")
    train = observed("mass_spring", trajectories=25, points=10, noise=0.1)
    x0, t = starts_of("mass_spring", 20, seed=5), torch.linspace(0, 60, 240)
    drift = {}
    for name in ("baseline", "hnn"):
        model = fitted(name, train, hidden=64, steps=300).model.requires_grad_(False)
        energy = truth.hamiltonian(rollout(model, x0, t, Solver(tolerance=1e-07)))
        drift[name] = (energy[:, -20:].mean(1) - energy[:, :20].mean(1)).abs().mean().item()
    assert drift["hnn"] < drift["baseline"] / 2
