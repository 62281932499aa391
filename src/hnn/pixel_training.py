"""Learning from frames: the autoencoder alone first, then it and the dynamics of its latent states together.

Frames are bytes (clips, time, channels, size, size). Models are trained in place, one for each seed, with batches from the
generator of each; `labels` name the fits on the progress bar.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from itertools import chain, repeat
from typing import TypeVar

import torch
from torch import Tensor, nn

from hnn.autoencoder import Autoencoder
from hnn.descent import descend
from hnn.frame_batches import blurred, cut, segments
from hnn.latent import LatentModel
from hnn.latent_states import latents
from hnn.losses import latent_size, step_loss
from hnn.pixel_losses import PixelLoss, autoencoder_terms, latent_terms
from hnn.pixel_options import LatentTraining, PixelOptions, Pretraining
from hnn.recipe import Recipe
from hnn.training import Fit

__all__ = ["fit_latent", "pretrain"]

N = TypeVar("N", bound=nn.Module)
Curves = list[list[dict[str, float]]]


def pretrain(
    autoencoders: Sequence[Autoencoder],
    train: Tensor,
    test: Tensor,
    step: float,
    recipe: Recipe,
    options: Pretraining,
    *,
    generators: Sequence[torch.Generator],
    labels: Sequence[str] | None = None,
) -> list[Fit[Autoencoder]]:
    """Minimise reconstruction and canonical loss over frames that are `step` apart in latent time."""
    weights = {"reconstruction": options.reconstruction, "canonical": options.canonical}
    loss = PixelLoss(partial(autoencoder_terms, step=step, relative=options.relative), weights)
    curves = minimise(autoencoders, loss, train, test, recipe, options, generators, blur=options.blur, labels=labels)
    if options.latent_std > 0:
        for autoencoder in autoencoders:
            autoencoder.magnify(options.latent_std / float(latents(autoencoder, train).std()))
    return as_fits(autoencoders, curves, loss, train, test)


def fit_latent(
    models: Sequence[LatentModel],
    train: Tensor,
    test: Tensor,
    recipe: Recipe,
    options: LatentTraining,
    *,
    generators: Sequence[torch.Generator],
    labels: Sequence[str] | None = None,
) -> list[Fit[LatentModel]]:
    """Minimise all three losses over autoencoder and dynamics together, from a pretrained autoencoder.

    As long as the latent states move, the dynamics lag behind: at the end they settle on the finished ones.
    """
    weights = {"dynamics": options.dynamics, "reconstruction": options.reconstruction, "canonical": options.canonical}
    loss = PixelLoss(partial(latent_terms, relative=options.relative), weights)
    if options.freeze_autoencoder:
        curves = settle(models, loss, train, test, recipe, options.settle_batch, generators, labels)
    else:
        rates = {"autoencoder.": options.autoencoder_rate}
        curves = minimise(models, loss, train, test, recipe, options, generators, rates=rates, labels=labels)
        rest = replace(recipe, steps=options.settle, learning_rate=options.settle_rate)
        settled = settle(models, loss, train, test, rest, options.settle_batch, generators, labels)
        for curve, rows in zip(curves, settled, strict=True):
            curve += [row | {"step": row["step"] + recipe.steps} for row in rows[1:]]
    return as_fits(models, curves, loss, train, test)


def minimise(
    models: Sequence[N],
    loss: PixelLoss[N],
    train: Tensor,
    test: Tensor,
    recipe: Recipe,
    options: PixelOptions,
    generators: Sequence[torch.Generator],
    *,
    blur: float = 0.0,
    rates: Mapping[str, float] | None = None,
    labels: Sequence[str] | None = None,
) -> Curves:
    """Descend on segments of `train`, which are blurred for a third of the steps."""
    films = chain(repeat(blurred(train, blur), recipe.steps // 3), repeat(train)) if blur > 0 else repeat(train)

    def draw(i: int, count: int) -> list[Tensor]:
        """Where the segments of the next batches of model i are."""
        return segments(train, options.segment, max(1, options.batch // options.segment), generators[i], count)

    def on_segments(model: N, clip: Tensor, first: Tensor) -> Tensor:
        """The loss on one batch of segments, in the film whose turn it is."""
        return loss(model, cut(next(films), clip, first, options.segment))

    return descend(models, on_segments, draw, loss.watching(train, test), recipe, rates=rates, labels=labels)


def settle(
    models: Sequence[LatentModel],
    loss: PixelLoss[LatentModel],
    train: Tensor,
    test: Tensor,
    recipe: Recipe,
    batch: int,
    generators: Sequence[torch.Generator],
    labels: Sequence[str] | None,
) -> Curves:
    """Descend with the dynamics alone, on the latent states of an autoencoder that stays as it is from here on."""
    z = [latents(model.autoencoder, train) for model in models]

    def draw(i: int, count: int) -> list[Tensor]:
        """The next batches of model i: latent states and the next of each, and the size of all."""
        clip, first = segments(z[i], 1, batch, generators[i], count)
        return [z[i][clip, first + torch.arange(2, device=train.device)], latent_size(z[i]).expand(count)]

    def on_steps(model: LatentModel, steps: Tensor, size: Tensor) -> Tensor:
        """The loss of the dynamics on one batch (batch, 2, latent), relative to `size` whatever the options say."""
        return step_loss(steps, model(steps[:, :-1]), model.step, size)

    for model in models:
        model.autoencoder.requires_grad_(False)
    return descend(models, on_steps, draw, loss.watching(train, test), recipe, labels=labels)


def as_fits(models: Sequence[N], curves: Curves, loss: PixelLoss[N], train: Tensor, test: Tensor) -> list[Fit[N]]:
    """Each model with its curve and its losses on all clips."""
    return [Fit(model, curve, loss.evaluate(model, train, test)) for model, curve in zip(models, curves, strict=True)]
