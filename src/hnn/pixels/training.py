"""Training from frames: the autoencoder alone first, then autoencoder and latent dynamics together.

Frames are bytes (clips, time, channels, size, size); `train` has those of each model, equally many, or those of all. Models
are trained in place, one for each seed, with batches from the generator of each; `labels` name the fits on the progress bar.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TypeVar

import torch
from torch import Tensor, nn
from torch.nn.functional import avg_pool2d

from hnn.core.trajectories import of_seed
from hnn.integrators.fixed_step import STEP_MAPS
from hnn.networks.autoencoder import Autoencoder, pairs
from hnn.pixels.collapse import latents
from hnn.pixels.latent_model import LatentModel
from hnn.pixels.losses import PixelLoss, autoencoder_terms, latent_size, latent_terms, step_loss
from hnn.training.fit import Fit
from hnn.training.loop import Problem, minimise
from hnn.training.optimizer import OptimizerOptions
from hnn.training.output_layer import fit_output_layer

__all__ = ["LatentTraining", "PixelOptions", "Pretraining", "blurred", "cut", "fit_latent", "pretrain", "segments"]

N = TypeVar("N", bound=nn.Module)
Curves = list[list[dict[str, float]]]


@dataclass(frozen=True)
class PixelOptions:
    """Options of training from frames beside those of the optimiser."""

    batch: int
    """Frame pairs in a batch."""
    segment: int
    """Consecutive frame pairs of one clip in a segment; a batch holds batch/segment segments."""
    relative: bool
    """Divide losses of latent states by their variance."""
    reconstruction: float
    """Weight of the reconstruction loss."""
    canonical: float
    """Weight of the canonical loss."""


@dataclass(frozen=True)
class Pretraining(PixelOptions):
    """Options of `pretrain`."""

    blur: float
    """Frames are blurred by this fraction of their width in the first third of the steps; 0: never.

    Blurred frames of neighbouring positions overlap, so that the latent states are ordered as the positions are.
    """
    rescale_latents_to_std: float
    """Standard deviation that latent states are rescaled to at the end; 0: not rescaled."""


@dataclass(frozen=True)
class LatentTraining(PixelOptions):
    """Options of `fit_latent`."""

    dynamics: float
    """Weight of the loss of the dynamics."""
    autoencoder_rate: float
    """Learning rate of the pretrained autoencoder; that of the optimiser options is the dynamics'."""
    freeze_autoencoder: bool
    """Train the dynamics alone, for all steps."""
    dynamics_only_steps: int
    """Steps of the dynamics alone after the joint ones, unless the autoencoder is frozen."""
    dynamics_only_rate: float
    """Learning rate of these steps."""
    dynamics_only_batch: int
    """Pairs of successive latent states in a batch of these steps."""
    output_layer_segment: int
    """Steps of the latent trajectories that the output layer of the dynamics is fitted to at the end, where the dynamics are
    linear in it and the step map is not Euler's; at most a clip. 0: not fitted."""


def pretrain(
    autoencoders: Sequence[Autoencoder],
    train: Sequence[Tensor],
    test: Tensor,
    step: float,
    optimizer: OptimizerOptions,
    options: Pretraining,
    *,
    generators: Sequence[torch.Generator],
    labels: Sequence[str] | None = None,
) -> list[Fit[Autoencoder]]:
    """Minimise reconstruction and canonical loss over frames that are `step` apart in latent time."""
    weights = {"reconstruction": options.reconstruction, "canonical": options.canonical}
    loss = PixelLoss(partial(autoencoder_terms, step=step, relative=options.relative), weights)
    curves = fit_on_segments(autoencoders, loss, train, test, optimizer, options, generators, blur=options.blur, labels=labels)
    if options.rescale_latents_to_std > 0:
        for i, autoencoder in enumerate(autoencoders):
            autoencoder.magnify(options.rescale_latents_to_std / float(latents(autoencoder, of_seed(train, i)).std()))
    return as_fits(autoencoders, curves, loss, train, test)


def fit_latent(
    models: Sequence[LatentModel],
    train: Sequence[Tensor],
    test: Tensor,
    optimizer: OptimizerOptions,
    options: LatentTraining,
    *,
    generators: Sequence[torch.Generator],
    labels: Sequence[str] | None = None,
) -> list[Fit[LatentModel]]:
    """Minimise all three losses over autoencoder and dynamics together, from a pretrained autoencoder.

    While the autoencoder changes, the dynamics lag behind its latent states; the last steps train the dynamics alone, and
    their output layer is then fitted to trajectories of many steps.
    """
    weights = {"dynamics": options.dynamics, "reconstruction": options.reconstruction, "canonical": options.canonical}
    loss = PixelLoss(partial(latent_terms, relative=options.relative), weights)
    if options.freeze_autoencoder:
        curves = fit_dynamics(models, loss, train, test, optimizer, options.dynamics_only_batch, generators, labels)
    else:
        rates = {"autoencoder.": options.autoencoder_rate}
        curves = fit_on_segments(models, loss, train, test, optimizer, options, generators, rates=rates, labels=labels)
        rest = replace(optimizer, steps=options.dynamics_only_steps, learning_rate=options.dynamics_only_rate)
        final = fit_dynamics(models, loss, train, test, rest, options.dynamics_only_batch, generators, labels)
        for curve, rows in zip(curves, final, strict=True):
            curve += [row | {"step": row["step"] + optimizer.steps} for row in rows[1:]]
    # Steps of Euler's map gain energy even where the field is exact: fitted to many of them, a field would make up for it.
    if options.output_layer_segment > 0 and models[0].dynamics.linear_output and models[0].step_map != "euler":
        losses = loss.watching(train, test)
        for i, (model, curve) in enumerate(zip(models, curves, strict=True)):
            fit_trajectories(model, of_seed(train, i), options.output_layer_segment)
            curve[-1] |= losses(i, model)
    return as_fits(models, curves, loss, train, test)


