"""What the metrics files hold, and where in them a report finds what: cells, the pairs that it compares, floors."""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from hnn.reporting.formatting import Interval

__all__ = [
    "SETS",
    "SHORT",
    "TRUTH",
    "Cells",
    "Comparisons",
    "Pair",
    "compared",
    "floors",
    "found_in",
    "label",
    "loss_floor",
    "mismatched",
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

SHORT = {
    "held_out": "held out",
    "long": "long horizon",
    "outside": "outside",
    "nearby": "nearby",
    "continuous": "held out, continuous",
    "floor": "true frames",
    "table1": "published",
}
"""All sets that a cell may have been measured on, in few words."""


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


def floors(cells: Cells, pair: Pair, name: str, quantity: str) -> list[Interval | None]:
    """What the truth scores; from pixels, what each model's own encoder and probe read from the true frames, HNN's first.

    True frames are encoded for the held-out starts alone.
    """
    if not pair.pixels:
        return [(found_in(cells.get((pair.task, TRUTH), {"rollout": {}}), name) or {}).get(quantity)]
    read = [cells[pair.task, model]["rollout"].get("floor", {}) for model in (pair.hnn, pair.baseline)]
    return [there.get(quantity) if name == "held_out" else None for there in read]


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


def label(text: str, name: str, *rollouts: Mapping[str, Any]) -> str:
    """The name or the number of one cell or several, marked where one broke the integrator contract, as tables must show.

    `name` is the set of starts that it is about; one that was not examined by itself stands and falls with the held-out one.
    """
    return text + " (mismatch)" * any(mismatched(rollout, name) for rollout in rollouts)


def mismatched(rollout: Mapping[str, Any], name: str) -> bool:
    """Whether the metrics of a cell say so of a set of starts."""
    own = found_in({"rollout": rollout}, name) or {}
    examined = "integrator" in own or "mismatch" in own
    return bool((own if examined else rollout).get("mismatch", False))
