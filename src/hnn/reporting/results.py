"""The metrics of a run as objects, parsed once from its JSON files: cells, start sets, comparisons, floors."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from math import log10
from typing import Any, NamedTuple

from hnn.core.cell import TRUTH, Cell
from hnn.core.law import Law
from hnn.core.statistics import Interval
from hnn.evaluation.integrator_contract import IntegratorCheck
from hnn.reporting.definitions import LARGER_IS_BETTER

__all__ = [
    "ELSEWHERE",
    "FLOOR_OF",
    "SETS",
    "SHORT",
    "CellResults",
    "Comparison",
    "Difference",
    "Pair",
    "Results",
    "StartSet",
    "mark_mismatch",
]

SETS = {
    "held_out": "Starts of the training distribution, at the published horizon",
    "long": "The same starts, over the long horizon",
    "outside": "Starts outside the training distribution, at the published horizon",
    "nearby": "The exact system from starts perturbed by 1e-4, where motions are chaotic",
}
"""The sets of starts of our protocol, and their meaning."""

ELSEWHERE = {"long": "over the long horizon", "outside": "from starts outside the training data"}
"""Phrases for the long horizon and for starts outside the training data."""

SHORT = {
    "held_out": "held out",
    "long": "long horizon",
    "outside": "outside",
    "nearby": "nearby",
    "continuous": "held out, continuous",
    "floor": "true frames",
    "pictures": "held out, from pictures",
    "pictures_long": "long horizon, from pictures",
    "pictures_floor": "true frames, from pictures",
    "table1": "published",
}
"""Short names of all sets that a cell may have been measured on."""


FLOOR_OF = dict.fromkeys(("held_out", "long", "outside", "continuous"), "floor")
FLOOR_OF |= dict.fromkeys(("pictures", "pictures_long"), "pictures_floor")
"""From pixels: the set that measures the error of reading the states of another set."""
LONGER = ("long", "pictures_long")
"""The sets whose horizon is longer than that of their floor."""


def mark_mismatch(text: str, mismatch: bool) -> str:
    """The text, with the mark that every table must show where the integrator contract is broken.

    >>> mark_mismatch("hnn", True)
    'hnn (mismatch)'
    """
    return text + " (mismatch)" * mismatch


@dataclass(frozen=True)
class StartSet:
    """The metrics of one cell from one set of starts."""

    name: str
    quantities: Mapping[str, Interval]
    integrator: IntegratorCheck | None = None
    mismatch: bool = False
    """True if the rollouts break the integrator contract; a set that is not diagnosed counts as the held-out one."""

    def __getitem__(self, quantity: str) -> Interval:
        return self.quantities[quantity]

    def get(self, quantity: str) -> Interval | None:
        """The interval of a quantity; None where it was not measured."""
        return self.quantities.get(quantity)

    def mark(self, text: str) -> str:
        """The text, marked if the rollouts break the integrator contract."""
        return mark_mismatch(text, self.mismatch)


@dataclass(frozen=True)
class CellResults:
    """The metrics files of one cell."""

    cell: Cell
    sets: Mapping[str, StartSet]
    losses: Mapping[str, Interval] = field(default_factory=dict)
    """Losses at the end of training, over the seeds; of the truth, its test loss, the floor."""
    parameters: int | None = None
    """Number of weights; None for the truth."""
    steps: int | None = None
    law: Law | None = None
    """The formula for the learned energy, where there is one."""

    @classmethod
    def parse(cls, cell: Cell, metrics: Mapping[str, Any]) -> "CellResults":
        """The results in {"train": …, "rollout": …}, the content of a cell's metrics files; the truth is not trained."""
        rollout, train = metrics["rollout"], metrics.get("train", {})
        nested = {name: entry for name, entry in rollout.items() if is_set(name, entry)}
        top = {name: entry for name, entry in rollout.items() if name not in nested}
        mismatch = bool(top.get("mismatch", False))
        sets = {name: parse_set(name, entry, mismatch) for name, entry in {"held_out": top, **nested}.items()}
        losses = {name: Interval.parse(entry) for name, entry in train.items() if isinstance(entry, Mapping)}
        if cell.is_truth and "test_loss" in top:
            losses["test_loss"] = Interval.parse(top["test_loss"])
        law = Law.parse(rollout["law"]) if "law" in rollout else None
        return cls(cell, sets, losses, train.get("parameters"), train.get("steps"), law)

    def headline(self) -> dict[str, float]:
        """The numbers of metrics/headline/<cell>.json, from the held-out starts, as far as they are finite.

        Errors of energy and coordinates in per cent, valid time in periods, log10 of the test loss: DVC shows five decimals.
        """
        means = {
            "energy_error_pct": scaled(self.held_out.get("energy_error"), 100),
            "coordinate_error_pct": scaled(self.held_out.get("coordinate_error"), 100),
            "valid_time": scaled(self.held_out.get("valid_time"), 1),
            "log10_test_loss": logarithm(self.losses.get("test_loss")),
        }
        return {name: mean for name, mean in means.items() if mean is not None}

    @property
    def held_out(self) -> StartSet:
        """The metrics from the held-out starts."""
        return self.sets["held_out"]