def fit_on_segments(
    models: Sequence[N],
    loss: PixelLoss[N],
    train: Sequence[Tensor],
    test: Tensor,
    optimizer: OptimizerOptions,
    options: PixelOptions,
    generators: Sequence[torch.Generator],
    *,
    blur: float = 0.0,
    rates: Mapping[str, float] | None = None,
    labels: Sequence[str] | None = None,
) -> Curves:
    """Minimise the loss on segments of `train`, blurred in the first third of the steps."""
    sharp = torch.cat(list(train))
    clips = torch.cat([sharp, *(blurred(frames, blur) for frames in train)]) if blur > 0 else sharp
    first_clips = range(0, len(sharp), len(train[0]))

    def draw(i: int, steps: range) -> list[Tensor]:
        """Clips and first times of the segments of the next batches of model i; blurred clips follow all sharp ones."""
        own = of_seed(train, i)
        clip, first = segments(own, options.segment, max(1, options.batch // options.segment), generators[i], len(steps))
        soft = torch.tensor([blur > 0 and step <= optimizer.steps // 3 for step in steps], device=clip.device)
        return [clip + of_seed(first_clips, i) + len(sharp) * soft[:, None, None], first]

    def on_segments(model: N, clip: Tensor, first: Tensor) -> Tensor:
        """The loss on one batch of segments."""
        return loss(model, cut(clips, clip, first, options.segment))

    problem = Problem(on_segments, draw, loss.watching(train, test), generators, [sharp, test])
    return minimise(models, problem, optimizer, rates=rates, labels=labels)


def fit_dynamics(
    models: Sequence[LatentModel],
    loss: PixelLoss[LatentModel],
    train: Sequence[Tensor],
    test: Tensor,
    optimizer: OptimizerOptions,
    batch: int,
    generators: Sequence[torch.Generator],
    labels: Sequence[str] | None,
) -> Curves:
    """Minimise the loss of the dynamics alone, on the latent states of an autoencoder that is frozen from here on."""
    z = [latents(model.autoencoder, of_seed(train, i)) for i, model in enumerate(models)]

    def draw(i: int, steps: range) -> list[Tensor]:
        """The next batches of model i: pairs of successive latent states, and the variance of all."""
        clip, first = segments(z[i], 1, batch, generators[i], len(steps))
        return [z[i][clip, first + torch.arange(2, device=test.device)], latent_size(z[i]).expand(len(steps))]

    def on_steps(model: LatentModel, steps: Tensor, size: Tensor) -> Tensor:
        """The loss of the dynamics on one batch (batch, 2, latent), relative to `size` whatever the options say."""
        return step_loss(steps, model(steps[:, :-1]), model.step, size)

    for model in models:
        model.autoencoder.requires_grad_(False)
    problem = Problem(on_steps, draw, loss.watching(train, test), generators, [*z, *train, test])
    return minimise(models, problem, optimizer, labels=labels)


def fit_trajectories(model: LatentModel, frames: Tensor, length: int) -> None:
    """Fit the output layer of the dynamics to latent trajectories of `length` steps, the segments of every clip.

    A segment begins where the one before it ends; the last steps of a clip that fill no segment are left out.
    """
    z = latents(model.autoencoder, frames)
    length = min(length, z.shape[1] - 1)
    fit_output_layer(model.dynamics, STEP_MAPS[model.step_map], z.unfold(1, length + 1, length).mT, model.step)


def as_fits(models: Sequence[N], curves: Curves, loss: PixelLoss[N], train: Sequence[Tensor], test: Tensor) -> list[Fit[N]]:
    """Each model with its training curve and its losses on all clips."""
    return [Fit(model, curves[i], loss.evaluate(model, of_seed(train, i), test)) for i, model in enumerate(models)]


def segments(frames: Tensor, length: int, count: int, generator: torch.Generator, batches: int) -> list[Tensor]:
    """Clips and first times of the segments of each batch, (batches, count, 1) each, drawn with replacement.

    A segment is a run of consecutive frame pairs of one clip, so that a pair that ends one step and begins the next is encoded
    once. `frames` gives the numbers of clips and times, its first two axes.
    """
    clips, time = frames.shape[:2]
    limits = (clips, time - length)
    return [torch.randint(limit, (batches, count, 1), generator=generator).to(frames.device) for limit in limits]


def cut(frames: Tensor, clip: Tensor, first: Tensor, length: int) -> Tensor:
    """The segments that begin at `first` of each `clip`, as frame pairs (count, length, pixels)."""
    return pairs(frames[clip, first + torch.arange(length + 1, device=frames.device)])


def blurred(frames: Tensor, width: float) -> Tensor:
    """Frames (clips, time, channels, size, size), bytes, blurred by a fraction of their width, at full brightness."""
    radius = round(width * frames.shape[-1])
    soft = frames.flatten(0, 1).float()
    for _ in range(2):  # two box filters: a triangular kernel
        soft = avg_pool2d(soft, 2 * radius + 1, stride=1, padding=radius)
    return (soft * (255 / soft.max())).round().to(torch.uint8).view_as(frames)
