"""Comparisons of each model with the baseline and HNN, seed by seed and start by start, with intervals and verdicts."""

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy import ndarray

from hnn.core.cell import Cell
from hnn.core.statistics import FEW_SEEDS, LEVEL, NO_VALUES, SIGNED, Estimate, Interval, contrast, holm, interval, is_geometric
from hnn.core.trajectories import CellRollouts, Rollout
from hnn.evaluation.metrics import energy_change
from hnn.pixels.probe import READABLE
from hnn.reporting.definitions import AT_FLOOR, FRICTION, LARGER_IS_BETTER, UNREADABLE
from hnn.reporting.results import FLOOR_OF, Comparison, Difference

__all__ = ["ABOVE_FLOOR", "Compared", "compare", "compares_ratios", "difference", "judge"]

NO_ERRORS = {"block_error", "learned_energy_change"}
"""Quantities that are not compared: they are no errors of a model."""
ABOVE_FLOOR = 3.0
"""Least ratio of the larger of two errors to the floor of their reading for a verdict on them."""
CONSERVATIVE_ONLY = {"symplectic_error"}
"""Quantities compared for conservative systems only: a flow with friction is not symplectic."""


class Compared(NamedTuple):
    """A quantity of a cell beside that of another."""

    cell: Cell
    reference: Cell
    starts: str
    quantity: str
    a: ndarray
    b: ndarray
    floors: tuple[ndarray, ...] = ()
    """The same errors of states that are read from true frames, for both cells; empty where there are none."""

    @property
    def at_floor(self) -> bool:
        """True if both errors are of the size of their floors."""
        floor, error = (
            max(filter(None, map(geometric_mean, group)), default=0.0) for group in (self.floors, (self.a, self.b))
        )
        return error < ABOVE_FLOOR * floor


def compare(rollouts: Mapping[Cell, CellRollouts], r2: Mapping[Cell, float | None] | None = None) -> list[Comparison]:
    """Compare each cell with its references, as far as they were trained, by set of starts and quantity.

    Errors that have a sign are compared by their magnitude. The comparisons of one quantity from one set of starts, a column
    of the report with all tasks, are a family: its verdicts are corrected for their number (`hnn.core.statistics.holm`).
    From pixels there is no verdict on errors of the size of their floor, and none on states that cannot be read: `r2` is the
    R² of the reading of each pixel cell.
    """
    families: dict[tuple[str, str], list[Compared]] = {}
    for one in compared(rollouts):
        families.setdefault((one.starts, one.quantity), []).append(one)
    found: dict[tuple[Cell, Cell], dict[str, dict[str, Difference]]] = {}
    for family in families.values():
        for one, judged in zip(family, judge(family, r2), strict=True):
            found.setdefault((one.cell, one.reference), {}).setdefault(one.starts, {})[one.quantity] = judged
    return [Comparison(cell, reference, sets) for (cell, reference), sets in found.items()]


def judge(family: Sequence[Compared], r2: Mapping[Cell, float | None] | None = None) -> list[Difference]:
    """The comparisons of a family, corrected for their number; without verdict as in `compare`."""
    estimates = [contrast(one.a, one.b, geometric=compares_ratios(one.quantity)) for one in family]
    levels = iter(holm([estimated.p for estimated in estimates if estimated]))
    found = []
    for one, estimated in zip(family, estimates, strict=True):
        judged = difference(one.quantity, estimated, next(levels) if estimated else LEVEL, len(one.a))
        if not all(readable((r2 or {}).get(cell, 1.0)) for cell in (one.cell, one.reference)):
            judged = judged._replace(verdict=UNREADABLE)
        elif one.at_floor:
            judged = judged._replace(verdict=AT_FLOOR)
        found.append(judged)
    return found


def compared(rollouts: Mapping[Cell, CellRollouts]) -> Iterator[Compared]:
    """The quantities of each cell that a reference has too; the truth is a floor, and is compared with nothing."""
    pairs = [(cell, other) for cell in rollouts if not cell.is_truth for other in cell.references if other in rollouts]
    for cell, other in pairs:
        for starts, ours in rollouts[cell].sets.items():
            if theirs := rollouts[other].sets.get(starts):
                for name in names(ours, theirs):
                    a, b = (np.abs(one.quantities[name]) for one in (ours, theirs))
                    yield Compared(cell, other, starts, name, a, b, floors(rollouts, (cell, other), starts, name))


def readable(r2: float | None) -> bool:
    """True if states are read with this R²; None where it has no finite value."""
    return r2 is not None and r2 >= READABLE


def floors(rollouts: Mapping[Cell, CellRollouts], cells: tuple[Cell, Cell], starts: str, name: str) -> tuple[ndarray, ...]:
    """The errors of reading the true frames by both cells; empty for what has no such floor."""
    if starts in FLOOR_OF and is_geometric(name) and name not in LARGER_IS_BETTER:
        read = [rollouts[one].sets.get(FLOOR_OF[starts]) for one in cells]
        return tuple(one.quantities[name] for one in read if one and name in one.quantities)
    return ()


def geometric_mean(values: ndarray) -> float | None:
    """The geometric mean of all finite values; None without any."""
    return interval(values, geometric=True).mean


def names(a: Rollout, b: Rollout) -> list[str]:
    """The quantities that both rollouts have and that mean something for their system."""
    dissipative = abs(energy_change(a.true_energy)) > FRICTION
    left_out = NO_ERRORS | CONSERVATIVE_ONLY if dissipative else NO_ERRORS
    return [name for name in a.quantities if name in b.quantities and name not in left_out]


def compares_ratios(quantity: str) -> bool:
    """True for the quantities whose magnitudes are compared by their ratio, not by their difference."""
    return is_geometric(quantity) or quantity in SIGNED


def difference(quantity: str, estimated: Estimate | None, level: float, seeds: int) -> Difference:
    """The comparison of a quantity at a level of significance: interval, p-value and verdict.

    The verdict is `better` or `worse` where the interval at that level excludes no difference, else `not distinguishable`; or
    the reason why there is none.
    """
    geometric = compares_ratios(quantity)
    if estimated is None:
        reason = FEW_SEEDS if seeds < 2 else NO_VALUES
        return Difference(Interval(geometric=geometric, reason=reason), None, reason)
    values = np.array([estimated.mean, *estimated.interval(level)])
    mean, low, high = (np.exp(values) if geometric else values).tolist()
    verdict = "not distinguishable"
    if estimated.p <= level:
        verdict = "better" if (estimated.mean > 0) == (quantity in LARGER_IS_BETTER) else "worse"
    return Difference(Interval(mean, low, high, geometric), estimated.p, verdict)
