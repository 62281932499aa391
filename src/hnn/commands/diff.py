"""`python -m hnn diff`: two runs compared in words: the verdicts that changed, and the numbers that moved."""

import json
from collections.abc import Iterator, Mapping

from hnn.commands import summaries
from hnn.commands.check import is_compared
from hnn.commands.summary import QUANTITIES
from hnn.core.errors import Refused
from hnn.core.statistics import Interval
from hnn.files import paths
from hnn.reporting.formatting import format_interval

__all__ = ["beyond", "changed_verdicts", "diff", "moved"]

Verdicts = Mapping[tuple[str, ...], str]
"""Verdicts by (task, comparison, set of starts, quantity)."""


def diff(old: str = "HEAD", new: str | None = None) -> str:
    """The differences between the runs of two revisions or DVC experiments, or between one and the present run."""
    advice = "give a revision or an experiment that has the results of a run"
    before = summaries.committed(summaries.experiment(old) or old, advice)
    after = summaries.committed(summaries.experiment(new) or new, advice) if new else summaries.current()
    verdicts = changed_verdicts(verdicts_of(comparisons(old)), verdicts_of(comparisons(new)))
    numbers, others = moved(before, after)
    return "\n".join(
        [
            f"{old} -> {new or 'this run'}",
            *cells_of_one_side(before, after),
            f"Verdicts that changed: {len(verdicts) or 'none'}",
            *(f"  {line}" for line in verdicts),
            f"Headline numbers whose intervals do not overlap: {len(numbers) or 'none'}",
            *(f"  {line}" for line in numbers),
            f"Other numbers whose intervals do not overlap: {others or 'none'}",
        ]
    )


def comparisons(revision: str | None) -> str:
    """The text of metrics/comparisons.json of a revision or an experiment, or of the present run."""
    if revision:
        return summaries.git("show", f"{summaries.experiment(revision) or revision}:{paths.COMPARISONS.as_posix()}")
    if not paths.COMPARISONS.is_file():
        raise Refused(f"{paths.COMPARISONS} is not there yet: run `make repro`")
    return paths.COMPARISONS.read_text(encoding="utf-8")


def verdicts_of(text: str) -> dict[tuple[str, ...], str]:
    """The verdicts in the text of a comparisons.json."""
    return {
        (task, title, starts, quantity): difference["verdict"]
        for task, titles in json.loads(text).items()
        for title, sets in titles.items()
        for starts, quantities in sets.items()
        for quantity, difference in quantities.items()
    }


def changed_verdicts(before: Verdicts, after: Verdicts) -> list[str]:
    """A line for each verdict that both runs have and that differs.

    >>> key = ("pendulum", "hnn vs baseline", "held_out", "energy_error")
    >>> changed_verdicts({key: "better"}, {key: "worse"})
    ['pendulum, hnn vs baseline, held_out: energy_error better -> worse']
    """
    return [
        f"{', '.join(key[:-1])}: {key[-1]} {before[key]} -> {after[key]}"
        for key in before
        if key in after and before[key] != after[key]
    ]


def cells_of_one_side(before: summaries.Summary, after: summaries.Summary) -> Iterator[str]:
    """A line for the cells that only one of two runs has."""
    for ours, theirs, where in ((before, after, "gone"), (after, before, "new")):
        if names := [f"{task}-{name}" for task, name in ours if (task, name) not in theirs]:
            yield f"Cells that are {where}: {', '.join(names)}"


def moved(before: summaries.Summary, after: summaries.Summary) -> tuple[list[str], int]:
    """(a line for each of `QUANTITIES` whose intervals do not overlap, the number of such quantities beside them)."""
    lines, others = [], 0
    for cell, quantities in before.items():
        for name, old in quantities.items():
            new = after.get(cell, {}).get(name)
            if new is None or not is_compared(name) or not beyond(old, new):
                continue
            if name in QUANTITIES:
                lines.append(f"{'-'.join(cell)}: {name} {format_interval(old)} -> {format_interval(new)}")
            else:
                others += 1
    return lines, others


def beyond(old: Interval, new: Interval) -> bool:
    """True if two results do not overlap; without an interval, a finite value is one of no width.

    >>> beyond(Interval(1.0, 0.9, 1.1), Interval(1.3, 1.2, 1.4)), beyond(Interval(1.0, 0.9, 1.1), Interval(1.1, 1.0, 1.2))
    (True, False)
    """
    if old.low is None or old.high is None or new.low is None or new.high is None:
        return (old.mean is None) != (new.mean is None)
    return old.high < new.low or new.high < old.low
