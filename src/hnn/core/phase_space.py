"""Phase space: the state x = (q, p) and Hamilton's equations, shared by true systems and learned models.

A state is one tensor of shape (*batch, 2n): n positions, then n momenta.
"""

from collections.abc import Callable
from typing import Protocol

import torch
from torch import Tensor

__all__ = ["Field", "Progress", "canonical_matrix", "join", "rotate", "split", "symplectic_gradient"]

Progress = Callable[[float], None]
"""A function that is told the fraction of a rollout that is done, in [0, 1]."""


class Field(Protocol):
    """A vector field dx/dt = f(x): a true system or a learned model."""

    def time_derivative(self, x: Tensor) -> Tensor:
        """dx/dt, shape (*batch, 2n), at states of shape (*batch, 2n)."""
        ...


def split(x: Tensor) -> tuple[Tensor, Tensor]:
    """Positions q and momenta p, each of shape (*batch, n), of states (*batch, 2n)."""
    q, p = x.chunk(2, dim=-1)
    return q, p


def join(q: Tensor, p: Tensor) -> Tensor:
    """x = (q, p), the inverse of `split`."""
    return torch.cat([q, p], dim=-1)


def canonical_matrix(degrees: int) -> Tensor:
    """J = [[0, I], [-I, 0]], shape (2n, 2n): a map with Jacobian M is symplectic if and only if Mᵀ J M = J.

    >>> canonical_matrix(1).tolist()
    [[0.0, 1.0], [-1.0, 0.0]]
    """
    identity, zero = torch.eye(degrees), torch.zeros(degrees, degrees)
    return torch.cat([torch.cat([zero, identity], 1), torch.cat([-identity, zero], 1)])


def rotate(gradient: Tensor) -> Tensor:
    """J ∇H = (∂H/∂p, -∂H/∂q) of ∇H, both of shape (*batch, 2n): Hamilton's equations."""
    dH_dq, dH_dp = split(gradient)
    return join(dH_dp, -dH_dq)


def symplectic_gradient(hamiltonian: Callable[[Tensor], Tensor], x: Tensor) -> Tensor:
    """J ∇H(x), shape (*batch, 2n), by automatic differentiation of H.

    The gradient is part of the graph where gradients are recorded, so that a loss on it can be differentiated with respect to
    the weights of a learned H. `hamiltonian` maps (*batch, 2n) to (*batch,) and treats the states of a batch independently.

    >>> x = torch.tensor([[0.5, 2.0]], dtype=torch.float64)
    >>> symplectic_gradient(lambda x: (x**2).sum(-1), x).tolist()  # H = q² + p²: dq/dt = 2p, dp/dt = -2q
    [[4.0, -1.0]]
    """
    differentiable = torch.is_grad_enabled()
    with torch.enable_grad():
        x = x if x.requires_grad else x.detach().requires_grad_()
        (gradient,) = torch.autograd.grad(hamiltonian(x).sum(), x, create_graph=differentiable)
    return rotate(gradient)