def scaled(value: Interval | None, factor: float) -> float | None:
    """The mean times a factor; None where there is none."""
    return None if value is None or value.mean is None else factor * value.mean


def logarithm(value: Interval | None) -> float | None:
    """log10 of the mean; None where there is none or it is not positive."""
    return log10(value.mean) if value is not None and value.mean is not None and value.mean > 0 else None


def is_set(name: str, entry: object) -> bool:
    """True if an entry of a metrics file is that of a set of starts: not a quantity, the integrator's or the formula."""
    return isinstance(entry, Mapping) and "mean" not in entry and name not in ("integrator", "law")


def parse_set(name: str, entry: Mapping[str, Any], held_out_mismatch: bool) -> StartSet:
    """One set of starts of a metrics file."""
    quantities = {key: Interval.parse(value) for key, value in entry.items() if isinstance(value, Mapping) and "mean" in value}
    diagnosed = "integrator" in entry or "mismatch" in entry
    integrator = IntegratorCheck.parse(entry["integrator"]) if "integrator" in entry else None
    return StartSet(name, quantities, integrator, bool(entry.get("mismatch", False)) if diagnosed else held_out_mismatch)


class Difference(NamedTuple):
    """A quantity of a cell compared with that of another."""

    interval: Interval
    """The ratio cell / other if `interval.geometric`, else the difference cell - other; corrected for the family."""
    p: float | None
    """p-value before the correction; None where there is no verdict."""
    verdict: str
    """`better`, `worse` or `not distinguishable`; or the reason why there is none."""

    def to_json(self) -> dict[str, Any]:
        """{ratio or difference, low, high, p, verdict}."""
        mean, low, high = self.interval[:3]
        kind = "ratio" if self.interval.geometric else "difference"
        return {kind: mean, "low": low, "high": high, "p": self.p, "verdict": self.verdict}


@dataclass(frozen=True)
class Comparison:
    """A cell compared with another, the reference, by set of starts and quantity."""

    cell: Cell
    reference: Cell
    differences: Mapping[str, Mapping[str, Difference]]

    @property
    def title(self) -> str:
        """The name of the comparison in metrics/comparisons.json."""
        return f"{self.cell.name} vs {self.reference.name}"

    def to_json(self) -> dict[str, Any]:
        """{set: {quantity: …}}, see `Difference.to_json`."""
        return {
            starts: {name: one.to_json() for name, one in differences.items()}
            for starts, differences in self.differences.items()
        }


@dataclass(frozen=True)
class Pair:
    """HNN and baseline of one task, trained alike, with the exact field and the comparison where there are any."""

    hnn: CellResults
    baseline: CellResults
    truth: CellResults | None
    comparison: Comparison | None

    @property
    def task(self) -> str:
        """The task of both."""
        return self.hnn.cell.task

    def both(self, starts: str) -> tuple[StartSet, StartSet] | None:
        """HNN's and the baseline's metrics from a set of starts; None unless both were measured there."""
        hnn, baseline = (results.sets.get(starts) for results in (self.hnn, self.baseline))
        return None if hnn is None or baseline is None else (hnn, baseline)

    def difference(self, starts: str, quantity: str) -> Difference | None:
        """HNN compared with the baseline; None where it was not measured."""
        return self.comparison.differences.get(starts, {}).get(quantity) if self.comparison else None

    def verdict(self, starts: str, quantity: str) -> str | None:
        """The verdict on HNN's quantity; None where it was not compared."""
        difference = self.difference(starts, quantity)
        return None if difference is None else difference.verdict

    def floors(self, starts: str, quantity: str) -> list[Interval | None]:
        """The floor of a quantity: the exact field's; from pixels, the errors of reading the true frames, HNN's first.

        From pixels None for a time over the long horizon, since the floor is measured over the shorter one.
        """
        if not self.hnn.cell.from_pixels:
            exact = self.truth.sets.get(starts) if self.truth else None
            return [exact.get(quantity) if exact else None]
        if starts in LONGER and quantity in LARGER_IS_BETTER:
            return [None, None]
        read = [results.sets.get(FLOOR_OF.get(starts, "")) for results in (self.hnn, self.baseline)]
        return [floor.get(quantity) if floor else None for floor in read]

    def mark(self, text: str, starts: str) -> str:
        """The text, marked if one of the two breaks the integrator contract."""
        sets = self.both(starts)
        return mark_mismatch(text, sets is not None and any(one.mismatch for one in sets))


