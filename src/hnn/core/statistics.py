"""Means over seeds crossed with starts, their intervals, and comparisons of models and of runs.

A value of seed i from start j is modelled as mean + seed effect + start effect + rest, all random: every seed is measured from
the same starts. The variance of the mean is estimated from the mean squares of the two-way layout (Searle, Casella, McCulloch
1992, chapter 4), each component at least zero, and the interval is Student's t at Satterthwaite's degrees of freedom (1946).
Errors span decades, so their logarithms are averaged: means are geometric, differences are ratios. `make coverage` measures
how often these intervals contain the true value (docs/coverage.md).
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy import ndarray
from scipy.special import stdtr, stdtrit

__all__ = [
    "FEW_SEEDS",
    "LEVEL",
    "NO_VALUES",
    "SIGNED",
    "Estimate",
    "Interval",
    "arithmetic",
    "block_error",
    "contrast",
    "estimate",
    "holm",
    "interval",
    "is_geometric",
    "is_positive",
    "over_seeds",
    "quartiles",
    "welch",
]

LEVEL = 0.05
"""Probability that an interval misses the true value, and that any verdict of one family is false."""

FEW_SEEDS, NO_VALUES = "needs at least 2 seeds", "no finite value"
"""Reasons why there is no interval."""

SIGNED = {"energy_drift", "phase_error", "friction_error", "friction", "energy_loss"}
BOUNDED = {
    *("diverged", "not_followed", "impossible_energy", "restarts", "symetric", "latent_spread"),
    *("probe_r2", "linear_r2", "latent_rate_r2", "decoded_r2"),
}
"""Quantities that are averaged as they are; all others are positive, and span decades."""


def is_geometric(quantity: str) -> bool:
    """True for the name of a positive quantity, such as an error or a time, which is averaged on a logarithmic scale."""
    return quantity not in SIGNED | BOUNDED


def is_positive(quantity: str) -> bool:
    """True for the name of a quantity that cannot be negative, nor can the interval of its mean."""
    return quantity not in SIGNED and not quantity.endswith("_r2")


class Interval(NamedTuple):
    """A mean with its 95 % interval; None where there is nothing to average, or where `reason` says why."""

    mean: float | None = None
    low: float | None = None
    high: float | None = None
    geometric: bool = False
    """True if `mean` is the geometric mean and the interval is that of the logarithm."""
    seeds: tuple[float, ...] = ()
    """The mean of each seed over its starts."""
    reason: str | None = None
    """Why there is no interval."""
    median: float | None = None
    q1: float | None = None
    q3: float | None = None

    @classmethod
    def parse(cls, entry: Mapping[str, Any]) -> "Interval":
        """The interval of a JSON entry."""
        known = {name: entry[name] for name in cls._fields if name in entry}
        return cls(**known | {"seeds": tuple(entry.get("seeds", ()))})

    def bounds(self) -> dict[str, float | None]:
        """Mean, low and high by name."""
        return {"mean": self.mean, "low": self.low, "high": self.high}

    def to_json(self) -> dict[str, Any]:
        """The JSON entry: mean, low, high; the others where they say something.

        >>> Interval(0.1, 0.05, 0.2, geometric=True, seeds=(0.1, 0.1)).to_json()
        {'mean': 0.1, 'low': 0.05, 'high': 0.2, 'geometric': True, 'seeds': [0.1, 0.1]}
        """
        entry = self._asdict() | {"geometric": self.geometric or None, "seeds": list(self.seeds) or None}
        return self.bounds() | {name: value for name, value in entry.items() if value is not None}


class Estimate(NamedTuple):
    """A mean over seeds and starts with its standard error and the degrees of freedom of the latter."""

    mean: float
    error: float
    df: float

    def interval(self, level: float = LEVEL) -> tuple[float, float]:
        """The bounds between which the true mean lies with probability 1 - level."""
        reach = float(stdtrit(self.df, 1 - level / 2)) * self.error
        return self.mean - reach, self.mean + reach

    @property
    def p(self) -> float:
        """Probability of a mean at least this far from zero if the true one is zero, by a two-sided t-test."""
        if self.error == 0:
            return float(self.mean == 0)
        return float(2 * stdtr(self.df, -abs(self.mean) / self.error))


def estimate(values: ndarray) -> Estimate | None:
    """The mean of values (seeds, starts) with its standard error; None for fewer than two seeds with finite values.

    Values that are not finite are missing: a seed or a start without any other is left out, single ones are filled in
    (`filled`). With one start the seeds alone vary.

    >>> estimate(np.array([[1.0, 2.0], [3.0, 4.0], [5.0, 9.0]]))  # doctest: +ELLIPSIS
    Estimate(mean=4.0, error=1.82..., df=2.54...)
    """
    complete, missing = filled(values)
    seeds, starts = complete.shape
    if seeds < 2:
        return None
    mean, of_seeds, of_starts = complete.mean(), complete.mean(1), complete.mean(0)
    if starts == 1:
        return Estimate(float(mean), float(of_seeds.std(ddof=1) / seeds**0.5), seeds - 1)
    rest = complete - of_seeds[:, None] - of_starts + mean
    freedoms = np.array([seeds - 1, starts - 1, max(1, (seeds - 1) * (starts - 1) - missing)])
    sums = np.array(
        [starts * np.square(of_seeds - mean).sum(), seeds * np.square(of_starts - mean).sum(), np.square(rest).sum()]
    )
    by_seed, by_start, residual = squares = sums / freedoms
    variance = max(by_seed - residual, 0.0) + max(by_start - residual, 0.0) + residual
    df = variance**2 / (np.square(squares) / freedoms).sum() if variance > 0 else seeds - 1
    return Estimate(float(mean), float((variance / complete.size) ** 0.5), float(max(df, 1.0)))


def filled(values: ndarray) -> tuple[ndarray, int]:
    """(the values with missing ones filled in, the number of those); seeds and starts without any value are left out.

    A missing value is the one that agrees with its seed's and its start's effects (Yates 1933), found by iteration.
    """
    finite = np.isfinite(values)
    values = values[finite.any(1)][:, finite.any(0)]
    missing = ~np.isfinite(values)
    if not missing.any():
        return values, 0
    complete = np.where(missing, values[~missing].mean(), values)
    for _ in range(1000):
        additive = complete.mean(1, keepdims=True) + complete.mean(0) - complete.mean()
        change = np.abs(additive - complete)[missing].max()
        complete = np.where(missing, additive, complete)
        if change <= 1e-9 * np.abs(complete).max():
            break
    return complete, int(missing.sum())


def interval(values: ndarray, *, geometric: bool = False, positive: bool = False) -> Interval:
    """Mean of values (seeds, starts) with its 95 % interval, see `estimate`; by their logarithms if `geometric`.

    The interval of the mean of `positive` values ends at zero.

    >>> interval(np.array([[1.0, 1.0, 4.0]])).reason
    'needs at least 2 seeds'
    """
    geometric = geometric and bool((values > 0).any())
    scaled = logarithms(values)[0] if geometric else values
    complete, _ = filled(scaled)
    if not complete.size:
        return Interval(reason=NO_VALUES)
    inverse = np.exp if geometric else np.asarray
    mean, seeds = float(inverse(complete.mean())), tuple(inverse(complete.mean(1)).tolist())
    if (estimated := estimate(scaled)) is None:
        return Interval(mean, geometric=geometric, seeds=seeds, reason=FEW_SEEDS)
    low, high = inverse(np.array(estimated.interval())).tolist()
    return Interval(mean, max(low, 0.0) if positive else low, high, geometric, seeds)


def logarithms(*arrays: ndarray) -> list[ndarray]:
    """Logarithms of arrays that are not negative; an exact zero counts as the smallest positive value in any of them."""
    least = min((values[values > 0].min() for values in arrays if (values > 0).any()), default=1.0)
    return [np.log(np.maximum(values, least)) for values in arrays]


def contrast(a: ndarray, b: ndarray, *, geometric: bool = False) -> Estimate | None:
    """The mean of a - b, both (seeds, starts), with its standard error; of log a - log b if `geometric`.

    Seeds and starts are paired: seed i of both has the same training data, and from pixels the same pretrained autoencoder.
    None for fewer than two seeds at which both have finite values.
    """
    if geometric:
        a, b = logarithms(a, b)
    return estimate(a - b)


def holm(p: Sequence[float], level: float = LEVEL) -> list[float]:
    """The level at which each of several tests is made, so that any is falsely significant with probability `level` at most.

    The smallest of m p-values is compared with level/m, the next with level/(m - 1) and so on up to the first that is not
    below; it and all larger ones are not significant (Holm 1979). A test is significant if its p is at most its level.

    >>> [round(one, 4) for one in holm([0.04, 0.001, 0.03])]
    [0.025, 0.0167, 0.025]
    """
    levels, tested = [0.0] * len(p), 0.0
    stopped = False
    for k, i in enumerate(sorted(range(len(p)), key=p.__getitem__)):
        tested = tested if stopped else level / (len(p) - k)
        stopped = stopped or p[i] > tested
        levels[i] = tested
    return levels


def welch(a: Sequence[float], b: Sequence[float], *, geometric: bool = False) -> float:
    """p-value of the difference between the means of two independent samples of seeds (Welch 1947); NaN for a single seed.

    `scipy.stats.ttest_ind` gives the same, but takes longer to import than a stage takes to read its data, and NaN where no
    value varies.

    >>> welch([1.0, 2.0, 3.0], [2.0, 3.0, 4.0]) > 0.2, welch([1.0, 1.0], [1.0, 1.0]), welch([1.0, 1.0], [2.0, 2.0])
    (True, 1.0, 0.0)
    """
    x, y = (np.array(sample) for sample in (a, b))
    if geometric and (x > 0).all() and (y > 0).all():
        x, y = np.log(x), np.log(y)
    if min(len(x), len(y)) < 2:
        return float("nan")
    parts = np.array([x.var(ddof=1) / len(x), y.var(ddof=1) / len(y)])
    if parts.sum() == 0:
        return Estimate(float(x.mean() - y.mean()), 0.0, 1.0).p
    df = parts.sum() ** 2 / (np.square(parts) / [len(x) - 1, len(y) - 1]).sum()
    return Estimate(float(x.mean() - y.mean()), float(parts.sum() ** 0.5), float(df)).p


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


def arithmetic(result: Interval) -> Interval:
    """The arithmetic mean of the seeds of a positive result, with its interval."""
    return interval(np.array(result.seeds)[:, None], positive=True)


def over_seeds(values: Sequence[Mapping[str, float]]) -> dict[str, Interval]:
    """`interval` over seeds of each named value; `values` holds one mapping per seed."""
    of_seeds = {name: np.array([[seed[name]] for seed in values]) for name in values[0]}
    return {name: interval(one, geometric=is_geometric(name), positive=is_positive(name)) for name, one in of_seeds.items()}


def block_error(values: ndarray, blocks: int = 5) -> float:
    """The "±" of the published table: standard deviation of the means of consecutive blocks of values (n,), over √blocks.

    If there are fewer values than blocks, each value is a block.

    >>> block_error(np.array([1.0, 1.0, 3.0, 3.0]), blocks=2) == 1 / 2**0.5
    True
    """
    means = [block.mean() for block in np.array_split(values, min(blocks, len(values)))]
    return float(np.std(means) / len(means) ** 0.5)
