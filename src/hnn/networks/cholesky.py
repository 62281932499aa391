"""Positive definite matrices by their Cholesky factors: constant, or a function of the input of a network."""

from math import e, log

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import softplus

from hnn.networks.mlp import MLP

__all__ = ["CholeskyFactor", "CholeskyNetwork", "lower_triangular"]

ONE = log(e - 1)
"""softplus(ONE) = 1: entries of zero give the identity."""


class CholeskyFactor(nn.Module):
    """A constant lower triangular L with positive diagonal, so that L Lᵀ is positive definite; the identity at first."""

    def __init__(self, size: int) -> None:
        super().__init__()
        self.size = size
        self.entries = nn.Parameter(torch.zeros(size * (size + 1) // 2))

    def forward(self, q: Tensor) -> Tensor:
        """L, shape (size, size), for any input."""
        return lower_triangular(self.entries, self.size)


class CholeskyNetwork(nn.Module):
    """L(q), lower triangular with positive diagonal, from a network: L Lᵀ is positive definite at every q."""

    def __init__(
        self, inputs: int, size: int, *, hidden: int, layers: int, activation: str, generator: torch.Generator
    ) -> None:
        super().__init__()
        self.size = size
        outputs = size * (size + 1) // 2
        self.network = MLP(inputs, outputs, hidden=hidden, layers=layers, activation=activation, generator=generator)

    def forward(self, q: Tensor) -> Tensor:
        """L, shape (*batch, size, size), at inputs (*batch, inputs)."""
        return lower_triangular(self.network(q), self.size)


def lower_triangular(entries: Tensor, size: int) -> Tensor:
    """L, shape (*batch, size, size), of entries (*batch, size (size + 1)/2): the diagonal by softplus, then those below it.

    >>> lower_triangular(torch.tensor([0.0, 0.0, 5.0]), 2).round(decimals=6).tolist()
    [[1.0, 0.0], [5.0, 1.0]]
    """
    diagonal, below = softplus(entries[..., :size] + ONE), entries[..., size:]
    zero = torch.zeros_like(entries[..., :1])
    return torch.cat([diagonal, below, zero], -1)[..., positions(size)].unflatten(-1, (size, size))


def positions(size: int) -> list[int]:
    """The place of each of the size² entries of L among (diagonal, below the diagonal row by row, zero)."""
    at = np.full((size, size), size * (size + 1) // 2)
    at[np.tril_indices(size, -1)] = np.arange(size, at[0, 0])
    np.fill_diagonal(at, np.arange(size))
    flat: list[int] = at.ravel().tolist()
    return flat
