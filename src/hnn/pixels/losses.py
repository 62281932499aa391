"""Losses of learning from pixels, and their weighted sum (Greydanus et al. 2019, section 5).

Latent states z = (q, p) of consecutive frames have shape (*batch, time, 2n) and are `step` apart in latent time, which is
counted in the autoencoder's `time_unit`; where that is one frame, `step` is 1. The canonical and the step loss are divided by
`size`, the variance of latent states: the published ones (`size` = 1) can be made arbitrarily small by shrinking the latent
states.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

import torch
from torch import Tensor, nn
from torch.nn.functional import mse_loss

from hnn.core.phase_space import split
from hnn.core.trajectories import of_seed
from hnn.networks.autoencoder import Autoencoder, pairs
from hnn.pixels.collapse import CLIPS
from hnn.pixels.latent_model import LatentModel

__all__ = [
    "PixelLoss",
    "autoencoder_terms",
    "canonical_loss",
    "latent_size",
    "latent_terms",
    "reconstruction_loss",
    "step_loss",
]

CURVE_CLIPS = 2
"""Number of clips on which the losses of the training curve are evaluated, to keep them cheap."""

N = TypeVar("N", bound=nn.Module)


def reconstruction_loss(frames: Tensor, decoded: Tensor) -> Tensor:
    """Mean over pixels of |decoded - frames|², in units of squared full brightness."""
    return mse_loss(decoded, frames)


def latent_size(z: Tensor) -> Tensor:
    """Mean over the components of the variance of latent states (*batch, time, 2n): a scalar."""
    return z.flatten(0, -2).var(0).mean()


def canonical_loss(z: Tensor, step: float, size: Tensor | float = 1.0) -> Tensor:
    """Mean of |p - Δq/step|²/size: the second half of the latent state is the rate of change of the first (eq. 7)."""
    q, p = split(z)
    return (p[..., :-1, :] - q.diff(dim=-2) / step).square().mean() / size


def step_loss(z: Tensor, predicted: Tensor, step: float, size: Tensor | float = 1.0) -> Tensor:
    """Mean of |(ẑ - z)/step|²/size for ẑ (*batch, time - 1, 2n), predicted from each latent state for the next (eq. 3, 6)."""
    return ((predicted - z[..., 1:, :]) / step).square().mean() / size


def autoencoder_terms(autoencoder: Autoencoder, x: Tensor, *, step: float, relative: bool) -> dict[str, Tensor]:
    """The losses of an autoencoder by name, for frame pairs (clips, time, pixels) that are `step` apart in latent time.

    `relative` divides losses of latent states by their variance; otherwise they are as published.
    """
    z = autoencoder.encode(x)
    size = latent_size(z) if relative else 1.0
    return {"reconstruction": reconstruction_loss(x, autoencoder.decode(z)), "canonical": canonical_loss(z, step, size)}


def latent_terms(model: LatentModel, x: Tensor, *, relative: bool) -> dict[str, Tensor]:
    """The losses of a model's autoencoder and of its dynamics by name, for frame pairs (clips, time, pixels)."""
    z = model.autoencoder.encode(x)
    size = latent_size(z) if relative else 1.0
    return {
        "reconstruction": reconstruction_loss(x, model.autoencoder.decode(z)),
        "canonical": canonical_loss(z, model.step, size),
        "dynamics": step_loss(z, model(z[..., :-1, :]), model.step, size),
    }


@dataclass(frozen=True)
class PixelLoss(Generic[N]):
    """The weighted sum Σ wₖ Lₖ(model, x) of the losses of frame pairs x (clips, time, pixels)."""

    terms: Callable[[N, Tensor], dict[str, Tensor]]
    """Each Lₖ by name, of a model and frame pairs."""
    weights: Mapping[str, float]
    """Each wₖ by the same names."""

    def __call__(self, model: N, x: Tensor) -> Tensor:
        """The weighted sum, a scalar."""
        return torch.stack([self.weights[name] * term for name, term in self.terms(model, x).items()]).sum()

    @torch.no_grad()
    def evaluate(self, model: N, train: Tensor, test: Tensor) -> dict[str, float]:
        """`train_loss` and `test_loss`, and the terms of the latter: means over all clips, a few at a time to bound memory."""
        losses: dict[str, float] = {}
        for name, frames in {"train": train, "test": test}.items():
            terms = dict.fromkeys(self.weights, 0.0)
            for clips in frames.split(CLIPS):
                for term, value in self.terms(model, pairs(clips)).items():
                    terms[term] += float(value) * len(clips) / len(frames)
            losses[f"{name}_loss"] = sum(self.weights[term] * value for term, value in terms.items())
        return losses | terms

    def watching(self, train: Sequence[Tensor], test: Tensor) -> Callable[[int, N], dict[str, float]]:
        """The losses of a training curve, (i, model i) -> `evaluate` on a few clips of its training data and of the test."""
        *draws, few = [frames[:: -(-len(frames) // CURVE_CLIPS)] for frames in (*train, test)]
        return lambda i, model: self.evaluate(model, of_seed(draws, i), few)
