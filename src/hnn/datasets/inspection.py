"""Properties of a recording, estimated from its trials: sampling, noise, characteristic period, energy loss."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy import ndarray

from hnn.core.trajectories import Trial
from hnn.datasets.columns import Columns, Rate, rate
from hnn.datasets.finite_differences import gaps
from hnn.datasets.smoothing import EVEN, estimate_momenta, noise_of, pieces, smoothed
from hnn.datasets.trials import LEAST_ROWS

__all__ = ["ColumnSummary", "Inspection", "Loss", "Sampling", "energy_loss", "inspect_trials", "period_of"]

MOST_ROWS = 2**16
"""Rows of a trial from which period, noise and energy loss are estimated."""

ROWS_PER_PERIOD = 25
"""Rows per characteristic period that are kept."""

CORRELATION = 0.25
"""Least autocorrelation after one period."""


@dataclass(frozen=True)
class Sampling:
    """The time steps of all trials."""

    step: float
    """Median in s."""
    jitter: float
    """Standard deviation of the steps that are no gaps, in units of the median."""
    even: bool
    gaps: int
    longest_gap: float
    """In s; 0 without gaps."""


@dataclass(frozen=True)
class ColumnSummary:
    """One column over all trials, in its unit after conversion."""

    name: str
    low: float
    high: float
    noise: float
    """Standard deviation of the white part; NaN if the trials are too short to tell."""


@dataclass(frozen=True)
class Loss:
    """Energy loss per characteristic period, as a fraction."""

    fraction: float
    error: float
    """Standard error."""

    @property
    def seen(self) -> bool:
        """True if it is more than twice its standard error."""
        return self.fraction > 2 * self.error


@dataclass(frozen=True)
class Inspection:
    """What is found in a recording before anything is learned from it."""

    sampling: Sampling
    positions: list[ColumnSummary]
    rates: list[ColumnSummary]
    """Of velocities or momenta as recorded; [] if there are none."""
    agreement: list[Rate]
    """Velocities or momenta compared with the derivatives of the positions; [] if there are none."""
    period: float
    """Characteristic period in s."""
    loss: Loss | None
    """None if no trial lasts three periods."""
    every: int
    """Each so many rows make `ROWS_PER_PERIOD` rows per period."""

    @property
    def rows_per_period(self) -> float:
        """Rows per characteristic period that are kept."""
        return self.period / (self.every * self.sampling.step)


def inspect_trials(trials: Sequence[Trial], columns: Columns, mass: float = 1.0) -> Inspection:
    """Sampling, ranges, noise, characteristic period and energy loss of the trials."""
    sampling = sampling_of(trials)
    beginnings = [trial.part(slice(0, MOST_ROWS)) for trial in trials]
    period = characteristic_period(beginnings) or characteristic_period([thinned(trial) for trial in trials])
    period = period or max(float(np.ptp(trial.t)) for trial in trials)
    every = max(1, min(int(period / (ROWS_PER_PERIOD * sampling.step)), min(len(one.t) for one in trials) // LEAST_ROWS))
    unit = mass if columns.velocities else 1.0
    names = columns.velocities or columns.momenta
    agreement = []
    for i in range(len(names)):
        both = [rate(one.t[piece], one.q[piece, i], one.momenta[piece, i] / unit) for one, piece in map(longest, beginnings)]
        agreement.append(Rate(float(np.median([r.correlation for r in both])), float(np.median([r.slope for r in both]))))
    return Inspection(
        sampling,
        summaries(columns.positions, [one.q for one in trials], [(one.t, one.q) for one in beginnings], period),
        summaries(names, [one.momenta / unit for one in trials], [(one.t, one.momenta / unit) for one in beginnings], period)
        if names
        else [],
        agreement,
        period,
        energy_loss([estimate_momenta(one, period) for one in beginnings], period),
        every,
    )


def thinned(trial: Trial) -> Trial:
    """The trial with each k-th row, so that at most `MOST_ROWS` remain."""
    return trial.part(slice(None, None, -(-len(trial.t) // MOST_ROWS)))


def longest(trial: Trial) -> tuple[Trial, slice]:
    """The trial and its longest piece without a gap."""
    return trial, max(pieces(trial.t), key=lambda rows: rows.stop - rows.start)


def sampling_of(trials: Sequence[Trial]) -> Sampling:
    """The time steps of all trials."""
    steps = np.concatenate([np.diff(trial.t) for trial in trials])
    apart = np.concatenate([gaps(trial.t) for trial in trials])
    step, within = float(np.median(steps)), steps[~apart]
    even = bool(np.abs(within / step - 1).max() < EVEN)
    return Sampling(step, float(within.std() / step), even, int(apart.sum()), float(steps[apart].max(initial=0.0)))


def summaries(
    names: Sequence[str], values: Sequence[ndarray], sampled: Sequence[tuple[ndarray, ndarray]], period: float
) -> list[ColumnSummary]:
    """Range of each column over all values (time, columns), and noise as the root mean square over the sampled trials."""
    squares = np.array([noise_of(t, x, period) ** 2 for t, x in sampled])
    known = np.isfinite(squares).all(-1)
    noise = np.sqrt(squares[known].mean(0)) if known.any() else np.full(len(names), np.nan)
    low, high = np.min([x.min(0) for x in values], 0), np.max([x.max(0) for x in values], 0)
    return [ColumnSummary(name, float(low[i]), float(high[i]), float(noise[i])) for i, name in enumerate(names)]


def characteristic_period(trials: Sequence[Trial]) -> float | None:
    """The period of the fastest coordinate in s, its median over the trials; None if no trial shows one."""
    periods: list[float] = []
    for i in range(trials[0].q.shape[1]):
        found = []
        for trial, rows in map(longest, trials):
            x = trial.q[rows, i] if trial.p is None else trial.p[rows, i]
            found.append(period_of(trial.t[rows], x))
        if known := [one for one in found if one]:
            periods.append(float(np.median(known)))
    return min(periods, default=None)


def period_of(t: ndarray, x: ndarray) -> float | None:
    """Period in s of x (time,) by the first maximum of its autocorrelation, linear trend removed; None if there is none.

    Without a maximum above `CORRELATION`, as of a motion that is not periodic, four times the first zero of the
    autocorrelation.

    >>> t = np.linspace(0, 10, 1001)
    >>> round(period_of(t, np.cos(2 * np.pi * t / 1.5)), 2)
    1.5
    """
    from scipy.signal import detrend, find_peaks

    if len(t) < LEAST_ROWS or np.ptp(x) == 0:
        return None
    n, step = len(t), float(np.ptp(t)) / (len(t) - 1)
    x = detrend(np.interp(np.linspace(t[0], t[-1], n), t, x))
    spectrum = np.fft.rfft(x, 2 * n)
    lags = max(3, 3 * n // 4)  # farther ones are averages over less than a quarter of the rows
    correlation = np.fft.irfft(np.abs(spectrum) ** 2)[:lags] / np.arange(n, n - lags, -1)
    if correlation[0] <= 0:
        return None
    correlation /= correlation[0]
    if not (correlation < 0).any():
        return None
    zero = int(np.argmax(correlation < 0))
    peaks = find_peaks(correlation[zero:], height=CORRELATION, distance=max(1, zero))[0] + zero
    if not len(peaks):
        return 4 * zero * step
    k = int(peaks[0])
    before, at, after = correlation[k - 1 : k + 2]
    shift = (before - after) / (2 * (before - 2 * at + after)) if before - 2 * at + after else 0.0
    return float((k + shift) * step)


def energy_loss(trials: Sequence[Trial], period: float) -> Loss | None:
    """Energy loss per period from the decay of the speed; None if no trial without a gap lasts three periods.

    With one degree of freedom the largest kinetic energy in each period is the total one, above the lowest potential energy.
    With more, the mean kinetic energy stands for it, which is coarse. Its logarithm is fitted by a line.
    """
    losses, errors = [], []
    for trial, rows in map(longest, trials):
        t, p = trial.t[rows], trial.momenta[rows]
        count = int((t[-1] - t[0]) / period)
        if count < 3:
            continue
        speeds = (smoothed(t, p, period) ** 2).sum(-1)
        parts = [speeds[(t >= t[0] + k * period) & (t < t[0] + (k + 1) * period)] for k in range(count)]
        parts = [part for part in parts if len(part)]
        energies = np.array([part.max() if p.shape[1] == 1 else part.mean() for part in parts])
        if len(energies) < 3 or not (energies > 0).all():
            continue
        k = np.arange(len(energies)) - (len(energies) - 1) / 2
        logarithms = np.log(energies)
        slope = float(k @ logarithms / (k @ k))
        residuals = logarithms - logarithms.mean() - slope * k
        losses.append(-np.expm1(slope))
        errors.append(float(np.sqrt(residuals @ residuals / (len(k) - 2) / (k @ k))))
    if not losses:
        return None
    spread = np.std(losses, ddof=1) / np.sqrt(len(losses)) if len(losses) > 1 else errors[0]
    return Loss(float(np.mean(losses)), float(spread))
