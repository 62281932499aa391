"""What the metrics files hold, and where in them a report finds what: cells, the pairs that it compares, floors."""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from hnn.words import Interval

__all__ = [
    "SETS",
    "TRUTH",
    "Cells",
    "Comparisons",
    "Pair",
    "compared",
    "floor",
    "found_in",
    "label",
    "loss_floor",
    "of_both",
    "pairs",
    "verdict_on",
]

Cells = Mapping[tuple[str, str], Mapping[str, Any]]
"""For each (task, model): {"train": …, "rollout": …}, as in the metrics files; `truth` has no training."""

Comparisons = Mapping[str, Any]
"""task -> "hnn vs baseline" -> set -> quantity -> {mean, low, high, verdict} of the paired difference."""

TRUTH = "truth"
"""The model that is the exact field: what it scores is the floor of its task."""

SETS = {
    "held_out": "Starts of the training distribution, at the published horizon",
    "long": "The same starts, over the long horizon",
    "outside": "Starts outside the training distribution, at the published horizon",
    "nearby": "The exact system started 1e-4 beside itself, where motions are chaotic",
}
"""The sets of starts by which our protocol measures, and what they are."""


class Pair(NamedTuple):
    """The two cells of a task that the report compares: of a pixel task those that share the first step map."""

    task: str
    hnn: str
    baseline: str

    @property
    def pixels(self) -> bool:
        """Whether the task is seen only in pictures, so that its cells are named by a step map too."""
        return "-" in self.hnn


def pairs(cells: Cells) -> Iterator[Pair]:
    """The comparison of HNN with baseline in each task that has both."""
    for task in dict.fromkeys(task for task, _ in cells):
        for end in dict.fromkeys(model.removeprefix("hnn") for of, model in cells if of == task and model.startswith("hnn")):
            if (task, f"baseline{end}") in cells:
                yield Pair(task, f"hnn{end}", f"baseline{end}")
                break


def found_in(cell: Mapping[str, Any], name: str) -> Mapping[str, Any] | None:
    """The quantities of a cell on one set of starts; None where it was not measured there."""
    found: Mapping[str, Any] | None = cell["rollout"] if name == "held_out" else cell["rollout"].get(name)
    return found


def floor(cells: Cells, pair: Pair, name: str, quantity: str) -> Interval | None:
    """What the truth scores; from pixels, what the probe reads from the true frames, which are encoded for held-out starts."""
    if pair.pixels:
        there = cells[pair.task, pair.hnn]["rollout"].get("floor", {}) if name == "held_out" else {}
    else:
        there = found_in(cells.get((pair.task, TRUTH), {"rollout": {}}), name) or {}
    value: Interval | None = there.get(quantity)
    return value


def loss_floor(cells: Cells, task: str) -> float | None:
    """The test loss of the exact field on the same noisy data; None where it was not measured."""
    value: float | None = cells.get((task, TRUTH), {"rollout": {}})["rollout"].get("test_loss", {}).get("mean")
    return value


def compared(comparisons: Comparisons, pair: Pair, name: str, quantity: str) -> Mapping[str, Any] | None:
    """The paired difference HNN minus baseline; None where it was not measured."""
    there = comparisons.get(pair.task, {}).get(f"{pair.hnn} vs {pair.baseline}", {})
    value: Mapping[str, Any] | None = there.get(name, {}).get(quantity)
    return value


def verdict_on(comparisons: Comparisons, pair: Pair, name: str, quantity: str) -> str | None:
    """`better`, `worse` or `not distinguishable`; None where it was not measured."""
    difference = compared(comparisons, pair, name, quantity)
    return None if difference is None else str(difference["verdict"])


def label(text: str, rollout: Mapping[str, Any]) -> str:
    """The name of a cell's model or its number, marked where it broke the integrator contract, as every table must show."""
    return text + " (mismatch)" * bool(rollout.get("mismatch", False))


def of_both(cells: Cells, pair: Pair) -> dict[str, bool]:
    """The mark of what comes of two cells: a mismatch if one of them is."""
    return {"mismatch": any(cells[pair.task, model]["rollout"].get("mismatch", False) for model in (pair.hnn, pair.baseline))}
