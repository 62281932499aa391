"""Gauss-Newton fits of an output layer together with the initial states of noisy trajectories."""

from dataclasses import replace

import pytest
import torch
from conftest import truth_of

from hnn.integrators.fixed_step import RK4, Substeps
from hnn.models.base import make_model
from hnn.training.gauss_newton import fit_with_initial_states, linearise, objective
from hnn.training.noisy_trajectories import METHODS, NoisyTrajectories

INTERVALS = torch.tensor([0.1, 0.1, 0.25, 0.1, 0.15, 0.1])[:, None].double()
"""Times between the observations, with a gap."""


def model(name, degrees=1, hidden=6, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return make_model(name, degrees, hidden=hidden, layers=2, activation="tanh", generator=generator).double()


def path_of(field, x0, intervals, method=RK4):
    states = [x0]
    for dt in intervals:
        states.append(method(field, states[-1], dt))
    return torch.stack(states, 1)


def noisy(field, trajectories, intervals, *, noise, weight, size=2, seed=1):
    """Trajectories of a field with noisy states and exact derivatives."""
    generator = torch.Generator().manual_seed(seed)
    x = path_of(field, 2 * torch.rand(trajectories, size, generator=generator) - 1, intervals).detach()
    dx = field.time_derivative(x).detach()
    x = x + noise * torch.randn(x.shape, generator=generator)
    return NoisyTrajectories(x, dx, torch.full((*x.shape[:2], 1), weight), intervals)


@pytest.mark.parametrize("method", ["rk4", "implicit_midpoint"])
@pytest.mark.parametrize(
    ("name", "degrees", "trajectories"), [("hnn", 1, 3), ("baseline", 1, 100), ("hnn", 2, 2), ("dissipative_hnn", 1, 3)]
)
def test_linearise_at_trajectories_of_the_model_has_the_gradient_of_the_reduced_objective(name, degrees, trajectories, method):
    """At the best initial states the slope is the gradient by w; elsewhere its rest is orthogonal to what these can fit."""
    net, step, size = model(name, degrees), METHODS[method], 2 * degrees
    data = noisy(net, trajectories, INTERVALS, noise=0.1, weight=3.0, size=size)
    data.weight[0, 2] = 0.0  # an unknown derivative
    x0 = data.x[:, 0].clone().requires_grad_()
    w = net.output_weights

    def residuals(x0, w):
        net.set_output_weights(w)
        x = path_of(net, x0, INTERVALS, step)
        return torch.cat([x - data.x, data.weight.sqrt() * (net.time_derivative(x) - data.dx)], 1).flatten(1).detach()

    problem = linearise(net, step, data, path_of(net, x0.detach(), INTERVALS, step).detach())
    base, h = w.detach().clone(), 1e-6
    e = residuals(x0.detach(), base)
    by_start = torch.stack([(residuals(x0.detach() + h * unit, base) - e) / h for unit in torch.eye(size)], -1)
    by_weights = []
    for k in range(w.numel()):
        changed = base.clone().flatten()
        changed[k] += h
        by_weights.append((residuals(x0.detach(), changed.view_as(base)) - e) / h)
    residuals(x0.detach(), base)
    G = torch.stack(by_weights, -1)
    q, _ = torch.linalg.qr(by_start)
    project = lambda rows: rows - q @ (q.mT @ rows)  # noqa: E731
    rest, G = project(e[..., None]).flatten(0, 1), project(G).flatten(0, 1)
    torch.testing.assert_close(problem.normal, G.mT @ G, rtol=1e-4, atol=1e-4 * float(problem.normal.abs().max()))
    torch.testing.assert_close(problem.slope, (G.mT @ rest)[:, 0], rtol=1e-4, atol=1e-4 * float(problem.slope.abs().max()))


def test_a_step_from_states_that_are_no_trajectory_equals_one_from_the_trajectory_for_exact_data():
    """Multiple shooting equals single shooting: near the solution both take the same initial states and weights."""
    net = model("hnn")
    data = noisy(net, 4, INTERVALS, noise=0.0, weight=1.0)
    net.set_output_weights(net.output_weights * (1 + 1e-5))
    multiple = linearise(net, RK4, data, data.x)
    single = linearise(net, RK4, data, path_of(net, data.x[:, 0], INTERVALS).detach())
    torch.testing.assert_close(multiple.normal, single.normal, rtol=1e-3, atol=1e-6)
    torch.testing.assert_close(multiple.slope, single.slope, rtol=1e-3, atol=1e-3 * float(single.slope.abs().max()))


@pytest.mark.parametrize(
    ("noise", "weight", "bound"), [(0.0, 0.0, 2e-2), (0.0, 100.0, 2e-3), (0.1, 0.0, 0.4), (0.1, 100.0, 4e-2)]
)
def test_fit_with_initial_states_recovers_the_field_and_the_starts(noise, weight, bound):
    truth, net = truth_of("mass_spring"), model("hnn", hidden=30)
    intervals = torch.full((30, 1), 0.1)
    data = noisy(truth, 25, intervals, noise=noise, weight=weight)
    clean = noisy(truth, 25, intervals, noise=0.0, weight=weight)
    x0 = fit_with_initial_states(net, RK4, data, iterations=8)
    assert (x0 - clean.x[:, 0]).square().mean().sqrt() < max(bound, noise)
    off = (net.time_derivative(clean.x) - clean.dx).square().mean().sqrt() / clean.dx.square().mean().sqrt()
    assert off < bound


def test_fit_with_initial_states_never_raises_the_objective_and_keeps_the_dtype():
    truth, net = truth_of("pendulum"), model("baseline").float()
    data = noisy(truth, 5, INTERVALS, noise=0.3, weight=1.0)
    before = objective(model("baseline").float().double(), RK4, data, data.x[:, 0])
    x0 = fit_with_initial_states(net, RK4, data)
    assert net.output_weights.dtype == torch.float32
    assert objective(net.double(), RK4, data, x0) < before


def test_derivatives_without_weight_do_not_matter():
    truth, intervals = truth_of("pendulum"), torch.full((12, 1), 0.1)
    data = noisy(truth, 6, intervals, noise=0.05, weight=0.0)
    nets = [model("hnn"), model("hnn")]
    fit_with_initial_states(nets[0], RK4, data)
    fit_with_initial_states(nets[1], RK4, replace(data, dx=data.dx + 100.0))
    assert torch.equal(nets[0].output_weights, nets[1].output_weights)


def test_substeps_are_steps_of_a_fraction():
    truth, x = truth_of("pendulum"), torch.randn(3, 2)
    torch.testing.assert_close(Substeps(RK4, 2)(truth, x, 0.2), RK4(truth, RK4(truth, x, 0.1), 0.1))
    assert not torch.equal(Substeps(RK4, 2)(truth, x, 0.2), RK4(truth, x, 0.2))
