"""The autoencoder between pairs of frames and latent states z = (q, p)."""

from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn.functional import relu

from hnn.networks.mlp import initialise

__all__ = ["Autoencoder", "pairs"]


def pairs(frames: Tensor, dtype: torch.dtype = torch.float32) -> Tensor:
    """Concatenate neighbouring frames, since one frame shows positions and two show momenta too.

    Bytes (*batch, time, channels, size, size) to brightness in [0, 1], (*batch, time - 1, pixels).

    >>> pairs(torch.tensor([0, 255, 0], dtype=torch.uint8).view(3, 1, 1, 1)).tolist()
    [[0.0, 1.0], [1.0, 0.0]]
    """
    flat = frames.flatten(-3).to(dtype) / 255
    return torch.cat([flat[..., :-1, :], flat[..., 1:, :]], dim=-1)


class Residual(nn.Module):
    """Residual network y = W₄ h₃, h₁ = φ(W₁ x), hᵢ = hᵢ₋₁ + φ(Wᵢ hᵢ₋₁), φ = relu, with biases; initialised like `MLP`."""

    def __init__(self, inputs: int, outputs: int, *, hidden: int, generator: torch.Generator) -> None:
        super().__init__()
        layers = [nn.Linear(a, b) for a, b in pairwise([inputs, hidden, hidden, hidden, outputs])]
        for layer in layers:
            initialise(layer, generator)
        self.layers = nn.ModuleList(layers)

    def forward(self, x: Tensor) -> Tensor:
        """y, shape (*batch, outputs), of x (*batch, inputs)."""
        first, *middle, last = self.layers
        h = relu(first(x))
        for layer in middle:
            h = h + relu(layer(h))
        return last(h)


class Autoencoder(nn.Module):
    """Encoder and decoder of frame pairs (*batch, pixels), four layers each (Greydanus et al. 2019, section 5).

    Latent states are (*batch, latent): q in the first half, p in the second. Latent time is counted in units of `time_unit`
    seconds: training makes p the rate of change of q per unit, so a unit near period/2π gives q and p the same size. The
    published unit is the time between frames, which makes p small.
    """

    def __init__(self, pixels: int, *, hidden: int, latent: int, time_unit: float, generator: torch.Generator) -> None:
        super().__init__()
        self.time_unit = time_unit
        self.encode = Residual(pixels, latent, hidden=hidden, generator=generator)
        self.decode = Residual(latent, pixels, hidden=hidden, generator=generator)

    @torch.no_grad()
    def magnify(self, factor: float) -> None:
        """Multiply all latent states by a factor, leaving the decoded frames as they are."""
        state = self.state_dict()
        for name in ("encode.layers.3.weight", "encode.layers.3.bias"):
            state[name].mul_(factor)
        state["decode.layers.0.weight"].div_(factor)
