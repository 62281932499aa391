"""The latent model: an autoencoder, a learned field of its latent states, and the step map from one frame to the next."""

from collections.abc import Sequence
from functools import partial

import torch
from torch import Tensor, nn

from hnn.integrators.fixed_step import STEP_MAPS
from hnn.integrators.solve import Solver, rollout
from hnn.models.base import Model, make_model
from hnn.networks.autoencoder import Autoencoder, pairs
from hnn.parallel.mapping import ParallelMap, serial_map

__all__ = ["LatentEnsemble", "LatentModel", "make_latent_model"]

BLOCK = 2000
"""Largest number of frame pairs that pass the autoencoder at once: 25 MB in float64."""


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
        return self.frame_step / float(self.autoencoder.about["time_unit"])

    def forward(self, z: Tensor) -> Tensor:
        """The latent states one frame after z, both (*batch, latent)."""
        return STEP_MAPS[self.step_map](self.dynamics, z, self.step)


class LatentEnsemble:
    """The latent models of all seeds of a cell, each with its own encoder."""

    def __init__(self, members: Sequence[LatentModel]) -> None:
        self.members = list(members)
        self.dynamics = [member.dynamics for member in members]

    @property
    def device(self) -> torch.device:
        """The device of the weights."""
        return next(self.members[0].parameters()).device

    def encode(self, frames: Tensor) -> Tensor:
        """Latent states (seeds, *batch, time - 1, latent) of frames (*batch, time, channels, size, size)."""
        like = next(self.members[0].parameters())
        flat = frames.reshape(-1, *frames.shape[-4:])  # (clips, time, …)
        clips = max(1, BLOCK // flat.shape[1])
        blocks = []
        for part in flat.split(clips):
            x = pairs(part.to(like.device), like.dtype)
            blocks.append(torch.stack([member.autoencoder.encode(x) for member in self.members]))
        z = torch.cat(blocks, dim=1)
        return z.view(len(self.members), *frames.shape[:-4], *z.shape[2:])

    def decode(self, seed: int, z: Tensor) -> Tensor:
        """The first frame of each pair that one seed decodes from z (*batch, latent): brightness, (*batch, pixels)."""
        decode = self.members[seed].autoencoder.decode
        blocks = [decode(part).chunk(2, dim=-1)[0] for part in z.flatten(0, -2).split(BLOCK)]
        return torch.cat(blocks).unflatten(0, z.shape[:-1])

    def roll(
        self, z0: Tensor, t: Tensor, *, continuous: bool, tolerance: float, parallel_map: ParallelMap = serial_map
    ) -> Tensor:
        """Latent states at the times t (time,), in seconds, one frame apart, from z0 (seeds, *batch, latent).

        By the trained step map, or, if `continuous`, as solutions of the learned differential equation to a `tolerance`: the
        published way, and a mismatch for a field that was not fitted to derivatives.
        """
        member = self.members[0]
        latent_time = t / float(member.autoencoder.about["time_unit"])
        solver = Solver("dop853" if continuous else member.step_map, member.step, tolerance)
        return torch.stack(parallel_map(partial(roll_seed, latent_time, solver), list(zip(self.dynamics, z0, strict=True))))


@torch.no_grad()
def roll_seed(t: Tensor, solver: Solver, seed: tuple[Model, Tensor]) -> Tensor:
    """Latent states (*batch, time, latent) of one seed: its dynamics from its z0 (*batch, latent)."""
    return rollout(*seed, t, solver)


def make_latent_model(
    *,
    pixels: int,
    hidden: int,
    latent: int,
    time_unit: float,
    name: str,
    model_hidden: int,
    model_layers: int,
    model_activation: str,
    step_map: str,
    frame_step: float,
    generator: torch.Generator,
) -> LatentModel:
    """A latent model with fresh weights: an autoencoder, and the model `name` of its latent states. See `LatentModel`."""
    autoencoder = Autoencoder(pixels, hidden=hidden, latent=latent, time_unit=time_unit, generator=generator)
    dynamics = make_model(
        name,
        latent // 2,
        hidden=model_hidden,
        layers=model_layers,
        activation=model_activation,
        generator=generator,
    )
    return LatentModel(autoencoder, dynamics, step_map=step_map, frame_step=frame_step)
