"""Contract of every model of hnn.models, at random weights."""

from types import SimpleNamespace

import pytest
import torch
from conftest import CONSERVATIVE_MODELS, ENERGY_MODELS, MODELS, network

from hnn.core.phase_space import canonical_matrix, symplectic_gradient
from hnn.integrators.solve import Solver, rollout
from hnn.models.base import energies
from hnn.training.losses import derivative_loss, in_place_loss


def make_model(name, degrees=2, **options):
    """A small model at random weights, in float64."""
    return network(name, degrees, **options).double()


def jacobian_asymmetry(name):
    """max |A - Aᵀ| at a random state, A the Jacobian of J·field, which is the Hessian of H for a Hamiltonian field."""
    model, J = make_model(name), canonical_matrix(2)
    hessian = torch.autograd.functional.jacobian(lambda x: J @ model.time_derivative(x), torch.randn(4))
    return (hessian - hessian.T).abs().max().item()


@pytest.mark.parametrize("name", MODELS)
def test_time_derivative_keeps_the_batch_shape(name):
    model = make_model(name, degrees=4)
    for shape in [(8,), (5, 8), (2, 5, 8)]:
        assert model.time_derivative(torch.randn(shape)).shape == shape


@pytest.mark.parametrize("name", MODELS)
def test_model_in_place_gives_the_same_loss_and_gradients(name):
    model, (x, dx) = make_model(name), torch.randn(2, 30, 4)
    field, loss = model.in_place(), derivative_loss(model, x, dx)
    if field is None or model.closed_form:
        return  # trained by automatic differentiation, or without descent
    expected = torch.autograd.grad(loss, list(model.parameters()), allow_unused=True, materialize_grads=True)
    torch.testing.assert_close(in_place_loss(field, x, dx)(), loss.detach(), rtol=1e-12, atol=1e-13)
    torch.testing.assert_close([p.grad for p in model.parameters()], list(expected), rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("name", MODELS)
def test_model_frozen_is_the_same_field_and_gives_the_same_rollouts(name):
    model, x = make_model(name), torch.randn(2, 5, 4)
    torch.testing.assert_close(model.frozen().time_derivative(x), model.time_derivative(x), rtol=1e-12, atol=1e-13)
    unfrozen, t = SimpleNamespace(time_derivative=model.time_derivative), torch.linspace(0, 2, 5)
    for integrator in ("dop853", "rk4", "gauss"):
        states, expected = (rollout(field, x, t, Solver(integrator, step=0.1, tolerance=1e-08)) for field in (model, unfrozen))
        torch.testing.assert_close(states, expected, rtol=1e-9, atol=1e-10)


@pytest.mark.parametrize("name", MODELS)
def test_derivative_loss_gives_every_parameter_of_a_model_a_gradient(name):
    model = make_model(name)
    derivative_loss(model, torch.randn(10, 4), torch.randn(10, 4)).backward()
    for parameter_name, parameter in model.named_parameters():
        if not parameter.requires_grad:
            assert model.closed_form
            continue
        assert parameter.grad is not None
        assert parameter.grad.abs().max() > 0, parameter_name


@pytest.mark.parametrize("name", MODELS)
def test_make_model_draws_all_weights_from_the_generator(name):
    a, b, c = (torch.cat([w.flatten() for w in make_model(name, seed=s).parameters()]) for s in (0, 0, 1))
    assert torch.equal(a, b)
    assert not torch.equal(a, c)


@pytest.mark.parametrize("name", MODELS)
def test_model_to_moves_all_tensors_of_the_model(name):
    model = make_model(name).to("meta")
    assert not [key for module in model.modules() for key, value in vars(module).items() if isinstance(value, torch.Tensor)]
    assert {tensor.device.type for tensor in [*model.parameters(), *model.buffers()]} == {"meta"}
    assert model.time_derivative(torch.zeros(3, 4, device="meta")).device.type == "meta"


@pytest.mark.parametrize("name", CONSERVATIVE_MODELS)
def test_time_derivative_of_a_conservative_model_is_hamiltonian(name):
    assert jacobian_asymmetry(name) < 1e-12


@pytest.mark.parametrize("name", [name for name in MODELS if name not in CONSERVATIVE_MODELS])
def test_time_derivative_of_a_model_that_is_not_conservative_is_not_hamiltonian(name):
    """A model whose field is J ∇H must say so: see `Model.conservative`."""
    assert jacobian_asymmetry(name) > 1e-4


@pytest.mark.parametrize("name", ENERGY_MODELS)
def test_time_derivative_of_an_energy_model_is_the_symplectic_gradient_of_its_energy_plus_its_dissipation(name):
    model, x = make_model(name), torch.randn(20, 4)
    expected, dissipation = symplectic_gradient(model.hamiltonian, x).detach(), model.dissipation(x)
    assert (dissipation is None) == (name in CONSERVATIVE_MODELS)
    torch.testing.assert_close(model.time_derivative(x), expected if dissipation is None else expected + dissipation)


@pytest.mark.parametrize("name", CONSERVATIVE_MODELS)
def test_hamiltonian_of_a_conservative_model_is_constant_along_its_flow(name):
    model, x = make_model(name), torch.randn(20, 4, requires_grad=True)
    (gradient,) = torch.autograd.grad(model.hamiltonian(x).sum(), x)
    assert (gradient * model.time_derivative(x)).sum(-1).abs().max() < 1e-13


@pytest.mark.parametrize("name", MODELS)
def test_separable_models_have_velocities_of_p_alone_and_forces_of_q_alone(name):
    model, x = make_model(name), torch.randn(4)
    jacobian = torch.autograd.functional.jacobian(model.time_derivative, x)
    mixed = max(jacobian[:2, :2].abs().max(), jacobian[2:, 2:].abs().max())
    assert (mixed < 1e-14) == model.separable


def test_derivative_loss_gradient_of_the_hnn_agrees_with_finite_differences():
    model, x, dx = make_model("hnn", 1), torch.randn(7, 2), torch.randn(7, 2)
    weight = model.energy.layers[0].weight
    derivative_loss(model, x, dx).backward()
    with torch.no_grad():
        losses = []
        for h in (1e-6, -2e-6):
            weight[0, 0] += h
            losses.append(derivative_loss(model, x, dx))
    assert weight.grad[0, 0].item() == pytest.approx((losses[0] - losses[1]).item() / 2e-6, rel=1e-5)


def test_baseline_and_hnn_networks_differ_in_the_last_layer_only():
    shapes = [[tuple(w.shape) for w in make_model(name, degrees=4).parameters()] for name in ("baseline", "hnn")]
    assert shapes[0][:-1] == shapes[1][:-1]
    assert (shapes[0][-1], shapes[1][-1]) == ((8, 16), (1, 16))


def test_make_model_initialises_orthogonal_weights_and_no_output_bias():
    network = make_model("baseline").field
    hidden = network.layers[1].weight
    assert torch.allclose(hidden @ hidden.T, torch.eye(16), atol=1e-6)
    assert network.layers[-1].bias is None
    assert 0 < network.layers[1].bias.abs().max() <= 16**-0.5


def test_energies_are_of_each_member_at_its_own_states():
    members, x = [make_model("hnn", 1, seed=seed) for seed in range(3)], torch.randn(3, 5, 2)
    assert torch.equal(energies(members, x)[1], members[1].hamiltonian(x[1]))
    assert energies([make_model("baseline", 1)], x[:1]) is None
    with pytest.raises(ValueError, match="shorter"):
        energies(members, x[:2])
