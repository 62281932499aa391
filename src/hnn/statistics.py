"""From values by seed and start to a mean and how sure it is."""

from collections.abc import Callable, Mapping, Sequence
from math import log10

import numpy as np
from numpy import ndarray

__all__ = ["block_error", "interval", "over_seeds"]


def interval(values: ndarray, generator: np.random.Generator, draws: int) -> dict[str, float | None]:
    """Mean of values (seeds, starts) with its 95 % interval by a hierarchical bootstrap: seeds are redrawn, then starts.

    Starts are shared by the seeds and redrawn alike for all of them. NaN values (diverged rollouts, counted elsewhere) are
    left out; None where nothing is left. `log10` of the mean stands beside it, because tables round small numbers to zero.
    """
    seeds, starts = values.shape
    i = generator.integers(seeds, size=(draws, seeds, 1))
    j = generator.integers(starts, size=(draws, 1, starts))
    finite = np.isfinite(values)
    if not finite.any():
        return {"mean": None, "low": None, "high": None}
    count = finite[i, j].sum((1, 2))
    means = np.where(finite, values, 0)[i, j].sum((1, 2))[count > 0] / count[count > 0]
    mean = float(values[finite].mean())
    low, high = (float(edge) for edge in np.quantile(means, [0.025, 0.975]))
    summary: dict[str, float | None] = {"mean": mean, "low": low, "high": high}
    return summary | ({"log10": log10(mean)} if mean > 0 else {})


def over_seeds(
    found: Sequence[Mapping[str, float]], generator: Callable[[str], np.random.Generator], draws: int = 2000
) -> dict[str, dict[str, float | None]]:
    """The interval of each value that every seed has found, given its random stream by name."""
    return {name: interval(np.array([[seed[name]] for seed in found]), generator(name), draws) for name in found[0]}


def block_error(values: ndarray, blocks: int = 5) -> float:
    """The "±" of the published table: standard deviation of the means of consecutive blocks of values (n,), over √blocks.

    Of fewer values than blocks each is a block.
    """
    means = [block.mean() for block in np.array_split(values, min(blocks, len(values)))]
    return float(np.std(means) / len(means) ** 0.5)
