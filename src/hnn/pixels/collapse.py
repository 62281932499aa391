"""The latent states of frames, and whether they say anything of the motion."""

import torch
from torch import Tensor

from hnn.core.errors import Refused
from hnn.core.phase_space import split
from hnn.networks.autoencoder import Autoencoder, pairs

__all__ = ["CLIPS", "Collapsed", "check_latents", "latents"]

CLIPS = 10
"""How many clips are looked at at a time, to bound the memory."""

ALIVE, CANONICAL = 0.02, 0.5
"""Latents have collapsed where one varies less than `ALIVE` times as much as another, or p explains less than this of Δq."""


class Collapsed(Refused, ArithmeticError):
    """The latent states say nothing of the motion: whatever is learned from them would be worth nothing."""


@torch.no_grad()
def latents(autoencoder: Autoencoder, frames: Tensor) -> Tensor:
    """The latent states (clips, time - 1, latent) of frames (clips, time, channels, size, size)."""
    return torch.cat([autoencoder.encode(pairs(clips)) for clips in frames.split(CLIPS)])


def check_latents(z: Tensor, step: float, label: str) -> dict[str, float]:
    """How alive latent states (clips, time, 2n) are; raises `Collapsed` if they are not.

    `latent_spread`: the smallest standard deviation of a latent unit over the largest. `latent_rate_r2`: the share of the
    variance of Δq/step that p explains. Where the decoder ignores a unit, or p = 0 and q is still, both losses can be small.
    """
    q, p = split(z)
    rate = q.diff(dim=-2) / step
    missed = (rate - p[..., :-1, :]).square().sum() / (rate - rate.mean((0, 1))).square().sum()
    std = z.flatten(0, -2).std(0)
    found = {"latent_spread": float(std.min() / std.max()), "latent_rate_r2": float(1 - missed)}
    if not (found["latent_spread"] >= ALIVE and found["latent_rate_r2"] >= CANONICAL):
        raise Collapsed(
            f"{label}: the latent states have collapsed: the least active unit varies {found['latent_spread']:.2g} times as "
            f"much as the most active one (allowed: at least {ALIVE}), and p explains {found['latent_rate_r2']:.2g} of the "
            f"change of q (allowed: at least {CANONICAL}); raise pretrain.steps, or give pretrain.canonical another weight"
        )
    return found
