"""Derivative matching: the loss of a vector field on observed states and their derivatives."""

from torch import Tensor
from torch.nn.functional import mse_loss

from hnn.core.phase_space import Field

__all__ = ["derivative_loss"]


def derivative_loss(field: Field, x: Tensor, dx: Tensor) -> Tensor:
    """Mean over points and components of |field(x) - dx|², (points, 2n) to a scalar (Greydanus et al. 2019, eq. 3).

    In squared units of dx. With noise on x and none on dx even the true field has a positive loss, the floor of all models.

    >>> import torch
    >>> from hnn.systems.base import make_system
    >>> spring = make_system("mass_spring", mass=0.5, stiffness=2.0)  # dq/dt = 2p, dp/dt = -2q
    >>> derivative_loss(spring, torch.tensor([[1.0, 0.0]]), torch.tensor([[0.0, -1.0]])).item()
    0.5
    """
    return mse_loss(field.time_derivative(x), dx)
