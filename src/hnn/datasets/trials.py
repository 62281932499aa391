"""Trials: the runs of a recording of an unknown system."""

from dataclasses import dataclass

from numpy import ndarray

__all__ = ["Trial"]


@dataclass(frozen=True)
class Trial:
    """One run, in float64, with times as measured: not necessarily equidistant, but increasing."""

    name: str
    t: ndarray
    """Times in seconds, (time,)."""
    q: ndarray
    """Positions, (time, n)."""
    p: ndarray | None
    """Momenta, which are velocities where the mass is not known, (time, n); None if they were not recorded."""
