"""Means over seeds and starts with bootstrap confidence intervals."""

from collections.abc import Callable, Mapping, Sequence
from math import log10

import numpy as np
from numpy import ndarray

__all__ = ["block_error", "difference", "interval", "over_seeds", "quartiles"]


def interval(values: ndarray, generator: np.random.Generator, draws: int) -> dict[str, float | None]:
    """Mean of values (seeds, starts) with its 95 % interval by a hierarchical bootstrap over seeds and starts.

    All seeds share the same starts, so one resample of the starts serves them all. Non-finite values (diverged rollouts,
    counted elsewhere) are left out; without finite values all entries are None. `log10` of a positive mean is included
    because tables round small numbers to zero.

    >>> interval(np.array([[1.0, 1.0, 1.0]]), np.random.default_rng(0), draws=100)
    {'mean': 1.0, 'low': 1.0, 'high': 1.0, 'log10': 0.0}
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
    """Median and quartiles {median, q1, q3} of all finite values (seeds, starts) together; None without finite values.

    >>> quartiles(np.array([[0.0, 1.0, np.nan], [2.0, 3.0, 4.0]]))
    {'median': 2.0, 'q1': 1.0, 'q3': 3.0}
    """
    finite = values[np.isfinite(values)]
    edges = np.quantile(finite, [0.5, 0.25, 0.75]).tolist() if finite.size else [None] * 3
    return dict(zip(("median", "q1", "q3"), edges, strict=True))


def difference(
    a: ndarray, b: ndarray, generator: np.random.Generator, draws: int, shared_seeds: bool = False
) -> dict[str, float | None]:
    """Mean over starts of a - b, both (seeds, starts) and first averaged over seeds, with its 95 % interval.

    A paired bootstrap: starts are resampled jointly, because both models roll out from the same ones; seeds are resampled
    independently, or jointly if `shared_seeds`, when both models begin a seed from the same pretrained weights. Starts at
    which either model has no finite value are left out; if none remains, all entries are None.

    >>> difference(np.array([[2.0, 4.0]]), np.array([[1.0, 3.0]]), np.random.default_rng(0), draws=100)
    {'mean': 1.0, 'low': 1.0, 'high': 1.0}
    """
    starts = generator.integers(a.shape[1], size=(draws, a.shape[1]))
    seeds = generator.integers(len(a), size=(draws, len(a)))
    seeds_of_b = seeds if shared_seeds else generator.integers(len(b), size=(draws, len(b)))
    gaps = finite_mean(a[seeds], 1) - finite_mean(b[seeds_of_b], 1)
    with np.errstate(invalid="ignore"):
        mean = finite_mean(finite_mean(a, 0) - finite_mean(b, 0), -1)
        means = finite_mean(np.take_along_axis(gaps, starts, -1), -1)
    if not np.isfinite(mean):
        return {"mean": None, "low": None, "high": None}
    low, high = np.quantile(means[np.isfinite(means)], [0.025, 0.975])
    return {"mean": float(mean), "low": float(low), "high": float(high)}


def finite_mean(values: ndarray, axis: int) -> ndarray:
    """Mean of the finite values along an axis; NaN where there are none."""
    finite = np.isfinite(values)
    count = finite.sum(axis)
    return np.where(count > 0, np.where(finite, values, 0).sum(axis) / np.maximum(count, 1), np.nan)


def over_seeds(
    values: Sequence[Mapping[str, float]], generator: Callable[[str], np.random.Generator], draws: int = 2000
) -> dict[str, dict[str, float | None]]:
    """`interval` over seeds of each named value; `values` holds one mapping per seed, `generator` gives a stream by name."""
    return {name: interval(np.array([[seed[name]] for seed in values]), generator(name), draws) for name in values[0]}


def block_error(values: ndarray, blocks: int = 5) -> float:
    """The "±" of the published table: standard deviation of the means of consecutive blocks of values (n,), over √blocks.

    If there are fewer values than blocks, each value is a block.

    >>> block_error(np.array([1.0, 1.0, 3.0, 3.0]), blocks=2) == 1 / 2**0.5
    True
    """
    means = [block.mean() for block in np.array_split(values, min(blocks, len(values)))]
    return float(np.std(means) / len(means) ** 0.5)
