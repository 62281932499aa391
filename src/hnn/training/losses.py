"""Derivative matching: the loss of a vector field on observed states and their derivatives."""

from torch import Tensor
from torch.nn.functional import mse_loss

from hnn.core.phase_space import Field

__all__ = ["derivative_loss"]


def derivative_loss(field: Field, x: Tensor, dx: Tensor) -> Tensor:
    """Mean over points and components of |field(x) - dx|², (points, 2n) to a scalar (Greydanus et al. 2019, eq. 3).

    In squared units of dx. With noise on x and none on dx even the true field has a loss: compare it with that floor.
    """
    return mse_loss(field.time_derivative(x), dx)
