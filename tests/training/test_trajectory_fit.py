"""Fits by the losses `trajectory` and `joint`."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from conftest import RECIPE, truth_of
from test_gauss_newton import noisy

from hnn.core.trajectories import Observations
from hnn.models.base import make_model
from hnn.models.hnn import HamiltonianNetwork
from hnn.training.fit import fit
from hnn.training.noisy_trajectories import TrajectoryOptions

POINTS = 25


class NotLinear(HamiltonianNetwork):
    """An hnn whose output layer is not fitted by itself."""

    linear_output = False


def observations(noise=0.1, seed=1, trajectories=20):
    """Noisy states and exact derivatives of a mass on a spring."""
    data = noisy(truth_of("mass_spring"), trajectories, torch.full((POINTS - 1, 1), 0.1), noise=noise, weight=1.0, seed=seed)
    return Observations(0.1 * np.arange(POINTS), data.x.numpy(), data.dx.numpy())


def trained(loss, train, *, model=None, steps=150, seed=0, validation=0.0, integrator="rk4", **changes):
    """The fit of one small model in float32."""
    generator = torch.Generator().manual_seed(seed)
    net = (model or (lambda **words: make_model("hnn", 1, **words)))(
        hidden=30, layers=2, activation="tanh", generator=generator
    )
    options = TrajectoryOptions(loss, 100.0, 4, integrator, 0.2)
    recipe = replace(RECIPE, steps=steps, **changes)
    (found,) = fit(
        [net.float()], [train], train, recipe, batch=100, validation=validation, generators=[generator], trajectories=options
    )
    return found


def field_error(net):
    """Root mean square error of the field relative to the true one's, on clean states."""
    clean = observations(noise=0.0, seed=7)
    x, dx = torch.from_numpy(clean.x).float(), torch.from_numpy(clean.dx).float()
    with torch.no_grad():
        return float((net.time_derivative(x) - dx).square().mean().sqrt() / dx.square().mean().sqrt())


def slope(net):
    """Mean rate of change of angle relative to the true one: below 1 for a slow clock."""
    clean = observations(noise=0.0, seed=7)
    x, dx = torch.from_numpy(clean.x).float(), torch.from_numpy(clean.dx).float()
    with torch.no_grad():
        return float((net.time_derivative(x) * dx).sum() / dx.square().sum())


def test_joint_removes_the_bias_of_the_derivative_loss():
    train = observations()
    derivative, joint = trained("derivative", train).model, trained("joint", train).model
    assert slope(derivative) < 0.985
    assert slope(joint) == pytest.approx(1, abs=0.005)
    assert field_error(joint) < field_error(derivative) / 3


def test_joint_by_descent_removes_most_of_the_bias_for_a_model_that_is_not_linear_in_its_output():
    train = observations()
    model = lambda **words: NotLinear(1, **words)  # noqa: E731
    derivative, joint = (trained(loss, train, model=model, steps=200).model for loss in ("derivative", "joint"))
    assert abs(slope(joint) - 1) < abs(slope(derivative) - 1) / 2
    assert field_error(joint) < field_error(derivative)


def test_trajectory_learns_the_field_from_states_alone():
    train = observations()
    unknown = replace(train, dx=np.full_like(train.dx, np.nan))
    found, other = trained("trajectory", train), trained("trajectory", unknown)
    assert field_error(found.model) < 0.1
    assert all(torch.equal(a, b) for a, b in zip(found.model.parameters(), other.model.parameters(), strict=True))
    assert found.losses == other.losses
    assert found.curve == other.curve


def test_joint_leaves_out_unknown_derivatives():
    train = observations()
    dx = train.dx.copy()
    dx[:, ::4] = np.nan
    assert field_error(trained("joint", replace(train, dx=dx)).model) < 0.05


@pytest.mark.parametrize("loss", ["trajectory", "joint"])
@pytest.mark.parametrize("name", ["hnn", "baseline"])
def test_fits_are_the_same_on_repeat_and_validation_holds_trajectories_out(loss, name):
    train = observations()
    model = lambda **words: make_model(name, 1, **words)  # noqa: E731
    first, second = (trained(loss, train, model=model, steps=10, validation=0.2) for _ in range(2))
    assert all(torch.equal(a, b) for a, b in zip(first.model.parameters(), second.model.parameters(), strict=True))
    assert set(first.losses) == {"train_loss", "test_loss", "validation_loss"}
    assert first.curve[-1].keys() >= first.losses.keys()
    spoiled = train.x.copy()
    spoiled[-1, -1] += 1.0  # of a held-out trajectory
    other = trained(loss, replace(train, x=spoiled), model=model, steps=1, validation=0.2)
    same = trained(loss, train, model=model, steps=1, validation=0.2)
    assert torch.equal(other.model.output_weights, same.model.output_weights) or loss == "trajectory"


def test_derivative_is_what_a_fit_without_options_of_trajectories_does():
    train = observations()
    generator = torch.Generator().manual_seed(0)
    net = make_model("hnn", 1, hidden=30, layers=2, activation="tanh", generator=generator).float()
    (plain,) = fit([net], [train], train, replace(RECIPE, steps=5), batch=100, validation=0.0, generators=[generator])
    with_options = trained("derivative", train, steps=5)
    assert all(torch.equal(a, b) for a, b in zip(plain.model.parameters(), with_options.model.parameters(), strict=True))


def test_several_models_as_one_batch_are_fitted_as_each_alone():
    """As on a GPU: the seeds of a cell with draws of their own."""
    draws, options = [observations(seed=1), observations(seed=2)], TrajectoryOptions("trajectory", 100.0, 4, "rk4", 0.2)
    generators = [torch.Generator().manual_seed(seed) for seed in range(2)]
    nets = [make_model("hnn", 1, hidden=8, layers=2, activation="tanh", generator=g) for g in generators]
    alone = [
        make_model("hnn", 1, hidden=8, layers=2, activation="tanh", generator=torch.Generator().manual_seed(s)) for s in (0, 1)
    ]
    own = [torch.Generator().manual_seed(5 + seed) for seed in range(2)]
    recipe = replace(RECIPE, steps=5)
    fit(nets, draws, draws[0], recipe, batch="full", validation=0.0, generators=own, trajectories=options)
    for net, draw in zip(alone, draws, strict=True):
        fit([net], [draw], draws[0], recipe, batch="full", validation=0.0, generators=own, trajectories=options)
    for together, single in zip(nets, alone, strict=True):
        torch.testing.assert_close(together.output_weights, single.output_weights, rtol=1e-5, atol=1e-6)
