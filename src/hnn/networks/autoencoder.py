"""Frames to latent states z = (q, p), and back."""

from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn.functional import relu

from hnn.networks.mlp import initialise

__all__ = ["Autoencoder", "pairs"]


def pairs(frames: Tensor, dtype: torch.dtype = torch.float32) -> Tensor:
    """Neighbouring frames side by side, brightness in [0, 1], from bytes.

    (*batch, time, channels, size, size) to (*batch, time - 1, pixels): one frame shows where things are, two how they move.
    """
    flat = frames.flatten(-3).to(dtype) / 255
    return torch.cat([flat[..., :-1, :], flat[..., 1:, :]], dim=-1)


class Residual(nn.Module):
    """y = W₄ h₃ with h₁ = φ(W₁ x) and hᵢ = hᵢ₋₁ + φ(Wᵢ hᵢ₋₁), φ = relu; initialised as `MLP` is."""

    def __init__(self, inputs: int, outputs: int, *, hidden: int, generator: torch.Generator) -> None:
        super().__init__()
        layers = [nn.Linear(a, b) for a, b in pairwise([inputs, hidden, hidden, hidden, outputs])]
        for layer in layers:
            initialise(layer, generator)
        self.layers = nn.ModuleList(layers)

    def forward(self, x: Tensor) -> Tensor:
        """(*batch, inputs) to (*batch, outputs)."""
        first, *middle, last = self.layers
        h = relu(first(x))
        for layer in middle:
            h = h + relu(layer(h))
        return last(h)


class Autoencoder(nn.Module):
    """Encoder and decoder of frame pairs (*batch, pixels), four layers each (Greydanus et al. 2019, section 5).

    Latent states are (*batch, latent), the first half called q, the second p. Latent time is counted in units of `time_unit`
    seconds: training makes p the change of q per unit, so that a unit near the time of one radian, period/2π, gives both the
    same size. As published the unit is the time between frames, which makes p small.
    """

    def __init__(self, pixels: int, *, hidden: int, latent: int, time_unit: float, generator: torch.Generator) -> None:
        super().__init__()
        self.about = {"pixels": pixels, "hidden": hidden, "latent": latent, "time_unit": time_unit}
        self.encode = Residual(pixels, latent, hidden=hidden, generator=generator)
        self.decode = Residual(latent, pixels, hidden=hidden, generator=generator)

    @torch.no_grad()
    def magnify(self, factor: float) -> None:
        """Multiply all latent states by a number; what is decoded stays the same."""
        state = self.state_dict()
        for name in ("encode.layers.3.weight", "encode.layers.3.bias"):
            state[name].mul_(factor)
        state["decode.layers.0.weight"].div_(factor)
