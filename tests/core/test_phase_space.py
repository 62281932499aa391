"""Hamilton's equations and the matrix J."""

import pytest
import torch

from hnn.core.phase_space import canonical_matrix, join, rotate, split, symplectic_gradient


def quartic(x):
    """An energy that couples all components, so that a wrong sign or order shows."""
    q, p = split(x)
    return (q**4).sum(-1) + 3 * (p**2).sum(-1) + (q * p).sum(-1) ** 2


@pytest.mark.parametrize("shape", [(4,), (3, 4), (2, 3, 4)])
def test_join_is_the_inverse_of_split(shape):
    x = torch.randn(shape)
    q, p = split(x)
    assert torch.equal(q, x[..., :2])
    assert torch.equal(join(q, p), x)


@pytest.mark.parametrize("degrees", [1, 3])
def test_canonical_matrix_is_antisymmetric_and_its_square_is_minus_one(degrees):
    J = canonical_matrix(degrees)
    assert torch.equal(J.T, -J)
    assert torch.equal(J @ J, -torch.eye(2 * degrees))


def test_rotate_multiplies_by_the_canonical_matrix():
    gradient = torch.randn(5, 6)
    torch.testing.assert_close(rotate(gradient), gradient @ canonical_matrix(3).T)


def test_symplectic_gradient_has_the_signs_of_hamiltons_equations():
    """H = q + 10 p: dq/dt = 10 and dp/dt = -1."""
    x = torch.zeros(1, 2)
    assert symplectic_gradient(lambda x: x[..., 0] + 10 * x[..., 1], x).tolist() == [[10.0, -1.0]]


@pytest.mark.parametrize("shape", [(4,), (3, 4), (2, 3, 4)])
def test_symplectic_gradient_is_the_canonical_matrix_times_the_gradient(shape):
    x = torch.randn(shape)
    q, p = split(x)
    gradient = join(4 * q**3 + 2 * (q * p).sum(-1, keepdim=True) * p, 6 * p + 2 * (q * p).sum(-1, keepdim=True) * q)
    torch.testing.assert_close(symplectic_gradient(quartic, x), gradient @ canonical_matrix(2).T)


def test_symplectic_gradient_is_in_the_graph_only_where_gradients_are_recorded():
    weight, x = torch.tensor(2.0, requires_grad=True), torch.randn(3, 4)
    assert symplectic_gradient(lambda x: weight * quartic(x), x).requires_grad
    with torch.no_grad():
        assert not symplectic_gradient(lambda x: weight * quartic(x), x).requires_grad


def test_symplectic_gradient_can_be_differentiated_with_respect_to_the_state():
    x = torch.randn(3, 4, requires_grad=True)
    assert torch.autograd.gradcheck(lambda x: symplectic_gradient(quartic, x), x)
