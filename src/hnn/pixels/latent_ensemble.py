"""The latent models of all seeds of a cell: their latent states of frames, decoded frames and rollouts."""

from collections.abc import Sequence
from functools import partial

import torch
from torch import Tensor

from hnn.integrators.solve import Solver, rollout
from hnn.models.base import Model
from hnn.networks.autoencoder import pairs
from hnn.parallel.mapping import ParallelMap, serial_map
from hnn.pixels.latent_model import LatentModel

__all__ = ["LatentEnsemble"]

BLOCK = 2000
"""Largest number of frame pairs that pass the autoencoder at once: 25 MB in float64."""


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
        return torch.stack([self.encode_by(seed, frames) for seed in range(len(self.members))])

    def encode_by(self, seed: int, frames: Tensor) -> Tensor:
        """Latent states (*batch, time - 1, latent) of frames (*batch, time, channels, size, size) by one seed's encoder."""
        autoencoder = self.members[seed].autoencoder
        like = next(autoencoder.parameters())
        flat = frames.reshape(-1, *frames.shape[-4:])  # (clips, time, …)
        blocks = flat.split(max(1, BLOCK // flat.shape[1]))
        z = torch.cat([autoencoder.encode(pairs(part.to(like.device), like.dtype)) for part in blocks])
        return z.view(*frames.shape[:-4], *z.shape[1:])

    def decode(self, seed: int, z: Tensor) -> Tensor:
        """The first frame of each pair that one seed decodes from z (*batch, latent): brightness, (*batch, pixels)."""
        decode = self.members[seed].autoencoder.decode
        blocks = [decode(part).chunk(2, dim=-1)[0] for part in z.flatten(0, -2).split(BLOCK)]
        return torch.cat(blocks).unflatten(0, z.shape[:-1])

    def roll(
        self,
        z0: Tensor,
        t: Tensor,
        *,
        continuous: bool,
        tolerance: float,
        evaluations: int | None = None,
        parallel_map: ParallelMap = serial_map,
    ) -> Tensor:
        """Latent states at the times t (time,), in seconds, one frame apart, from z0 (seeds, *batch, latent).

        By the trained step map, or, if `continuous`, as solutions of the learned differential equation to a `tolerance`: the
        published way, and a mismatch for a field that was not fitted to derivatives. `evaluations` are the most of the field.
        """
        member = self.members[0]
        latent_time = t / member.autoencoder.time_unit
        solver = Solver("dop853" if continuous else member.step_map, member.step, tolerance, evaluations)
        return torch.stack(parallel_map(partial(roll_seed, latent_time, solver), list(zip(self.dynamics, z0, strict=True))))


@torch.no_grad()
def roll_seed(t: Tensor, solver: Solver, seed: tuple[Model, Tensor]) -> Tensor:
    """Latent states (*batch, time, latent) of one seed: its dynamics from its z0 (*batch, latent)."""
    return rollout(*seed, t, solver)
