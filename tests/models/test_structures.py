"""The structure that each model imposes on its field, at random weights."""

import pytest
import torch
from conftest import network

from hnn.core.phase_space import canonical_matrix, join, split
from hnn.integrators.fixed_step import FIXED_STEP
from hnn.integrators.solve import Solver, rollout

X = torch.randn(20, 4, generator=torch.Generator().manual_seed(0), dtype=torch.float64)


def symplecticity_error(model, integrator):
    """max |MᵀJM - J| of the Jacobian M of two long steps from a random state."""
    method, J = FIXED_STEP[integrator], canonical_matrix(2)
    M = torch.autograd.functional.jacobian(lambda x: method(model, method(model, x, 1.0), 1.0), X[0])
    return (M.mT @ J @ M - J).abs().max()


@pytest.mark.parametrize("name", ["separable_hnn", "mechanical_hnn", "invariant_hnn"])
@pytest.mark.parametrize("integrator", ["leapfrog", "yoshida4"])
def test_splittings_of_separable_models_are_symplectic_to_rounding(name, integrator):
    model = network(name, 2, mass_matrix="constant").double()
    assert symplecticity_error(model, integrator) < 1e-14
    assert symplecticity_error(model, "rk4") > 1e-8


def test_dissipative_hnn_without_dissipation_is_the_hnn_exactly():
    model = network("dissipative_hnn", 2).double()
    assert not torch.equal(model.time_derivative(X), network("hnn", 2).double().time_derivative(X))
    with torch.no_grad():
        model.dissipative.output_weights.zero_()
    assert torch.equal(model.time_derivative(X), network("hnn", 2).double().time_derivative(X))


def test_dissipation_of_the_dissipative_hnn_is_the_gradient_of_its_dissipation_function():
    model, x = network("dissipative_hnn", 2).double(), X.clone().requires_grad_()
    (gradient,) = torch.autograd.grad(model.dissipation_function(x).sum(), x)
    torch.testing.assert_close(model.dissipation(x), gradient)
    curl = torch.autograd.functional.jacobian(model.dissipation, X[0])
    assert (curl - curl.mT).abs().max() < 1e-14


def test_energy_of_the_port_hnn_never_grows():
    model, x = network("port_hnn", 2).double(), X.clone().requires_grad_()
    (gradient,) = torch.autograd.grad(model.hamiltonian(x).sum(), x)
    power = (gradient * model.time_derivative(x)).sum(-1)
    assert power.max() < 0
    torch.testing.assert_close(power, -(gradient[:, None] @ model.dissipation_factor(x)).square().sum((-2, -1)))
    x = rollout(model, X, torch.linspace(0, 20, 50), Solver(tolerance=1e-10))
    assert model.hamiltonian(x).diff(dim=-1).max() < 0


def test_dissipation_matrix_of_the_port_hnn_is_positive_semidefinite_and_symmetric():
    R = network("port_hnn", 2).double().dissipation_matrix(X)
    assert torch.equal(R, R.mT)
    assert torch.linalg.eigvalsh(R).min() > -1e-15


@pytest.mark.parametrize("mass_matrix", ["constant", "of_position"])
@pytest.mark.parametrize("name", ["mechanical_hnn", "second_order"])
def test_inverse_mass_is_positive_definite_and_symmetric_for_any_weights(name, mass_matrix):
    model, q = network(name, 2, mass_matrix=mass_matrix).double(), 3 * X[:, :2]
    with torch.no_grad():
        for weight in model.factor.parameters():
            weight.mul_(3).sub_(1)
    inverse_mass = model.inverse_mass(q)
    assert torch.equal(inverse_mass, inverse_mass.mT)
    assert torch.linalg.eigvalsh(inverse_mass).min() > 0


@pytest.mark.parametrize("mass_matrix", ["constant", "of_position"])
@pytest.mark.parametrize("name", ["mechanical_hnn", "second_order"])
def test_velocity_is_the_inverse_mass_times_the_momentum(name, mass_matrix):
    model, (q, p) = network(name, 2, mass_matrix=mass_matrix).double(), split(X)
    velocity, _ = split(model.time_derivative(X))
    torch.testing.assert_close(velocity, (model.inverse_mass(q) @ p[..., None]).squeeze(-1))
    tripled, _ = split(model.time_derivative(join(q, 3 * p)))
    torch.testing.assert_close(tripled, 3 * velocity)


def test_velocity_of_second_order_is_exact_for_the_true_mass():
    """In particular a mass that is no identity, and whatever the forces are."""
    model = network("second_order", 2).double()
    factor = torch.tensor([[2.0, 0.0], [0.3, 0.7]])
    with torch.no_grad():
        model.factor.entries.copy_(
            torch.cat([factor.diagonal().expm1().log() - torch.tensor(1.0).expm1().log(), factor[1, :1]])
        )
    velocity, _ = split(model.time_derivative(X))
    torch.testing.assert_close(velocity, X[:, 2:] @ (factor @ factor.mT))


def exchanged(x, i, j):
    """States (*batch, 12) of three bodies in a plane with two of them exchanged."""
    order = list(range(3))
    order[i], order[j] = j, i
    return x.unflatten(-1, (2, 3, 2))[..., order, :].flatten(-3)


@pytest.mark.parametrize("pair_potential", ["of_distance", "of_difference"])
def test_invariant_hnn_is_invariant_under_translations_and_exchanges_and_conserves_momentum(pair_potential):
    model = network("invariant_hnn", 6, bodies=3, pair_potential=pair_potential).double()
    x = torch.randn(20, 12)
    moved = x + torch.cat([torch.tensor([3.0, -1.0]).repeat(3), torch.zeros(6)])
    torch.testing.assert_close(model.hamiltonian(moved), model.hamiltonian(x), rtol=0, atol=1e-13)
    torch.testing.assert_close(model.time_derivative(moved), model.time_derivative(x), rtol=0, atol=1e-13)
    for i, j in ((0, 1), (0, 2), (1, 2)):
        torch.testing.assert_close(model.hamiltonian(exchanged(x, i, j)), model.hamiltonian(x), rtol=0, atol=1e-13)
        torch.testing.assert_close(model.time_derivative(exchanged(x, i, j)), exchanged(model.time_derivative(x), i, j))
    _, force = split(model.time_derivative(x))
    assert force.abs().max() > 1e-2
    assert force.unflatten(-1, (3, 2)).sum(-2).abs().max() < 1e-14
    t = torch.linspace(0, 10, 20)
    _, p = split(rollout(model, x, t, Solver("leapfrog", 0.01)).detach())
    total = p.unflatten(-1, (3, 2)).sum(-2)
    assert (total - total[:, :1]).abs().max() < 1e-12


@pytest.mark.parametrize(("pair_potential", "conserved"), [("of_distance", True), ("of_difference", False)])
def test_invariant_hnn_of_distances_conserves_angular_momentum(pair_potential, conserved):
    model = network("invariant_hnn", 6, bodies=3, pair_potential=pair_potential).double()
    q, _ = split(x := torch.randn(20, 12))
    _, force = split(model.time_derivative(x))
    (a, b), (f, g) = (v.unflatten(-1, (3, 2)).unbind(-1) for v in (q, force))
    assert ((a * g - b * f).sum(-1).abs().max() < 1e-13) == conserved
