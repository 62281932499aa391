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


class DifferenceEncoder(nn.Module):
    """z = (g(x₁), (g(x₂) - g(x₁))/step) of pairs x₁, x₂ of frames `step` apart: the position in each frame, and its change.

    A position that is encoded from both frames may be scaled by a function of the energy: with its rate of change it flows as
    before, nearly Hamiltonian for nearly harmonic motion, but (q, p) are not canonical coordinates. One of a single frame may
    not. Exact differences instead of derivatives change the Poisson bracket by the order of (step × frequency)² alone.
    """

    def __init__(self, pixels: int, latent: int, *, hidden: int, step: float, generator: torch.Generator) -> None:
        super().__init__()
        self.position = Residual(pixels // 2, latent // 2, hidden=hidden, generator=generator)
        self.step = step

    def forward(self, x: Tensor) -> Tensor:
        """z, shape (*batch, latent), of x (*batch, pixels)."""
        first, second = self.position(x.unflatten(-1, (2, -1))).unbind(-2)
        return torch.cat([first, (second - first) / self.step], dim=-1)


class Autoencoder(nn.Module):
    """Encoder and decoder of frame pairs (*batch, pixels), four layers each (Greydanus et al. 2019, section 5).

    Latent states are (*batch, latent): q in the first half, p in the second. Latent time is counted in units of `time_unit`
    seconds: training makes p the rate of change of q per unit, so a unit near period/2π gives q and p the same size. The
    published unit is the time between frames, which makes p small.

    `pair_step` is the latent time between the frames of a pair, from which p is computed: see `DifferenceEncoder`. If it is 0,
    p is encoded from both frames, as published.
    """

    def __init__(
        self,
        pixels: int,
        *,
        hidden: int,
        latent: int,
        time_unit: float,
        pair_step: float = 0.0,
        generator: torch.Generator,
    ) -> None:
        super().__init__()
        self.time_unit = time_unit
        self.encode: Residual | DifferenceEncoder
        if pair_step > 0:
            self.encode = DifferenceEncoder(pixels, latent, hidden=hidden, step=pair_step, generator=generator)
        else:
            self.encode = Residual(pixels, latent, hidden=hidden, generator=generator)
        self.decode = Residual(latent, pixels, hidden=hidden, generator=generator)

    @torch.no_grad()
    def magnify(self, factor: float) -> None:
        """Multiply all latent states by a factor, leaving the decoded frames as they are."""
        last = (self.encode.position if isinstance(self.encode, DifferenceEncoder) else self.encode).layers[-1]
        for weight in last.parameters():
            weight.mul_(factor)
        self.decode.state_dict()["layers.0.weight"].div_(factor)
