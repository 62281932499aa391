"""The latent model: an autoencoder, a learned field of its latent states, and the step map from one frame to the next."""

from typing import Any

import torch
from torch import Tensor, nn

from hnn.integrators.fixed_step import STEP_MAPS
from hnn.models.base import Model, make_model
from hnn.networks.autoencoder import Autoencoder

__all__ = ["LatentModel", "make_latent_model"]


class LatentModel(nn.Module):
    """z₁ = Φ(z₀): the latent state one frame later, by the step map Φ of the learned field.

    `frame_step` is the time between frames in seconds; `step` the same in units of latent time.
    """

    def __init__(self, autoencoder: Autoencoder, dynamics: Model, *, step_map: str, frame_step: float) -> None:
        super().__init__()
        self.autoencoder, self.dynamics = autoencoder, dynamics
        self.step_map, self.frame_step = step_map, frame_step

    @property
    def step(self) -> float:
        """The time between two frames in latent time."""
        return self.frame_step / self.autoencoder.time_unit

    def forward(self, z: Tensor) -> Tensor:
        """The latent states one frame after z, both (*batch, latent)."""
        return STEP_MAPS[self.step_map](self.dynamics, z, self.step)


def make_latent_model(
    *,
    pixels: int,
    hidden: int,
    latent: int,
    time_unit: float,
    name: str,
    step_map: str,
    frame_step: float,
    pair_step: float = 0.0,
    generator: torch.Generator,
    **model_arguments: Any,
) -> LatentModel:
    """A latent model with fresh weights: an autoencoder, and the model `name` of its latent states. See `LatentModel`.

    `model_arguments` are those of `hnn.models.base.make_model`, each with `model_` before its name.
    """
    autoencoder = Autoencoder(
        pixels, hidden=hidden, latent=latent, time_unit=time_unit, pair_step=pair_step, generator=generator
    )
    arguments = {key.removeprefix("model_"): value for key, value in model_arguments.items()}
    dynamics = make_model(name, latent // 2, generator=generator, **arguments)
    return LatentModel(autoencoder, dynamics, step_map=step_map, frame_step=frame_step)
