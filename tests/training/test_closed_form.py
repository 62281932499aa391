"""Fits of random features in closed form."""

import numpy as np
import pytest
import torch
from conftest import network, observed, truth_of

from hnn.core.errors import Refused
from hnn.core.trajectories import Observations
from hnn.training.closed_form import fit_features, folds_of, ridge_regression
from hnn.training.fit import tensors


def features(max_features=200, seed=0):
    return network("features_hnn", seed=seed, max_features=max_features)


def fitted(data, max_features=200, seeds=(0,)):
    """The fits of models of these seeds to one draw of data."""
    generators = [torch.Generator().manual_seed(seed) for seed in seeds]
    models = [features(max_features, seed) for seed in seeds]
    return fit_features(models, [data], observed("pendulum", seed=9), generators=generators)


def test_ridge_regression_is_the_minimiser_its_gradient_vanishes():
    generator = torch.Generator().manual_seed(0)
    A, y = torch.randn(40, 6, generator=generator), torch.randn(40, generator=generator)
    penalties = [1e-12, 1e-3, 1.0]
    for penalty, c in zip(penalties, ridge_regression(torch.cat([A, y[:, None]], -1), penalties), strict=True):
        weight = penalty * torch.linalg.svdvals(A).square().mean()
        gradient = A.mT @ (A @ c - y) + weight * c
        assert gradient.abs().max() < 1e-12 * (A.mT @ y).abs().max()
        assert (A.mT @ (A @ (1.001 * c) - y) + weight * 1.001 * c).abs().max() > 1e-5


def test_fit_features_is_the_minimiser_of_the_derivative_loss_where_data_are_exact():
    """Without noise the least penalty is chosen, so that the gradient of the plain loss vanishes but for rounding."""
    data = observed("pendulum", trajectories=20, points=20)
    (fit,) = fitted(data, max_features=100)
    x, dx = tensors(data, fit.model.output_weights)
    assert fit.losses["train_loss"] < 1e-2
    fit.model.time_derivative(x).sub(dx).square().mean().backward()
    gradient = fit.model.energy.output_weights.grad.abs().max()
    with torch.no_grad():
        fit.model.energy.output_weights.mul_(1.001)
    fit.model.energy.output_weights.grad = None
    fit.model.time_derivative(x).sub(dx).square().mean().backward()
    assert gradient < 1e-3 * fit.model.energy.output_weights.grad.abs().max()


def test_fit_features_takes_many_features_for_exact_data_and_few_for_noisy_ones():
    exact, noisy = (observed("pendulum", trajectories=20, points=20, noise=noise) for noise in (0.0, 0.1))
    (many,), (few,) = fitted(exact), fitted(noisy)
    assert many.losses["test_loss"] < 1e-6
    assert many.model.output_weights.numel() == 200
    assert few.model.output_weights.numel() <= 100
    truth = truth_of("pendulum")
    x = torch.from_numpy(observed("pendulum", seed=3).x)
    error = (few.model.time_derivative(x) - truth.time_derivative(x)).norm() / truth.time_derivative(x).norm()
    assert error < 0.15


def test_fit_features_gives_each_seed_its_own_features_and_a_curve_of_two_rows():
    fits = fitted(observed("pendulum", trajectories=10, points=10), max_features=50, seeds=(0, 1))
    first, second = (fit.model.energy.layers[0].weight for fit in fits)
    assert not torch.equal(first, second)
    assert [row["step"] for row in fits[0].curve] == [0, 1]
    assert fits[0].curve[1]["train_loss"] == fits[0].losses["train_loss"] < fits[0].curve[0]["train_loss"]


def test_weights_of_a_fit_load_into_a_fresh_model_whatever_the_number_of_features():
    (fit,) = fitted(observed("pendulum", trajectories=10, points=10, noise=0.1))
    fresh, x = features(seed=5), torch.randn(7, 2)
    fresh.load_state_dict(fit.model.state_dict())
    assert torch.equal(fresh.time_derivative(x), fit.model.time_derivative(x))
    assert fresh.output_weights.shape == fit.model.output_weights.shape


def test_sample_features_are_steepest_between_two_points_of_the_data():
    model, x = features(50), torch.randn(30, 2)
    model.sample_features(x, torch.Generator().manual_seed(0))
    hidden = model.energy.layers[0]
    values = torch.tanh(x @ hidden.weight.mT + hidden.bias)
    used = hidden.weight.abs().sum(-1) > 0
    for half in (-0.5, 0.5):
        assert ((values - half).abs() < 1e-9).any(0)[used].all()


def test_folds_of_are_whole_trajectories_or_consecutive_times():
    data = observed("pendulum", trajectories=10, points=7)
    points = tensors(data, torch.empty(0))
    folds = folds_of(data, points)
    assert [len(x) for x, _ in folds] == [14] * 5
    assert torch.equal(folds[1][0], torch.from_numpy(data.x[2:4]).flatten(0, 1))
    single = Observations(data.t, data.x[:1], data.dx[:1])
    assert [len(x) for x, _ in folds_of(single, tensors(single, torch.empty(0)))] == [2, 2, 2, 1]
    few = Observations(data.t[:2], data.x[:1, :2], np.zeros((1, 2, 2)))
    with pytest.raises(Refused, match="given 2 training points"):
        folds_of(few, tensors(few, torch.empty(0)))
