"""The weighted sum of losses that is minimised over frame pairs, of an autoencoder alone or with the dynamics beside it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

import torch
from torch import Tensor, nn

from hnn.autoencoder import Autoencoder, pairs
from hnn.latent import LatentModel
from hnn.latent_states import CLIPS
from hnn.losses import canonical_loss, latent_size, reconstruction_loss, step_loss

__all__ = ["PixelLoss", "autoencoder_terms", "latent_terms"]

CURVE_CLIPS = 2
"""How many clips are looked at for the curve, so that watching costs little."""

N = TypeVar("N", bound=nn.Module)


def autoencoder_terms(autoencoder: Autoencoder, x: Tensor, *, step: float, relative: bool) -> dict[str, Tensor]:
    """The losses of an autoencoder by name, for frame pairs (clips, time, pixels) that are `step` apart in latent time.

    `relative`: to the size of the latent states, or as published.
    """
    z = autoencoder.encode(x)
    size = latent_size(z) if relative else 1.0
    return {"reconstruction": reconstruction_loss(x, autoencoder.decode(z)), "canonical": canonical_loss(z, step, size)}


def latent_terms(model: LatentModel, x: Tensor, *, relative: bool) -> dict[str, Tensor]:
    """The same losses of a model's autoencoder, and the loss of its dynamics."""
    z = model.autoencoder.encode(x)
    size = latent_size(z) if relative else 1.0
    return {
        "reconstruction": reconstruction_loss(x, model.autoencoder.decode(z)),
        "canonical": canonical_loss(z, model.step, size),
        "dynamics": step_loss(z, model(z[..., :-1, :]), model.step, size),
    }


@dataclass(frozen=True)
class PixelLoss(Generic[N]):
    """The sum over k of wₖ Lₖ(model, x), for frame pairs x (clips, time, pixels)."""

    terms: Callable[[N, Tensor], dict[str, Tensor]]
    """From a model and frame pairs to each Lₖ by name."""
    weights: Mapping[str, float]
    """Each wₖ by the same names."""

    def __call__(self, model: N, x: Tensor) -> Tensor:
        """A scalar."""
        return torch.stack([self.weights[name] * term for name, term in self.terms(model, x).items()]).sum()

    @torch.no_grad()
    def evaluate(self, model: N, train: Tensor, test: Tensor) -> dict[str, float]:
        """train_loss and test_loss, and the terms of the latter: means over all clips, a few at a time to bound the memory."""
        found: dict[str, float] = {}
        for name, frames in {"train": train, "test": test}.items():
            terms = dict.fromkeys(self.weights, 0.0)
            for clips in frames.split(CLIPS):
                for term, value in self.terms(model, pairs(clips)).items():
                    terms[term] += float(value) * len(clips) / len(frames)
            found[f"{name}_loss"] = sum(self.weights[term] * value for term, value in terms.items())
        return found | terms

    def watching(self, train: Tensor, test: Tensor) -> Callable[[N], dict[str, float]]:
        """What the curve of a model shows: `evaluate` on a few clips of each set."""
        few = [frames[:: -(-len(frames) // CURVE_CLIPS)] for frames in (train, test)]
        return lambda model: self.evaluate(model, *few)
