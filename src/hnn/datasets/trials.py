"""Trials: the runs of a recording of an unknown system."""

from hnn.core.trajectories import Trial

__all__ = ["Trial"]
