"""Trained pixel cells, for use outside the pipeline: `hnn.load_pixels`."""

from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from hnn.files import artifacts
from hnn.pixels.latent_model import LatentEnsemble, LatentModel, make_latent_model
from hnn.trained import path_of

__all__ = ["TrainedPixels", "load_latent_members", "load_pixels"]


@dataclass(frozen=True)
class TrainedPixels:
    """One trained latent model, in float64: frames in, frames out."""

    network: LatentModel

    @torch.no_grad()
    def encode(self, frames: Tensor) -> Tensor:
        """Latent states (*batch, time - 1, latent) of bytes (*batch, time, channels, size, size), one for each pair."""
        return LatentEnsemble([self.network]).encode(frames)[0]

    @torch.no_grad()
    def decode(self, z: Tensor) -> Tensor:
        """Brightness in [0, 1], about, of the first frame of each pair: (*batch, pixels of a frame), of (*batch, latent)."""
        return LatentEnsemble([self.network]).decode(0, z)

    @torch.no_grad()
    def hamiltonian(self, z: Tensor) -> Tensor:
        """The learned energy of latent states up to a constant, (*batch,); an AttributeError if the model has none."""
        energy: Tensor = self.network.dynamics.hamiltonian(z)  # type: ignore[operator]
        return energy

    @torch.no_grad()
    def rollout(self, frames: Tensor, count: int) -> Tensor:
        """Latent states (*batch, count + 1, latent) from two frames (*batch, 2, channels, size, size) on, one each frame."""
        t = self.network.frame_step * torch.arange(count + 1, dtype=torch.float64)
        z0 = self.encode(frames)[None, ..., 0, :]
        return LatentEnsemble([self.network]).roll(z0, t, continuous=False, tolerance=1e-9)[0]


def load_latent_members(path: Path) -> list[LatentModel]:
    """The latent models of all seeds of a pixel cell, in float64 and not to be trained further."""
    weights, about = artifacts.read_weights(path)
    members = []
    for state in weights:
        network = make_latent_model(**about, generator=torch.Generator())
        network.load_state_dict(state)
        members.append(network.double().eval().requires_grad_(False))
    return members


def load_pixels(task: str, model: str, *, step_map: str = "rk4", seed: int = 0, root: str | Path = ".") -> TrainedPixels:
    """The pixel cell of the project in the folder `root`, as `hnn.load` does it."""
    members = load_latent_members(path_of(task, f"{model}-{step_map}", root))
    if not 0 <= seed < len(members):
        raise ValueError(f"seed: given {seed}, allowed: 0 to {len(members) - 1}")
    return TrainedPixels(members[seed])
