"""`python -m hnn times`: where the time of the last `make repro` went."""

from itertools import pairwise

from hnn.files import paths, times
from hnn.files.times import StageTime

__all__ = ["table"]

ANOTHER_RUN = 60.0
"""Seconds between two stages from which on they belong to two runs."""


def table() -> str:
    """A line for each stage that ran, the longest first: seconds, share of their sum, seconds since the stage before it."""
    runs = times.read()
    if not runs:
        return f"no stage has run since the last `make repro` began ({paths.TIMES} is not there)"
    busy = sum(map(seconds, runs))
    waits = {runs[0]: 0.0} | {after: waited(before, after) for before, after in pairwise(runs)}
    width = max(len(run.stage) for run in runs)
    lines = [f"{'stage':<{width}} {'seconds':>8} {'share':>6} {'waited':>7}"]
    lines += [line(run, busy, waits[run], width) for run in sorted(runs, key=seconds, reverse=True)]
    return "\n".join([*lines, f"{len(runs)} stages: {busy:.0f} s, and {sum(waits.values()):.0f} s between them"])


def waited(before: StageTime, after: StageTime) -> float:
    """The seconds between two stages of a run; 0 between two runs."""
    gap = after.start - before.end
    return gap if 0 < gap < ANOTHER_RUN else 0.0


def line(run: StageTime, busy: float, wait: float, width: int) -> str:
    """One line of the table."""
    return f"{run.stage:<{width}} {seconds(run):>8.1f} {seconds(run) / max(busy, 1e-9):>6.1%} {wait:>7.1f}"


def seconds(run: StageTime) -> float:
    """The seconds that a stage took."""
    return run.end - run.start
