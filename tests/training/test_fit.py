"""Fits of models to observations."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from conftest import RECIPE, network, observed, starts_of, truth_of

from hnn.core.errors import Refused
from hnn.core.trajectories import Observations, of_seeds
from hnn.integrators.solve import Solver, rollout
from hnn.models.base import Model
from hnn.training.fit import curves, fit, split_validation
from hnn.training.loop import NonFiniteLoss
from hnn.training.losses import derivative_loss
from hnn.training.optimizer import EagerAdam


def fitted(name="hnn", train=None, test=None, seed=0, hidden=16, batch="full", validation=0.0, **changes):
    """A short fit on mass_spring."""
    train = observed("mass_spring", seed=1) if train is None else train
    test = observed("mass_spring", seed=2) if test is None else test
    generators, models = [torch.Generator().manual_seed(seed)], [network(name, seed=seed, hidden=hidden).double()]
    recipe = replace(RECIPE, **changes)
    return fit(models, [train], test, recipe, batch=batch, validation=validation, generators=generators)[0]


def flat_weights(fitted_model):
    return torch.cat([w.detach().flatten() for w in fitted_model.model.parameters()])


@pytest.mark.parametrize("name", ["baseline", "hnn"])
def test_fit_can_overfit_a_few_points(name):
    few = observed("mass_spring", trajectories=4, points=8)
    x, dx = map(torch.from_numpy, few.points())
    untrained = derivative_loss(network(name, hidden=64).double(), x, dx).item()
    assert fitted(name, few, few, hidden=64, steps=300).losses["train_loss"] < 1e-3 * untrained


def test_fit_is_reproducible_from_its_generators():
    a, b, c = (flat_weights(fitted(seed=seed, batch=8)) for seed in (0, 0, 1))
    assert torch.equal(a, b)
    assert not torch.equal(a, c)


@pytest.mark.parametrize("changes", [{}, {"batch": 8}, {"validation": 0.25}, {"weight_decay": 0.1, "gradient_clip": 0.1}])
@pytest.mark.parametrize("name", ["baseline", "hnn"])
def test_fit_in_place_has_the_curve_and_the_weights_of_the_fit_by_automatic_differentiation(name, changes, monkeypatch):
    in_place = fitted(name, **changes)
    monkeypatch.setattr(type(in_place.model), "in_place", Model.in_place)
    plain = fitted(name, **changes)
    assert [list(row.values()) for row in in_place.curve] == [pytest.approx(list(r.values()), rel=1e-6) for r in plain.curve]
    torch.testing.assert_close(flat_weights(in_place), flat_weights(plain), rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("validation", [0.0, 0.25])
@pytest.mark.parametrize("batch", ["full", 8])
@pytest.mark.parametrize("own", [True, False])
def test_fit_of_a_group_equals_the_fits_alone_on_the_draws_of_their_seeds(own, batch, validation):
    """Weights, curves and losses, whether seeds have training data of their `own` or share one draw."""
    test, draws = observed("mass_spring", seed=2), [observed("mass_spring", seed=seed) for seed in ((3, 4) if own else (3,))]

    def group(seeds):
        models = [network("hnn", seed=seed).double() for seed in seeds]
        generators = [torch.Generator().manual_seed(seed) for seed in seeds]
        train = of_seeds(draws, seeds)
        return fit(models, train, test, RECIPE, batch=batch, validation=validation, generators=generators)

    for found, seed in zip(group([0, 1]), (0, 1), strict=True):
        (alone,) = group([seed])
        torch.testing.assert_close(flat_weights(found), flat_weights(alone), rtol=1e-9, atol=1e-11)
        assert found.losses == pytest.approx(alone.losses, rel=1e-9)
        assert found.curve[-1] == pytest.approx(alone.curve[-1], rel=1e-9)


def test_fit_weights_do_not_depend_on_the_test_set():
    other = observed("mass_spring", seed=9)
    assert torch.equal(flat_weights(fitted()), flat_weights(fitted(test=other)))


@pytest.mark.parametrize("spoil", [{"learning_rate": 1e200}, {"train": "nan"}])
def test_fit_raises_non_finite_loss_with_step_and_rate(spoil):
    if "train" in spoil:
        good = observed("mass_spring")
        spoil = {"train": Observations(good.t, good.x * np.inf, good.dx)}
    with pytest.raises(NonFiniteLoss, match=r"loss (nan|inf) at step \d+ of 60, learning rate"):
        fitted("baseline", **spoil)


def test_fit_gradient_clip_bounds_the_norm_of_the_gradient(monkeypatch):
    norms = []
    step = EagerAdam.step

    def record(self, *args, **kwargs):
        gradients = [w.grad.flatten() for group in self.param_groups for w in group["params"]]
        norms.append(torch.cat(gradients).norm().item())
        return step(self, *args, **kwargs)

    monkeypatch.setattr(EagerAdam, "step", record)
    fitted(steps=5)
    free, norms[:] = max(norms), []
    fitted(steps=5, gradient_clip=free / 10)
    assert max(norms) <= free / 10 * (1 + 1e-6)


def test_fit_weight_decay_shrinks_the_weights():
    assert flat_weights(fitted(weight_decay=1.0, steps=300)).norm() < 0.5 * flat_weights(fitted(steps=300)).norm()


def test_split_validation_keeps_all_data_for_fraction_zero():
    data = observed("mass_spring")
    train, validation = split_validation(data, 0.0)
    assert train is data
    assert validation is None


def test_split_validation_takes_whole_trajectories_or_the_last_times_of_a_recording():
    data = observed("mass_spring", trajectories=8, points=10)
    train, validation = split_validation(data, 0.25)
    assert validation is not None
    assert (len(train.x), len(validation.x)) == (6, 2)
    assert np.array_equal(np.concatenate([train.x, validation.x]), data.x)
    train, validation = split_validation(data.part(slice(1)), 0.25)
    assert validation is not None
    assert train.t[-1] < validation.t[0]
    assert len(train.t) + len(validation.t) == 10


@pytest.mark.parametrize(("trajectories", "points", "fraction"), [(3, 10, 0.9), (1, 40, 0.01)])
def test_fit_refuses_a_validation_fraction_that_leaves_a_set_without_points(trajectories, points, fraction):
    """0.9 takes all of three trajectories; 0.01 of a recording is its last row, which has no central difference."""
    data = observed("mass_spring", trajectories, points)
    if trajectories == 1:
        data.dx[:, [0, -1]] = np.nan
    with pytest.raises(Refused, match="validation"):
        fitted(train=data, validation=fraction)


def test_fit_selects_the_weights_of_lowest_validation_loss():
    noisy = observed("mass_spring", trajectories=4, points=3, noise=0.5)
    result = fitted("baseline", noisy, steps=400, validation=0.25)
    best = min(row["validation_loss"] for row in result.curve)
    assert result.losses["validation_loss"] == pytest.approx(best, rel=1e-6)
    assert best < result.curve[-1]["validation_loss"]


def test_fit_learns_from_batches_smaller_than_the_data():
    result = fitted(batch=5, steps=300)
    assert result.losses["test_loss"] < 0.1 * result.curve[0]["test_loss"]


def test_curves_have_the_loss_of_each_seed_and_the_mean():
    fits = [fitted(seed=seed) for seed in (0, 1)]
    rows = curves(fits)
    assert [row["step"] for row in rows] == sorted({row["step"] for row in rows})
    last = rows[-1]
    assert last["test_loss"] == pytest.approx((last["test_loss.0"] + last["test_loss.1"]) / 2)
    assert last["test_loss.1"] == fits[1].curve[-1]["test_loss"]


def test_fit_gives_an_hnn_with_less_energy_drift_than_the_baseline():
    """Change of the mean energy from the first to the last 20 times; oscillations within a period average out."""
    truth = truth_of("mass_spring")
    train = observed("mass_spring", trajectories=25, points=10, noise=0.1)
    x0, t = starts_of("mass_spring", 20, seed=5), torch.linspace(0, 60, 240)
    drift = {}
    for name in ("baseline", "hnn"):
        model = fitted(name, train, hidden=64, steps=300).model.requires_grad_(False)
        energy = truth.hamiltonian(rollout(model, x0, t, Solver(tolerance=1e-07)))
        drift[name] = (energy[:, -20:].mean(1) - energy[:, :20].mean(1)).abs().mean().item()
    assert drift["hnn"] < drift["baseline"] / 2
