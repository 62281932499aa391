"""Paired timings: two sides in alternation, since on a shared machine only ratios of neighbouring timings are comparable."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median
from time import perf_counter

from hnn.core.errors import Refused

__all__ = ["Comparison", "Timed", "calibrate", "clock", "compare", "compare_all", "ladder", "per_step"]

Timed = Callable[[], float]
"""A job that returns its seconds."""

REPETITIONS = 5
NO_BETTER = 0.9  # an error above this part of the best so far is no progress


@dataclass(frozen=True)
class Comparison:
    """The seconds of both sides, turn by turn."""

    reference: tuple[float, ...]
    ours: tuple[float, ...]

    @property
    def reference_s(self) -> float:
        """The median time of the reference."""
        return median(self.reference)

    @property
    def ours_s(self) -> float:
        """Our median time."""
        return median(self.ours)

    @property
    def ratio(self) -> float:
        """Reference time over ours: the median over the turns of ratios of neighbouring timings."""
        return median(a / b for a, b in zip(self.reference, self.ours, strict=True))


def compare(reference: Timed, ours: Timed, repetitions: int = REPETITIONS) -> Comparison:
    """Time both sides in alternation, reference first, after one turn of warm-up."""
    return compare_all([reference], ours, repetitions)[0]


def compare_all(references: Sequence[Timed], ours: Timed, repetitions: int = REPETITIONS) -> list[Comparison]:
    """The same with several references in a turn, and ours once after them: a comparison with each."""
    sides = [*references, ours]
    turns = [[side() for side in sides] for _ in range(1 + repetitions)][1:]
    *columns, mine = zip(*turns, strict=True)
    return [Comparison(column, mine) for column in columns]


def clock(work: Callable[[], object], part: float = 1.0) -> Timed:
    """Wall-clock seconds of `work`, divided by its share of the whole job."""

    def timed() -> float:
        start = perf_counter()
        work()
        return (perf_counter() - start) / part

    return timed


def per_step(work: Callable[[int], object], steps: int) -> Timed:
    """Seconds of one step of `work(steps)` without fixed costs: (t(3n) - t(n))/2n."""
    short, long = clock(lambda: work(steps)), clock(lambda: work(3 * steps))

    def timed() -> float:
        for _ in range(REPETITIONS):
            difference = long() - short()
            if difference > 0:
                return difference / (2 * steps)
        raise Refused(f"{3 * steps} steps take no longer than {steps}: the machine is too busy with other things to measure")

    return timed


def ladder(loosest: float, tightest: float) -> list[float]:
    """Tolerances to try, from the loosest to the tightest: 1, 0.5, 0.2, 0.1 and so on."""
    powers = [10.0**-k for k in range(20)]
    return [
        x
        for power in powers
        for x in (power, power * 0.5, power * 0.2)
        if tightest <= x * (1 + 1e-9) and x <= loosest * (1 + 1e-9)
    ]


def calibrate(error: Callable[[float], float], bound: float, tolerances: Sequence[float]) -> tuple[float, float]:
    """(tolerance, its error): the loosest whose error is at most `bound`, of tolerances that get tighter.

    If none is, the one with the smallest error; the search ends after two that made no progress, since float32 has a floor
    below which a solver only takes smaller and smaller steps.
    """
    found: list[tuple[float, float]] = []
    stuck = 0
    for tolerance in tolerances:
        now, best = error(tolerance), min((e for _, e in found), default=float("inf"))
        found.append((tolerance, now))
        stuck = 0 if now <= NO_BETTER * best else stuck + 1
        if now <= bound or stuck == 2:
            break
    reached = [pair for pair in found if pair[1] <= bound]
    return reached[0] if reached else min(found, key=lambda pair: pair[1])
