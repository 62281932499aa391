"""Trained pixel cells for use outside the pipeline: `hnn.load_pixels`."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import torch
from numpy import ndarray
from torch import Tensor

from hnn.core.cell import Cell
from hnn.files.artifacts import read_canvas, read_probes
from hnn.pixels.frame_format import FrameFormat
from hnn.pixels.latent_ensemble import LatentEnsemble
from hnn.pixels.latent_model import LatentModel, make_latent_model
from hnn.pixels.probe import Probe
from hnn.rendering.canvas import Canvas
from hnn.rendering.readings import WINDOW, read_states
from hnn.trained import existing_weights, fit_of_seed, load_networks

__all__ = ["TrainedPixels", "load_latent_members", "load_pixels"]


@dataclass(frozen=True)
class TrainedPixels:
    """One trained latent model in float64: frames to latent states, latent rollouts, and back to frames; states of both.

    Frames are tensors or arrays, bytes or other numbers, of brightness 0 to 255, in the size and channels of the training
    data; a `ValueError` says what is wrong with any others. States are read by a probe or by the canvas of the training data,
    files of the project which are read when they are first needed: a `FileNotFoundError` names one that is not there.
    """

    network: LatentModel
    cell: Cell
    seed: int = 0
    root: Path = Path()

    @cached_property
    def format(self) -> FrameFormat:
        """The format of the frames of the training data."""
        *_, outputs = self.network.autoencoder.decode.parameters()
        return FrameFormat.of(len(outputs) // 2)  # of the two frames of a pair

    @cached_property
    def probe(self) -> Probe:
        """The polynomial from latent states to true ones, as fitted to the training data of this seed."""
        fields = fit_of_seed(read_probes(self.cell, self.root), self.seed)
        return Probe(int(fields["degree"]), fields["mean"], fields["std"], fields["coefficients"])

    @torch.no_grad()
    def encode(self, frames: Tensor | ndarray) -> Tensor:
        """Latent states (*batch, time - 1, latent) of frames (*batch, time, channels, size, size), one for each pair."""
        return LatentEnsemble([self.network]).encode(self.format.checked(frames))[0]

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
    def rollout(self, frames: Tensor | ndarray, count: int) -> Tensor:
        """Latent states (*batch, count + 1, latent), one per frame, from the first two frames of (*batch, time, …)."""
        if count < 0:
            raise ValueError(f"count: given {count}, must be at least 0 frames after the first")
        t = self.network.frame_step * torch.arange(count + 1, dtype=torch.float64)
        ensemble = LatentEnsemble([self.network])
        z0 = ensemble.encode(self.format.checked(frames)[..., :2, :, :, :])[..., 0, :]
        return ensemble.roll(z0, t, continuous=False, tolerance=1e-9)[0]

    def read(self, frames: Tensor | ndarray) -> Tensor:
        """States (*batch, time - 1, 2n), in the units of the system, of frames (*batch, time, channels, size, size).

        Read from each pair by encoder and probe; the floors in the report are the errors on motions like those of training.
        """
        return self.read_latents(self.encode(frames))

    def read_latents(self, z: Tensor) -> Tensor:
        """States (*batch, 2n), in the units of the system, of latent states (*batch, latent), by the probe."""
        latents = len(self.probe.mean)
        if z.shape[-1] != latents:
            raise ValueError(f"z: given the shape {tuple(z.shape)}, must be (…, {latents}): latent states of this cell")
        return torch.from_numpy(self.probe(z.double().cpu().numpy()))

    def read_pictures(self, frames: Tensor | ndarray) -> Tensor:
        """States (*batch, time, 2n) of frames (*batch, time, channels, size, size) alone, without the trained networks.

        At least nine frames; see `hnn.rendering.readings`. Raises `Refused` for a system whose pictures cannot be read.
        """
        fields, system = read_canvas(self.cell.task, self.root)
        canvas, given = Canvas(**fields), self.format.checked(frames, least=WINDOW)
        if (canvas.channels, canvas.pixels) != (self.format.channels, self.format.size):
            raise ValueError(
                f"canvas: {canvas.channels} x {canvas.pixels} x {canvas.pixels}, but the cell was trained on frames "
                f"{self.format.channels} x {self.format.size} x {self.format.size}; run `make repro`"
            )
        return read_states(canvas, given.double() / 255, self.network.frame_step, **system)


def load_pixels(task: str, model: str, *, step_map: str = "rk4", seed: int = 0, root: str | Path = ".") -> TrainedPixels:
    """The trained pixel cell of the project in the folder `root`; `seed` chooses a fit. Raises the errors of `hnn.load`."""
    cell = Cell(task, model, step_map)
    return TrainedPixels(fit_of_seed(load_latent_members(existing_weights(cell, root)), seed), cell, seed, Path(root))


def load_latent_members(path: Path) -> list[LatentModel]:
    """The latent models of all seeds of a pixel cell, in float64, without gradients."""
    return load_networks(path, make_latent_model)
