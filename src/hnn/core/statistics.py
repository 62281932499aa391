"""From values by seed and start to a mean and how sure it is."""

from collections.abc import Callable, Mapping, Sequence
from math import log10

import numpy as np
from numpy import ndarray

__all__ = ["block_error", "difference", "interval", "over_seeds", "quartiles"]


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


def quartiles(values: ndarray) -> dict[str, float | None]:
    """{median, q1, q3} of all finite values (seeds, starts) together; None where there is none."""
    finite = values[np.isfinite(values)]
    edges = np.quantile(finite, [0.5, 0.25, 0.75]).tolist() if finite.size else [None] * 3
    return dict(zip(("median", "q1", "q3"), edges, strict=True))


def difference(
    a: ndarray, b: ndarray, generator: np.random.Generator, draws: int, shared_seeds: bool = False
) -> dict[str, float | None]:
    """Mean over starts of a - b, each the mean of a start's values over seeds (seeds, starts), with its 95 % interval.

    Starts are those of both, so they are redrawn alike: what makes a start hard for both is no difference. Seeds are redrawn
    for each model by itself, since its fits are independent of the other's; and alike if `shared_seeds`, where both begin a
    seed from the same pretrained weights. A start counts where both have a finite value, and None stands where no start does.
    """
    starts = generator.integers(a.shape[1], size=(draws, a.shape[1]))
    seeds = generator.integers(len(a), size=(draws, len(a)))
    others = seeds if shared_seeds else generator.integers(len(b), size=(draws, len(b)))
    gaps = average(a[seeds], 1) - average(b[others], 1)
    with np.errstate(invalid="ignore"):
        mean = average(average(a, 0) - average(b, 0), -1)
        means = average(np.take_along_axis(gaps, starts, -1), -1)
    if not np.isfinite(mean):
        return {"mean": None, "low": None, "high": None}
    low, high = np.quantile(means[np.isfinite(means)], [0.025, 0.975])
    return {"mean": float(mean), "low": float(low), "high": float(high)}


def average(values: ndarray, axis: int) -> ndarray:
    """The mean of what is finite along an axis; NaN where nothing is."""
    finite = np.isfinite(values)
    count = finite.sum(axis)
    return np.where(count > 0, np.where(finite, values, 0).sum(axis) / np.maximum(count, 1), np.nan)


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
