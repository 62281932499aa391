"""Latent states of frames, the test for their collapse, and new starts of fits that have collapsed."""

from collections.abc import Callable, Sequence
from typing import TypeVar

import torch
from torch import Tensor

from hnn.core.errors import Refused
from hnn.core.phase_space import split
from hnn.networks.autoencoder import Autoencoder, pairs

__all__ = ["CLIPS", "RESTARTS", "Collapsed", "check_autoencoder", "latents", "restart_collapsed"]

T = TypeVar("T")

CLIPS = 10
"""Number of clips that are encoded at a time, to bound memory."""

LEAST = {"latent_spread": 0.02, "latent_rate_r2": 0.5, "decoded_r2": 0.5}
"""Smallest allowed values of what `check_autoencoder` returns."""

RESTARTS = 3
"""Largest number of new starts of a fit."""


class Collapsed(Refused, ArithmeticError):
    """The latent states carry no information on the motion, so nothing can be learned from them."""


@torch.no_grad()
def latents(autoencoder: Autoencoder, frames: Tensor) -> Tensor:
    """The latent states (clips, time - 1, latent) of frames (clips, time, channels, size, size)."""
    return torch.cat([autoencoder.encode(pairs(clips)) for clips in frames.split(CLIPS)])


@torch.no_grad()
def check_autoencoder(autoencoder: Autoencoder, frames: Tensor, step: float, label: str) -> dict[str, float]:
    """Scores of an autoencoder on frames (clips, time, channels, size, size); raises `Collapsed` if one is too small.

    `latent_spread`: the smallest standard deviation of a latent unit over the largest. `latent_rate_r2`: the share of the
    variance of Δq/step that p explains, `step` being the latent time between frames. `decoded_r2`: the share of the variance
    of the frames that the decoded ones explain. All losses can be small although the decoder shows the mean frame, or p = 0
    and q is constant.
    """
    z = latents(autoencoder, frames)
    q, p = split(z)
    rate = q.diff(dim=-2) / step
    std = z.flatten(0, -2).std(0)
    found = {
        "latent_spread": float(std.min() / std.max()),
        "latent_rate_r2": explained(rate, p[..., :-1, :]),
        "decoded_r2": decoded_r2(autoencoder, frames, z),
    }
    if not all(found[name] >= least for name, least in LEAST.items()):
        spread, explains, shows = (f"{found[name]:.2g} (allowed: at least {least})" for name, least in LEAST.items())
        raise Collapsed(
            f"{label}: the latent states have collapsed: the variation of the least active unit over that of the most active "
            f"one is {spread}, the share of the change of q that p explains {explains}, and the share of the variance of the "
            f"frames that decoded frames explain {shows}; raise pretrain.steps, or give pretrain.canonical another weight"
        )
    return found


def explained(values: Tensor, predicted: Tensor) -> float:
    """R²: the share of the variance of values (clips, time, k) about their mean that the predicted ones explain."""
    return float(1 - (values - predicted).square().sum() / (values - values.mean((0, 1))).square().sum())


def decoded_r2(autoencoder: Autoencoder, frames: Tensor, z: Tensor) -> float:
    """R² of the frame pairs decoded from their latent states z, a few clips at a time to bound memory."""
    true = torch.cat([pairs(clips).flatten(0, 1) for clips in frames.split(CLIPS)])
    total = (true - true.mean(0)).square().sum()
    parts = zip(true.view(*z.shape[:2], -1).split(CLIPS), z.split(CLIPS), strict=True)
    return float(1 - sum((autoencoder.decode(part) - own).square().sum() for own, part in parts) / total)


def restart_collapsed(
    fit: Callable[[Sequence[int]], list[T]], check: Callable[[int, T], dict[str, float]], seeds: Sequence[int]
) -> list[tuple[T, dict[str, float]]]:
    """The fit of each seed with what `check` returns for it, and `restarts`, the number of times that it was fitted again.

    `fit` takes several seeds, each with the next weights of its random stream. A fit for which `check` raises `Collapsed` is
    made again, `RESTARTS` times at most; then the error is raised.

    >>> def check(seed, fitted):
    ...     if fitted == "collapsed":
    ...         raise Collapsed(fitted)
    ...     return {}
    >>> weights = {0: iter(["good"]), 1: iter(["collapsed", "better"])}
    >>> restart_collapsed(lambda seeds: [next(weights[seed]) for seed in seeds], check, [0, 1])
    [('good', {'restarts': 0}), ('better', {'restarts': 1})]
    """
    found: dict[int, tuple[T, dict[str, float]]] = {}
    for restarts in range(RESTARTS + 1):
        missing = [seed for seed in seeds if seed not in found]
        for seed, fitted in zip(missing, fit(missing) if missing else [], strict=True):
            try:
                found[seed] = fitted, check(seed, fitted) | {"restarts": restarts}
            except Collapsed as error:
                if restarts == RESTARTS:
                    raise Collapsed(f"{error}; fitted {RESTARTS + 1} times, each from other weights") from None
    return [found[seed] for seed in seeds]
