"""A recording of an unknown system, as its stages and its report know it."""

from dataclasses import dataclass

__all__ = ["About"]


@dataclass(frozen=True)
class About:
    """The recording of a task, as ingested."""

    files: list[str]
    train: int
    """Number of training trials."""
    held_out: list[str]
    """Names of the held-out trials."""
    rows: int
    """Rows in use, of all trials."""
    rows_per_period: float
    period: float
    """Characteristic period in s."""
    noise: float
    """Root mean square over components of the noise in standard deviations of the training states."""
    estimated: bool
    """True if momenta were estimated from positions."""
    mass_known: bool
