"""What training minimises.

From pixels there are three terms (Greydanus et al. 2019, section 5), for latent states z = (q, p) of consecutive frames, shape
(*batch, time, 2n), `step` apart in latent time. Latent time is counted in the autoencoder's `time_unit`; where that is one
frame, `step` is 1. The canonical and the step loss are relative to `size`, the mean square of latent states about their mean,
since the published ones (`size` = 1) can be lowered to nothing by making latent states small.
"""

from torch import Tensor
from torch.nn.functional import mse_loss

from hnn.phase_space import Field, split

__all__ = ["canonical_loss", "derivative_loss", "latent_size", "reconstruction_loss", "step_loss"]


def derivative_loss(field: Field, x: Tensor, dx: Tensor) -> Tensor:
    """Mean over points and components of |field(x) - dx|², (points, 2n) to a scalar (Greydanus et al. 2019, eq. 3).

    In squared units of dx. With noise on x and none on dx even the true field has a loss: compare it with that floor.
    """
    return mse_loss(field.time_derivative(x), dx)


def reconstruction_loss(frames: Tensor, decoded: Tensor) -> Tensor:
    """Mean over pixels of |decoded - frames|², in squared units of full brightness."""
    return mse_loss(decoded, frames)


def latent_size(z: Tensor) -> Tensor:
    """Mean over the components of the variance of latent states (*batch, time, 2n): a scalar."""
    return z.flatten(0, -2).var(0).mean()


def canonical_loss(z: Tensor, step: float, size: Tensor | float = 1.0) -> Tensor:
    """Mean of |p - Δq/step|²/size: the second half of the latent state is the rate of change of the first (eq. 7)."""
    q, p = split(z)
    return (p[..., :-1, :] - q.diff(dim=-2) / step).square().mean() / size


def step_loss(z: Tensor, predicted: Tensor, step: float, size: Tensor | float = 1.0) -> Tensor:
    """Mean of |(ẑ - z)/step|²/size for ẑ (*batch, time - 1, 2n), predicted from each latent state for the next (eq. 3, 6)."""
    return ((predicted - z[..., 1:, :]) / step).square().mean() / size
