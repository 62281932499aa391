"""Paired differences between each model and its baseline, with intervals and verdicts."""

from collections.abc import Mapping

import numpy as np

from hnn.core.cell import Cell
from hnn.core.seeding import stream
from hnn.core.statistics import Interval, paired_difference
from hnn.core.trajectories import CellRollouts, Rollout
from hnn.evaluation.metrics import energy_change
from hnn.reporting.definitions import FRICTION
from hnn.reporting.results import Comparison, Difference

__all__ = ["compare_with_baseline", "verdict_on"]

LARGER_IS_BETTER = {"valid_time"}
CONSERVATIVE_ONLY = {"symplectic_error"}
"""Quantities compared for conservative systems only: a flow with friction is not symplectic."""


def compare_with_baseline(rollouts: Mapping[Cell, CellRollouts], samples: int) -> list[Comparison]:
    """Compare each cell of a task with the baseline that was trained alike, by set of starts and quantity.

    Errors that have a sign are compared by their magnitude. Pixel cells of one seed share the pretrained autoencoder, so
    their seeds are resampled jointly.
    """
    return [
        Comparison(
            cell,
            cell.baseline,
            {
                starts: differences(f"{cell.task} {cell.name} {starts}", ours, theirs, samples, cell.from_pixels)
                for starts, ours in of_cell.sets.items()
                if ours.quantities and (theirs := rollouts[cell.baseline].sets.get(starts))
            },
        )
        for cell, of_cell in rollouts.items()
        if not cell.is_truth and cell != cell.baseline and cell.baseline in rollouts  # the truth is a floor, with one seed
    ]


def differences(label: str, a: Rollout, b: Rollout, samples: int, shared_seeds: bool) -> dict[str, Difference]:
    """The difference a - b of every quantity that both have; `label` names the random streams."""
    names = [name for name in a.quantities if name in b.quantities]
    if abs(energy_change(a.true_energy)) > FRICTION:
        names = [name for name in names if name not in CONSERVATIVE_ONLY]
    compared = {}
    for name in names:
        ours, theirs = (np.abs(rollout.quantities[name]) for rollout in (a, b))
        interval = paired_difference(ours, theirs, stream("comparison", label, name), samples, shared_seeds)
        compared[name] = Difference(interval, verdict_on(interval, larger_is_better=name in LARGER_IS_BETTER))
    return compared


def verdict_on(difference: Interval, *, larger_is_better: bool) -> str:
    """`better` or `worse` where the interval of a difference excludes zero, else `not distinguishable`."""
    if difference.low is None or difference.high is None or difference.low <= 0 <= difference.high:
        return "not distinguishable"
    return "better" if (difference.low > 0) == larger_is_better else "worse"
