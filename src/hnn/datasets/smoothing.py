"""Velocities and noise of sampled positions by local polynomials (Savitzky, Golay 1964), piece by piece between gaps."""

from collections.abc import Iterator
from itertools import pairwise

import numpy as np
from numpy import ndarray

from hnn.core.trajectories import Trial
from hnn.datasets.finite_differences import gaps

__all__ = ["estimate_momenta", "noise_of", "pieces", "smoothed", "window"]

ORDER = 3
"""Degree of the local polynomials."""

SPAN = 1 / 6
"""Length of a window in characteristic periods: of a sine, the derivative is then too small by 0.1 %."""

NOISE_SPAN = 1 / 16
"""The same for estimates of noise: of a sine, the residuals are 4e-6 of its amplitude."""

LEAST = 5
"""Least rows of a window, and of a piece that can be smoothed."""

EVEN = 0.01
"""Steps that differ by less of their median are even."""


def pieces(t: ndarray) -> Iterator[slice]:
    """The parts of the times t (time,) between gaps.

    >>> list(pieces(np.array([0.0, 1.0, 2.0, 5.0, 6.0])))
    [slice(0, 3, None), slice(3, 5, None)]
    """
    ends = [0, *(np.flatnonzero(gaps(t)) + 1).tolist(), len(t)]
    return (slice(start, end) for start, end in pairwise(ends))


def window(t: ndarray, length: float) -> int:
    """Rows of a window of a length in s, an odd number, of a piece with times t (time,)."""
    rows = round(length / float(np.median(np.diff(t))))
    largest = len(t) - 1 + len(t) % 2
    return min(max(LEAST, rows + 1 - rows % 2), largest)


def smoothed(t: ndarray, x: ndarray, period: float, derivative: int = 0, span: float = SPAN) -> ndarray:
    """x (time, columns), or a time derivative of it, by local polynomials; NaN in pieces of fewer than `LEAST` rows.

    A piece with uneven steps is interpolated by a cubic spline to even ones, and the result back.

    >>> t = np.linspace(0, 1, 101)
    >>> bool(np.abs(smoothed(t, t[:, None] ** 3, 1.0, 1)[:, 0] - 3 * t**2).max() < 1e-12)
    True
    """
    from scipy.interpolate import CubicSpline
    from scipy.signal import savgol_filter

    y = np.full(x.shape, np.nan)
    for rows in pieces(t):
        times, values = t[rows], x[rows]
        if len(times) < LEAST:
            continue
        steps = np.diff(times)
        grid = np.linspace(times[0], times[-1], len(times))
        even = bool(np.abs(steps / steps.mean() - 1).max() < EVEN)
        values = values if even else CubicSpline(times, values)(grid)
        width = window(times, span * period)
        values = savgol_filter(values, width, min(ORDER, width - 1), deriv=derivative, delta=grid[1] - grid[0], axis=0)
        y[rows] = values if even else CubicSpline(grid, values)(times)
    return y


def estimate_momenta(trial: Trial, period: float, mass: float = 1.0) -> Trial:
    """A trial without momenta with p = mass dq/dt, estimated from its positions; a trial that has momenta as it is.

    Rows in pieces of fewer than `LEAST` rows are left out.
    """
    if trial.p is not None:
        return trial
    p = mass * smoothed(trial.t, trial.q, period, derivative=1)
    known = np.isfinite(p).all(-1)
    return Trial(trial.name, trial.t[known], trial.q[known], p[known])


def noise_of(t: ndarray, x: ndarray, period: float) -> ndarray:
    """Standard deviation of the noise of each column of x (time, columns): of the residuals of `smoothed`, (columns,).

    They are divided by what white noise leaves of its standard deviation. NaN if no piece is longer than its window.
    """
    from scipy.signal import savgol_coeffs

    total, count = np.zeros(x.shape[1]), 0.0
    for rows in pieces(t):
        width = window(t[rows], NOISE_SPAN * period) if rows.stop - rows.start >= LEAST else 0
        if not width or rows.stop - rows.start <= width:
            continue
        left = 1 - savgol_coeffs(width, min(ORDER, width - 1))[width // 2]
        inner = slice(width // 2, -(width // 2))
        residuals = (x[rows] - smoothed(t[rows], x[rows], period, span=NOISE_SPAN))[inner]
        total += (residuals**2).sum(0) / left
        count += len(residuals)
    return np.sqrt(total / count) if count else np.full(x.shape[1], np.nan)
