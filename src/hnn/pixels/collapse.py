"""Latent states of frames, the test for their collapse, and new starts of fits that have collapsed."""

from collections.abc import Callable, Sequence
from typing import TypeVar

import torch
from torch import Tensor

from hnn.core.errors import Refused
from hnn.core.phase_space import split
from hnn.networks.autoencoder import Autoencoder, pairs

__all__ = ["CLIPS", "RESTARTS", "Collapsed", "check_latents", "latents", "restart_collapsed"]

T = TypeVar("T")

CLIPS = 10
"""Number of clips that are encoded at a time, to bound memory."""

ALIVE = 0.02
"""Smallest allowed ratio of the standard deviations of the least and the most active latent unit."""

CANONICAL = 0.5
"""Smallest allowed share of the variance of Δq/step that p explains."""


RESTARTS = 3
"""Largest number of new starts of a fit."""


class Collapsed(Refused, ArithmeticError):
    """The latent states carry no information on the motion, so nothing can be learned from them."""


@torch.no_grad()
def latents(autoencoder: Autoencoder, frames: Tensor) -> Tensor:
    """The latent states (clips, time - 1, latent) of frames (clips, time, channels, size, size)."""
    return torch.cat([autoencoder.encode(pairs(clips)) for clips in frames.split(CLIPS)])


def check_latents(z: Tensor, step: float, label: str) -> dict[str, float]:
    """Activity of latent states (clips, time, 2n) that are `step` apart; raises `Collapsed` if they have collapsed.

    `latent_spread`: the smallest standard deviation of a latent unit over the largest. `latent_rate_r2`: the share of the
    variance of Δq/step that p explains. Both losses can be small although the decoder ignores a unit, or p = 0 and q is
    constant.
    """
    q, p = split(z)
    rate = q.diff(dim=-2) / step
    unexplained = (rate - p[..., :-1, :]).square().sum() / (rate - rate.mean((0, 1))).square().sum()
    std = z.flatten(0, -2).std(0)
    activity = {"latent_spread": float(std.min() / std.max()), "latent_rate_r2": float(1 - unexplained)}
    ratio, rate_r2 = activity["latent_spread"], activity["latent_rate_r2"]
    if not (ratio >= ALIVE and rate_r2 >= CANONICAL):
        raise Collapsed(
            f"{label}: the latent states have collapsed: the least active unit varies {ratio:.2g} times as much as the most "
            f"active one (allowed: at least {ALIVE}), and p explains {rate_r2:.2g} of the change of q (allowed: at least "
            f"{CANONICAL}); raise pretrain.steps, or give pretrain.canonical another weight"
        )
    return activity


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
