"""Derivative matching: the loss of a vector field on observed states and their derivatives."""

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import mse_loss

from hnn.core.phase_space import Field
from hnn.networks.mlp_in_place import InPlaceField

__all__ = ["derivative_loss", "in_place_loss"]


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


def in_place_loss(field: InPlaceField, x: Tensor, dx: Tensor) -> Callable[..., Tensor]:
    """`derivative_loss` as a function of the indices (points,) of points, or of none for all points.

    It also writes the derivatives by the weights to their `grad`, so that its value has no graph. If it is infinite or NaN, it
    is so without a warning, as in PyTorch.
    """
    states, derivatives = x.numpy(), dx.numpy()

    @np.errstate(all="ignore")
    def loss(*indices: Tensor) -> Tensor:
        """The loss on the points of one batch."""
        rows = indices[0].numpy() if indices else slice(None)
        error = field.value(states[rows]) - derivatives[rows]
        value = np.vdot(error, error) / error.size
        error *= 2 / error.size
        field.differentiate(error)
        return torch.tensor(value, dtype=x.dtype)

    return loss
