"""`python -m hnn diff`: two runs compared in words: the verdicts that changed, and the numbers that moved."""

from collections.abc import Iterator, Sequence

from hnn.commands import summaries
from hnn.commands.agreement import Change, changed_verdicts, changes, verdict_line, verdicts_at
from hnn.commands.summary import QUANTITIES

__all__ = ["diff", "moved"]

VERDICTS = ("energy_error", "coordinate_error", "valid_time")
"""The quantities whose verdicts are listed, from every set of starts."""


def diff(old: str = "HEAD", new: str | None = None) -> str:
    """The differences between the runs of two revisions or DVC experiments, or between one and the present run."""
    advice = "give a revision or an experiment that has the results of a run"
    before = summaries.committed(summaries.experiment(old) or old, advice)
    after = summaries.committed(summaries.experiment(new) or new, advice) if new else summaries.current()
    turned = list(changed_verdicts(verdicts_at(old), verdicts_at(new)))
    verdicts = [verdict_line(*one) for one in turned if one[0][-1] in VERDICTS]
    headline, others = moved(changes(before, after))
    return "\n".join(
        [
            f"{old} -> {new or 'this run'}",
            *cells_of_one_side(before, after),
            f"Headline verdicts that changed: {len(verdicts) or 'none'}",
            *(f"  {line}" for line in verdicts),
            f"Other verdicts that changed: {len(turned) - len(verdicts) or 'none'}",
            f"Headline numbers that differ beyond chance: {len(headline) or 'none'}",
            *(f"  {line}" for line in headline),
            f"Other numbers that differ beyond chance: {others or 'none'}",
        ]
    )


def cells_of_one_side(before: summaries.Summary, after: summaries.Summary) -> Iterator[str]:
    """A line for the cells that only one of two runs has."""
    for ours, theirs, where in ((before, after, "gone"), (after, before, "new")):
        if names := [f"{task}-{name}" for task, name in ours if (task, name) not in theirs]:
            yield f"Cells that are {where}: {', '.join(names)}"


def moved(compared: Sequence[Change]) -> tuple[list[str], int]:
    """(a line for each of `QUANTITIES` that differs, the number of other quantities that do)."""
    differing = [one for one in compared if one.differs]
    headline = [str(one) for one in differing if one.quantity in QUANTITIES]
    return headline, len(differing) - len(headline)
