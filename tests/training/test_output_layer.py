"""Fits of a model's output layer to trajectories by least squares."""

import pytest
import torch
from conftest import MODELS, truth_of

from hnn.integrators.fixed_step import EULER, RK4, STEP_MAPS
from hnn.models.base import Model, find_model, make_model
from hnn.training.output_layer import deviations, fit_output_layer, sensitivities

DT = 0.1
LINEAR = [name for name in MODELS if find_model(name).linear_output and not find_model(name).closed_form]


def model(name="hnn", hidden=40, seed=0):
    return make_model(
        name, 1, hidden=hidden, layers=2, activation="tanh", generator=torch.Generator().manual_seed(seed)
    ).double()


def trajectories(field, steps, method=RK4, starts=20, noise=0.0):
    """Trajectories (starts, steps + 1, 2) of the step map."""
    generator = torch.Generator().manual_seed(1)
    path = [torch.rand(starts, 2, generator=generator) - 0.5]
    for _ in range(steps):
        path.append(method(field, path[-1], DT).detach())
    x = torch.stack(path, -2)
    return x + noise * torch.randn(x.shape, generator=generator)


def flat(gradients):
    """Gradients by the layers as one vector."""
    return torch.cat([one.flatten() for one in gradients])


def rolled(net, x, method=RK4):
    """Trajectories from the first state of x, one step after the other, recorded by automatic differentiation."""
    path = [x[..., 0, :]]
    for _ in range(x.shape[-2] - 1):
        path.append(method(net, path[-1], DT))
    return torch.stack(path[1:], -2)


@pytest.mark.parametrize("name", LINEAR)
def test_output_fields_of_a_model_combine_to_its_time_derivative(name):
    net, x = model(name), torch.randn(3, 5, 2)
    torch.testing.assert_close(net.output_fields(x) @ net.output_weights, net.time_derivative(x))


@pytest.mark.parametrize("activation", ["tanh", "softplus", "silu", "relu"])
def test_output_fields_of_the_hnn_for_every_activation(activation):
    net = make_model("hnn", 2, hidden=8, layers=3, activation=activation, generator=torch.Generator().manual_seed(0)).double()
    x = torch.randn(7, 4)
    torch.testing.assert_close(net.output_fields(x) @ net.output_weights, net.time_derivative(x))


@pytest.mark.parametrize("layers", [1, 3])
@pytest.mark.parametrize("activation", ["tanh", "softplus", "silu", "relu"])
@pytest.mark.parametrize("name", LINEAR)
def test_linearised_equals_the_output_fields_and_automatic_derivatives(name, activation, layers):
    generator = torch.Generator().manual_seed(0)
    net, x = (
        make_model(name, 2, hidden=8, layers=layers, activation=activation, generator=generator).double(),
        torch.randn(7, 4),
    )
    fields, jacobian = net.linearised(x)
    torch.testing.assert_close(fields, net.output_fields(x))
    for point, of_point in zip(x, jacobian, strict=True):
        automatic = torch.autograd.functional.jacobian(net.time_derivative, point)
        torch.testing.assert_close(of_point, automatic)
    _, by_differences = Model.linearised(net, x)
    torch.testing.assert_close(by_differences, jacobian, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("step_map", STEP_MAPS)
@pytest.mark.parametrize("name", LINEAR)
def test_sensitivities_equal_automatic_derivatives_of_the_step(name, step_map):
    net, x = model(name), torch.randn(4, 2, requires_grad=True)
    image, tangent, by_weights = sensitivities(net, STEP_MAPS[step_map], x.detach(), DT)
    after = STEP_MAPS[step_map](net, x, DT)
    torch.testing.assert_close(image, after.detach())
    for i in range(2):
        dx, *dw = torch.autograd.grad(after[:, i].sum(), [x, *net.output_layers], retain_graph=True)
        torch.testing.assert_close(tangent[:, i], dx, rtol=1e-6, atol=1e-8)
        torch.testing.assert_close(by_weights[:, i].sum(0), flat(dw), rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize("name", LINEAR)
def test_deviations_of_trajectories_close_to_the_models_own_equal_a_rollout_and_its_gradient(name):
    net = model(name)
    for noise, bound in ((1e-4, 1e-3), (1e-3, 1e-2)):  # first order in the deviation: ten times the noise, ten times the error
        x = trajectories(net, 20, noise=noise)
        e, G = deviations(net, RK4, x, DT)
        true = rolled(net, x) - x[:, 1:]
        gradient = flat(torch.autograd.grad(true.square().sum() / 2, net.output_layers))
        assert (e - true).norm() < bound * true.norm()
        assert ((G.mT @ e[..., None]).sum((0, 1)).flatten() - gradient).norm() < 5 * bound * gradient.norm()


def test_deviations_of_single_steps_are_exact():
    net, x = model(), torch.randn(5, 2, 2)
    e, _ = deviations(net, RK4, x, DT)
    torch.testing.assert_close(e, rolled(net, x) - x[:, 1:])


def test_deviations_of_a_wrong_frequency_grow_with_the_steps_and_those_of_noise_do_not():
    """All of a model's frequencies raised by a hundredth: n steps are off by n times a hundredth of their angle."""
    net = model()
    fit_output_layer(net, RK4, trajectories(truth_of("mass_spring"), 40), DT, iterations=3)
    own = trajectories(net, 40)
    noisy = own + 0.01 * torch.randn(own.shape, generator=torch.Generator().manual_seed(2))
    by_noise = deviations(net, RK4, noisy, DT)[0].square().mean((0, 2)).sqrt()
    net.set_output_weights(1.01 * net.output_weights)
    by_frequency = deviations(net, RK4, own, DT)[0].square().mean((0, 2)).sqrt()
    assert by_frequency[39] / by_frequency[0] == pytest.approx(40, rel=0.02)
    assert by_noise[39] / by_noise[0] == pytest.approx(1, abs=0.2)


@pytest.mark.parametrize("method", [RK4, EULER])
@pytest.mark.parametrize("name", LINEAR)
def test_fit_output_layer_finds_the_field_behind_the_trajectories(name, method):
    net, truth = model(name), truth_of("pendulum")
    x = trajectories(truth, 30, method)
    fit_output_layer(net, method, x, DT, iterations=4)
    assert (rolled(net, x, method) - x[:, 1:]).square().mean().sqrt() < 2e-3


def test_fit_output_layer_keeps_the_dtype_and_changes_nothing_else():
    net = model().float()
    before = {name: weight.clone() for name, weight in net.state_dict().items()}
    fit_output_layer(net, RK4, trajectories(truth_of("pendulum"), 10), DT)
    changed = [name for name, weight in net.state_dict().items() if not torch.equal(weight, before[name])]
    assert changed == ["energy.layers.2.weight"]
    assert all(layer.dtype == torch.float32 and layer.requires_grad for layer in net.output_layers)
