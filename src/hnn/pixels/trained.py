"""Trained pixel cells for use outside the pipeline: `hnn.load_pixels`."""

from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from hnn.core.cell import Cell
from hnn.pixels.latent_ensemble import LatentEnsemble
from hnn.pixels.latent_model import LatentModel, make_latent_model
from hnn.trained import existing_weights, fit_of_seed, load_networks

__all__ = ["TrainedPixels", "load_latent_members", "load_pixels"]


@dataclass(frozen=True)
class TrainedPixels:
    """One trained latent model in float64: frames to latent states, latent rollouts, and back to frames."""

    network: LatentModel

    @torch.no_grad()
    def encode(self, frames: Tensor) -> Tensor:
        """Latent states (*batch, time - 1, latent) of bytes (*batch, time, channels, size, size), one for each pair."""
        return LatentEnsemble([self.network]).encode(frames)[0]

    @torch.no_grad()
    def decode(self, z: Tensor) -> Tensor:
        """The first frame of each pair, (*batch, pixels of a frame), of latent states (*batch, latent); in [0, 1]."""
        return LatentEnsemble([self.network]).decode(0, z)

    @torch.no_grad()
    def hamiltonian(self, z: Tensor) -> Tensor:
        """The learned energy of latent states up to a constant, (*batch,); an AttributeError if the model has none."""
        energy: Tensor = self.network.dynamics.hamiltonian(z)  # type: ignore[operator]
        return energy

    @torch.no_grad()
    def rollout(self, frames: Tensor, count: int) -> Tensor:
        """Latent states (*batch, count + 1, latent), one per frame, from two frames (*batch, 2, channels, size, size)."""
        t = self.network.frame_step * torch.arange(count + 1, dtype=torch.float64)
        z0 = self.encode(frames)[None, ..., 0, :]
        return LatentEnsemble([self.network]).roll(z0, t, continuous=False, tolerance=1e-9)[0]


def load_pixels(task: str, model: str, *, step_map: str = "rk4", seed: int = 0, root: str | Path = ".") -> TrainedPixels:
    """The trained pixel cell of the project in the folder `root`; `seed` chooses a fit. Raises the errors of `hnn.load`."""
    return TrainedPixels(fit_of_seed(load_latent_members(existing_weights(Cell(task, model, step_map), root)), seed))


def load_latent_members(path: Path) -> list[LatentModel]:
    """The latent models of all seeds of a pixel cell, in float64, without gradients."""
    return load_networks(path, make_latent_model)
