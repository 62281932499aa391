"""Means over seeds and starts with bootstrap confidence intervals: `Interval`."""

from collections.abc import Callable, Mapping, Sequence
from math import log10
from typing import NamedTuple

import numpy as np
from numpy import ndarray

__all__ = ["Interval", "block_error", "interval", "over_seeds", "paired_difference", "quartiles"]


class Interval(NamedTuple):
    """A mean with its 95 % interval, and the quartiles where they are known; None where there is nothing to average."""

    mean: float | None = None
    low: float | None = None
    high: float | None = None
    median: float | None = None
    q1: float | None = None
    q3: float | None = None

    @classmethod
    def parse(cls, entry: Mapping[str, float | None]) -> "Interval":
        """The interval of a JSON entry."""
        return cls(**{name: entry.get(name) for name in cls._fields})

    def to_json(self) -> dict[str, float | None]:
        """The JSON entry: mean, low, high; `log10` of a positive mean, because tables round small numbers to zero; quartiles.

        >>> Interval(0.1, 0.0, 0.2).to_json()
        {'mean': 0.1, 'low': 0.0, 'high': 0.2, 'log10': -1.0}
        """
        entry: dict[str, float | None] = {"mean": self.mean, "low": self.low, "high": self.high}
        if self.mean is not None and self.mean > 0:
            entry["log10"] = log10(self.mean)
        if self.median is not None:
            entry |= {"median": self.median, "q1": self.q1, "q3": self.q3}
        return entry


def interval(values: ndarray, generator: np.random.Generator, draws: int) -> Interval:
    """Mean of values (seeds, starts) with its 95 % interval by a hierarchical bootstrap over seeds and starts.

    All seeds share the same starts, so one resample of the starts serves them all. Non-finite values (diverged rollouts,
    counted elsewhere) are left out; without finite values mean, low and high are None.

    >>> interval(np.array([[1.0, 1.0, 1.0]]), np.random.default_rng(0), draws=100)
    Interval(mean=1.0, low=1.0, high=1.0, median=None, q1=None, q3=None)
    """
    seeds, starts = values.shape
    i = generator.integers(seeds, size=(draws, seeds, 1))
    j = generator.integers(starts, size=(draws, 1, starts))
    finite = values[np.isfinite(values)]
    return interval_of(float(finite.mean()), finite_mean(values[i, j], (1, 2))) if finite.size else Interval()


def interval_of(mean: float, means: ndarray) -> Interval:
    """A mean with the 95 % interval of the finite ones of its bootstrap means (draws,)."""
    low, high = np.quantile(means[np.isfinite(means)], [0.025, 0.975])
    return Interval(mean, float(low), float(high))


def quartiles(values: ndarray) -> tuple[float, float, float] | None:
    """(median, lower quartile, upper quartile) of all finite values (seeds, starts) together; None without finite values.

    >>> quartiles(np.array([[0.0, 1.0, np.nan], [2.0, 3.0, 4.0]]))
    (2.0, 1.0, 3.0)
    """
    finite = values[np.isfinite(values)]
    if not finite.size:
        return None
    median, q1, q3 = np.quantile(finite, [0.5, 0.25, 0.75]).tolist()
    return median, q1, q3


def paired_difference(
    a: ndarray, b: ndarray, generator: np.random.Generator, draws: int, shared_seeds: bool = False
) -> Interval:
    """Mean over starts of a - b, both (seeds, starts) and first averaged over seeds, with its 95 % interval.

    A paired bootstrap: starts are resampled jointly, because both models roll out from the same ones; seeds are resampled
    independently, or jointly if `shared_seeds`, when both models begin a seed from the same pretrained weights. Starts at
    which either model has no finite value are left out; if none remains, mean, low and high are None.

    >>> paired_difference(np.array([[2.0, 4.0]]), np.array([[1.0, 3.0]]), np.random.default_rng(0), draws=100)
    Interval(mean=1.0, low=1.0, high=1.0, median=None, q1=None, q3=None)
    """
    starts = generator.integers(a.shape[1], size=(draws, a.shape[1]))
    seeds = generator.integers(len(a), size=(draws, len(a)))
    seeds_of_b = seeds if shared_seeds else generator.integers(len(b), size=(draws, len(b)))
    gaps = finite_mean(a[seeds], 1) - finite_mean(b[seeds_of_b], 1)
    with np.errstate(invalid="ignore"):
        mean = finite_mean(finite_mean(a, 0) - finite_mean(b, 0), -1)
        means = finite_mean(np.take_along_axis(gaps, starts, -1), -1)
    return interval_of(float(mean), means) if np.isfinite(mean) else Interval()


def finite_mean(values: ndarray, axis: int | tuple[int, ...]) -> ndarray:
    """Mean of the finite values along the axes; NaN where there are none."""
    finite = np.isfinite(values)
    count = finite.sum(axis)
    return np.where(count > 0, np.where(finite, values, 0).sum(axis) / np.maximum(count, 1), np.nan)


def over_seeds(
    values: Sequence[Mapping[str, float]], generator: Callable[[str], np.random.Generator], draws: int
) -> dict[str, Interval]:
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
