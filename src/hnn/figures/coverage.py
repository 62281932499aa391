"""The figure of docs/coverage.md: coverage of intervals, simulated and in the study, and false verdicts."""

from collections.abc import Sequence
from dataclasses import dataclass

from matplotlib.figure import Figure

from hnn.figures.style import BLACK, panels

__all__ = ["Rates", "Simulated", "coverage_figure"]

COLOURS = {"variance components": "#0072B2", "bootstrap": "#D55E00"}
MARKERS = {"Gaussian": "o", "heavy-tailed": "s"}


@dataclass(frozen=True)
class Simulated:
    """Coverage of one method with one number of seeds: the least and the largest over several strengths of the effects."""

    shape: str
    method: str
    seeds: int
    least: float
    most: float


@dataclass(frozen=True)
class Rates:
    """Of one quantity of the study: coverage, and false verdicts on equal models before and after correction."""

    quantity: str
    covered: float
    uncorrected: float
    corrected: float


def coverage_figure(simulated: Sequence[Simulated], rates: Sequence[Rates], nominal: float) -> Figure:
    """Left: simulated coverage against the number of seeds. Middle, right: coverage and false verdicts of each quantity."""
    figure, (left, middle, right) = panels(3)
    series = list(dict.fromkeys((one.method, one.shape) for one in simulated))
    for k, (method, shape) in enumerate(series):
        points = [one for one in simulated if (one.method, one.shape) == (method, shape)]
        x = [one.seeds * (1 + 0.04 * (k - 1.5)) for one in points]
        centres = [(one.least + one.most) / 2 for one in points]
        reach = [(one.most - one.least) / 2 for one in points]
        label = f"{method}, {shape}"
        left.errorbar(x, centres, reach, fmt=MARKERS[shape], ms=4, capsize=3, color=COLOURS[method], label=label)
    left.set_xscale("log")
    left.set_xticks(numbers := sorted({one.seeds for one in simulated}), [str(one) for one in numbers])
    left.minorticks_off()
    left.set_xlabel("seeds")
    left.set_ylabel("share of intervals with the true mean")
    middle.set_xlabel("share with the mean of all fits")
    right.set_xlabel("share of comparisons of equal models")
    left.set_title("simulated: coverage")
    left.legend(frameon=False, fontsize=7, loc="lower right")
    rows = range(len(rates))
    middle.plot([one.covered for one in rates], rows, "o", ms=4, color=COLOURS["variance components"])
    middle.set_title("study: coverage")
    right.plot([one.uncorrected for one in rates], rows, "o", ms=4, mfc="white", color=BLACK, label="each at 5 %")
    right.plot([one.corrected for one in rates], rows, "o", ms=4, color=BLACK, label="corrected")
    right.set_title("study: false verdicts")
    right.legend(frameon=False, fontsize=7)
    left.axhline(nominal, color=BLACK, lw=0.8, ls=":")
    middle.axvline(nominal, color=BLACK, lw=0.8, ls=":")
    middle.set_xlim(0.7, 1.0)
    left.set_ylim(0.5, 1.0)
    for limit in (0.01, 0.05):
        right.axvline(limit, color=BLACK, lw=0.8, ls=":")
    right.set_xlim(left=0)
    middle.set_yticks(rows, [one.quantity.replace("_", " ") for one in rates])
    right.set_yticks(rows, [""] * len(rates))
    return figure
