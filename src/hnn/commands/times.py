"""`python -m hnn times`: where the time of the last `make repro` went."""

from itertools import pairwise

from hnn.files import paths, times
from hnn.files.times import StageTime

__all__ = ["table"]


def table() -> str:
    """A line for each stage that ran, the longest first: seconds, share of the whole run, seconds from the stage before it."""
    runs = times.read()
    if not runs:
        return f"no stage has run since {paths.TIMES} was removed: everything was up to date"
    whole = max(run.end for run in runs) - runs[0].start
    waits = {runs[0]: 0.0} | {after: max(0.0, after.start - before.end) for before, after in pairwise(runs)}
    width = max(len(run.stage) for run in runs)
    lines = [f"{'stage':<{width}} {'seconds':>8} {'share':>6} {'waited':>7}"]
    lines += [line(run, whole, waits[run], width) for run in sorted(runs, key=seconds, reverse=True)]
    busy, idle = sum(map(seconds, runs)), sum(waits.values())
    return "\n".join(
        [*lines, f"{len(runs)} stages: {whole:.0f} s, of which {busy:.0f} s in stages and {idle:.0f} s between them"]
    )


def line(run: StageTime, whole: float, wait: float, width: int) -> str:
    """One line of the table."""
    return f"{run.stage:<{width}} {seconds(run):>8.1f} {seconds(run) / max(whole, 1e-9):>6.1%} {wait:>7.1f}"


def seconds(run: StageTime) -> float:
    """The seconds that a stage took."""
    return run.end - run.start