@dataclass(frozen=True)
class Results:
    """All cells of a run, in the order of the report, and their comparisons."""

    cells: Mapping[Cell, CellResults]
    comparisons: Mapping[tuple[Cell, Cell], Comparison] = field(default_factory=dict)
    """By the cell that is compared, and the one that it is compared with."""

    @classmethod
    def parse(cls, metrics: Mapping[Cell, Mapping[str, Any]], comparisons: Iterable[Comparison] = ()) -> "Results":
        """The results in the metrics files of all cells, each as `hnn.files.artifacts.read_cell` returns it."""
        cells = {cell: CellResults.parse(cell, files) for cell, files in metrics.items()}
        return cls(cells, {(comparison.cell, comparison.reference): comparison for comparison in comparisons})

    def comparisons_json(self) -> dict[str, dict[str, Any]]:
        """The content of metrics/comparisons.json: {task: {title: {set: {quantity: …}}}}."""
        return {
            task: {one.title: one.to_json() for one in self.comparisons.values() if one.cell.task == task}
            for task in self.tasks
        }

    @property
    def tasks(self) -> list[str]:
        """The tasks of the cells."""
        return list(dict.fromkeys(cell.task for cell in self.cells))

    def of_task(self, task: str) -> list[CellResults]:
        """The cells of a task, the truth first."""
        return sorted((r for cell, r in self.cells.items() if cell.task == task), key=lambda r: not r.cell.is_truth)

    def truth(self, task: str) -> CellResults | None:
        """The exact field of a task; None where it was not evaluated."""
        return self.cells.get(Cell(task, TRUTH))

    def loss_floor(self, task: str) -> Interval | None:
        """The test loss of the exact field on the same noisy data; None where it was not evaluated."""
        truth = self.truth(task)
        return truth.losses.get("test_loss") if truth else None

    def pair(self, task: str, step_map: str = "") -> Pair | None:
        """HNN and baseline of a task, from pixels through one step map; None unless both were trained."""
        hnn, baseline = (self.cells.get(Cell(task, model, step_map)) for model in ("hnn", "baseline"))
        if hnn is None or baseline is None:
            return None
        return Pair(hnn, baseline, self.truth(task), self.comparisons.get((hnn.cell, baseline.cell)))

    def further(self, task: str) -> list[CellResults]:
        """The cells of a task whose models are neither baseline nor HNN nor the truth."""
        return [r for cell, r in self.cells.items() if cell.task == task and len(cell.references) > 1 and not cell.is_truth]

    def beside(self, cell: Cell, starts: str, quantity: str) -> list[tuple[Cell, Difference]]:
        """The references of a cell that it was compared with on a set of starts, and how its quantity compares."""
        compared = [self.comparisons[cell, other] for other in cell.references if (cell, other) in self.comparisons]
        found = [(one.reference, one.differences.get(starts, {}).get(quantity)) for one in compared]
        return [(other, difference) for other, difference in found if difference]

    def pairs(self) -> Iterator[Pair]:
        """The pair of each task that has one; from pixels that of the first step map."""
        for task in self.tasks:
            step_maps = dict.fromkeys(cell.step_map for cell in self.cells if cell.task == task and not cell.is_truth)
            pairs = (self.pair(task, step_map) for step_map in step_maps)
            if first := next(filter(None, pairs), None):
                yield first
