"""Learning from frames: the autoencoder alone first, then it and the dynamics of its latent states together."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from itertools import chain, repeat
from typing import Any, TypeVar

import torch
from torch import Tensor, nn
from torch.nn.functional import avg_pool2d

from hnn.autoencoder import Autoencoder, pairs
from hnn.descent import descend
from hnn.errors import Refused
from hnn.latent import LatentModel
from hnn.losses import canonical_loss, latent_size, reconstruction_loss, step_loss
from hnn.phase_space import split
from hnn.training import Fit

__all__ = ["Collapsed", "blurred", "check_latents", "cut", "fit_latent", "latents", "pretrain", "segments"]

CLIPS, CURVE_CLIPS = 10, 2
"""How many clips are looked at at a time, to bound the memory; and for the curve in all, so that watching costs little."""

ALIVE, CANONICAL = 0.02, 0.5
"""Latents have collapsed where one varies less than `ALIVE` times as much as another, or p explains less than this of Δq."""

N = TypeVar("N", bound=nn.Module)

Parts = Callable[..., dict[str, Tensor]]
"""From a model and frame pairs (clips, time, pixels) to the terms of its loss by name."""


class Collapsed(Refused, ArithmeticError):
    """The latent states say nothing of the motion: whatever is learned from them would be worth nothing."""


def segments(frames: Tensor, length: int, count: int, generator: torch.Generator, batches: int) -> list[Tensor]:
    """Which segments make each batch: clips and first times, (batches, count, 1) each, drawn with replacement.

    A segment is a run of neighbouring frame pairs from one clip: a pair that ends one step and begins the next is there once,
    and is encoded once.
    """
    clips, time = frames.shape[:2]
    limits = (clips, time - length)
    return [torch.randint(limit, (batches, count, 1), generator=generator).to(frames.device) for limit in limits]


def cut(frames: Tensor, clip: Tensor, first: Tensor, length: int) -> Tensor:
    """Those segments, frame pairs of shape (count, length, pixels)."""
    return pairs(frames[clip, first + torch.arange(length + 1, device=frames.device)])


def blurred(frames: Tensor, width: float) -> Tensor:
    """Frames (clips, time, channels, size, size), bytes, blurred by a fraction of their width; the brightest is white."""
    radius = round(width * frames.shape[-1])
    soft = frames.flatten(0, 1).float()
    for _ in range(2):  # two boxes make a hat
        soft = avg_pool2d(soft, 2 * radius + 1, stride=1, padding=radius)
    return (soft * (255 / soft.max())).round().to(torch.uint8).view_as(frames)


def pretrain(
    autoencoders: Sequence[Autoencoder],
    train: Tensor,
    test: Tensor,
    step: float,
    *,
    batch: int,
    segment: int,
    blur: float,
    latent_std: float,
    relative: bool,
    reconstruction: float,
    canonical: float,
    generators: Sequence[torch.Generator],
    **recipe: Any,
) -> list[Fit[Autoencoder]]:
    """Minimise reconstruction and canonical loss over frames (clips, time, channels, size, size), bytes, `step` apart.

    One autoencoder for each seed. `batch` counts frame pairs, drawn in segments of `segment`; `reconstruction` and `canonical`
    are the weights of the losses, the latter `relative` to the size of the latent states or not; `recipe` are the options of
    `descent.descend`. The first third of the steps sees the frames blurred by the fraction `blur` of their width, where a
    motion moves light that overlaps and so is unfolded in its order. At the end latent states are given the standard deviation
    `latent_std`, unless that is 0.
    """
    weights = {"reconstruction": reconstruction, "canonical": canonical}

    def parts(autoencoder: Autoencoder, x: Tensor) -> dict[str, Tensor]:
        z = autoencoder.encode(x)
        size = latent_size(z) if relative else 1.0
        return {"reconstruction": reconstruction_loss(x, autoencoder.decode(z)), "canonical": canonical_loss(z, step, size)}

    curves = minimise(autoencoders, parts, weights, train, test, batch, segment, generators, blur=blur, **recipe)
    if latent_std > 0:
        for autoencoder in autoencoders:
            autoencoder.magnify(latent_std / float(latents(autoencoder, train).std()))
    return [
        Fit(autoencoder, curve, evaluate(partial(parts, autoencoder), weights, train, test))
        for autoencoder, curve in zip(autoencoders, curves, strict=True)
    ]


def fit_latent(
    models: Sequence[LatentModel],
    train: Tensor,
    test: Tensor,
    *,
    batch: int,
    segment: int,
    relative: bool,
    reconstruction: float,
    canonical: float,
    dynamics: float,
    autoencoder_rate: float,
    freeze_autoencoder: bool,
    settle: int,
    settle_rate: float,
    settle_batch: int,
    generators: Sequence[torch.Generator],
    **recipe: Any,
) -> list[Fit[LatentModel]]:
    """Minimise all three losses over autoencoder and dynamics together, from a pretrained autoencoder.

    As `pretrain`, with `learning_rate` for the dynamics and `autoencoder_rate` for the autoencoder, which is known already. As
    long as the latent states move, the dynamics lag behind: they get `settle` more steps on the finished ones, each on
    `settle_batch` frames and the next, at the rate `settle_rate`. With `freeze_autoencoder` there are only such steps, as many
    and at the rate that the recipe says.
    """
    weights = {"dynamics": dynamics, "reconstruction": reconstruction, "canonical": canonical}

    def parts(model: LatentModel, x: Tensor) -> dict[str, Tensor]:
        z = model.autoencoder.encode(x)
        size = latent_size(z) if relative else 1.0
        return {
            "reconstruction": reconstruction_loss(x, model.autoencoder.decode(z)),
            "canonical": canonical_loss(z, model.step, size),
            "dynamics": step_loss(z, model(z[..., :-1, :]), model.step, size),
        }

    curves: list[list[dict[str, float]]] = [[] for _ in models]
    if freeze_autoencoder:
        settle, settle_rate = recipe["steps"], recipe["learning_rate"]
    else:
        rates = {"autoencoder.": autoencoder_rate}
        curves = minimise(models, parts, weights, train, test, batch, segment, generators, rates=rates, **recipe)
    z = [latents(model.autoencoder, train) for model in models]

    def draw(i: int, count: int) -> list[Tensor]:
        limits = (len(z[i]), z[i].shape[1] - 1)
        clip, first = (torch.randint(n, (count, settle_batch, 1), generator=generators[i]).to(train.device) for n in limits)
        return [z[i][clip, first + torch.arange(2, device=train.device)], latent_size(z[i]).expand(count)]

    def loss(model: LatentModel, steps: Tensor, size: Tensor) -> Tensor:
        return step_loss(steps, model(steps[:, :-1]), model.step, size)

    for model in models:
        model.autoencoder.requires_grad_(False)
    options = recipe | {"steps": settle, "learning_rate": settle_rate}
    rest = descend(models, loss, draw, watching(parts, weights, train, test), **options)
    for curve, rows in zip(curves, rest, strict=True):
        curve += [row | {"step": row["step"] + recipe["steps"]} for row in rows[1:]] if curve else rows
    return [
        Fit(model, curve, evaluate(partial(parts, model), weights, train, test))
        for model, curve in zip(models, curves, strict=True)
    ]


def minimise(
    models: Sequence[N],
    parts: Parts,
    weights: Mapping[str, float],
    train: Tensor,
    test: Tensor,
    batch: int,
    segment: int,
    generators: Sequence[torch.Generator],
    *,
    steps: int,
    blur: float = 0.0,
    **options: Any,
) -> list[list[dict[str, float]]]:
    """`descent.descend` on the weighted sum of the terms, over segments of `train`, blurred for a third of the steps."""
    films = chain(repeat(blurred(train, blur), steps // 3), repeat(train)) if blur > 0 else repeat(train)

    def draw(i: int, count: int) -> list[Tensor]:
        return segments(train, segment, max(1, batch // segment), generators[i], count)

    def loss(model: N, clip: Tensor, first: Tensor) -> Tensor:
        x = cut(next(films), clip, first, segment)
        return torch.stack([weights[name] * term for name, term in parts(model, x).items()]).sum()

    return descend(models, loss, draw, watching(parts, weights, train, test), steps=steps, **options)


def watching(parts: Parts, weights: Mapping[str, float], train: Tensor, test: Tensor) -> Callable[[N], dict[str, float]]:
    """What the curve of a model shows: `evaluate` on a few clips of each set."""
    few = [frames[:: -(-len(frames) // CURVE_CLIPS)] for frames in (train, test)]
    return lambda model: evaluate(partial(parts, model), weights, *few)


@torch.no_grad()
def evaluate(parts: Parts, weights: Mapping[str, float], train: Tensor, test: Tensor) -> dict[str, float]:
    """train_loss and test_loss, and the terms of the latter: means over all clips, a few at a time to bound the memory."""
    found: dict[str, float] = {}
    for name, frames in {"train": train, "test": test}.items():
        terms = dict.fromkeys(weights, 0.0)
        for clips in frames.split(CLIPS):
            for term, value in parts(pairs(clips)).items():
                terms[term] += float(value) * len(clips) / len(frames)
        found[f"{name}_loss"] = sum(weights[term] * value for term, value in terms.items())
    return found | terms


@torch.no_grad()
def latents(autoencoder: Autoencoder, frames: Tensor) -> Tensor:
    """The latent states (clips, time - 1, latent) of frames (clips, time, channels, size, size)."""
    return torch.cat([autoencoder.encode(pairs(clips)) for clips in frames.split(CLIPS)])


def check_latents(z: Tensor, step: float, label: str) -> dict[str, float]:
    """How alive latent states (clips, time, 2n) are; raises `Collapsed` if they are not.

    `latent_spread`: the smallest standard deviation of a latent unit over the largest. `latent_rate_r2`: the share of the
    variance of Δq/step that p explains. Where the decoder ignores a unit, or p = 0 and q is still, both losses can be small.
    """
    q, p = split(z)
    rate = q.diff(dim=-2) / step
    missed = (rate - p[..., :-1, :]).square().sum() / (rate - rate.mean((0, 1))).square().sum()
    spread = z.flatten(0, -2).std(0)
    found = {"latent_spread": float(spread.min() / spread.max()), "latent_rate_r2": float(1 - missed)}
    if not (found["latent_spread"] >= ALIVE and found["latent_rate_r2"] >= CANONICAL):
        raise Collapsed(
            f"{label}: the latent states have collapsed: the least active unit varies {found['latent_spread']:.2g} times as "
            f"much as the most active one (allowed: at least {ALIVE}), and p explains {found['latent_rate_r2']:.2g} of the "
            f"change of q (allowed: at least {CANONICAL}); raise pretrain.steps, or give pretrain.canonical another weight"
        )
    return found
