"""The figure and the sentences of a sweep over one factor."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from matplotlib.figure import Figure

from hnn.core.cell import TRUTH
from hnn.core.statistics import Interval
from hnn.figures.style import BLACK, model_colour, panels
from hnn.reporting.formatting import format_interval

__all__ = ["SweepPoint", "sweep_figure", "sweep_sentences"]

UNITS = {
    "test_loss": "mean square of dx/dt",
    "energy_error": "standard deviations of energy",
    "coordinate_error": "sizes of the true motion",
}


class SweepPoint(NamedTuple):
    """A quantity of one model at one value of a factor."""

    factor: str
    value: float | str
    model: str
    quantity: str
    interval: Interval


def sweep_figure(points: Sequence[SweepPoint], quantities: Sequence[str], label: str) -> Figure:
    """A panel for each quantity against the values of one factor, equally spaced: means and 95 % intervals.

    The truth is drawn as the floor of the loss; its other errors are next to zero.
    """
    figure, axes = panels(len(quantities))
    values = list(dict.fromkeys(point.value for point in points))
    models = [model for model in dict.fromkeys(point.model for point in points) if model != TRUTH]
    for axis, quantity in zip(axes, quantities, strict=True):
        own = [point for point in points if point.quantity == quantity and point.interval.mean is not None]
        for i, model in enumerate(models):
            line = [point for point in own if point.model == model]
            x, mean = [values.index(point.value) + 0.08 * i for point in line], means(line)
            ends = np.array([[point.interval.low for point in line], [point.interval.high for point in line]], float)
            ends = np.abs(ends - mean)  # NaN without intervals: no bar
            axis.errorbar(x, mean, ends, marker="o", ms=4, lw=1.2, capsize=3, color=model_colour(model), label=model)
        floor = [point for point in own if point.model == TRUTH] if quantity == "test_loss" else []
        if floor:
            axis.plot([values.index(point.value) for point in floor], means(floor), "--", color=BLACK, label=TRUTH)
        axis.set_yscale("log")
        axis.set_title(quantity.replace("_", " "))
        axis.set_xticks(range(len(values)), [str(value) for value in values])
        axis.set_xlabel(label)
        axis.set_ylabel(UNITS[quantity])
    axes[0].legend(frameon=False)
    return figure


def means(points: Sequence[SweepPoint]) -> np.ndarray:
    """The means of the points, (points,)."""
    return np.array([point.interval.mean for point in points])


def sweep_sentences(factor: str, points: Sequence[SweepPoint]) -> list[str]:
    """Two sentences on one factor: the range of the energy errors, and where HNN's differs from the baseline's."""
    own = [point for point in points if point.factor == factor and point.quantity == "energy_error"]
    series = {model: [point for point in own if point.model == model] for model in ("hnn", "baseline")}
    first, last = series["hnn"][0].value, series["hnn"][-1].value
    ranges = [
        f"{model}'s from {format_interval(line[0].interval)} to {format_interval(line[-1].interval)}"
        for model, line in series.items()
    ]
    values: dict[str, list[str]] = {"below the baseline's": [], "above it": [], "not distinguishable": []}
    values["without an interval"] = []
    for a, b in zip(series["hnn"], series["baseline"], strict=True):
        values[position(a.interval, b.interval)].append(str(a.value))
    where = "; ".join(f"{words} at {', '.join(at)}" for words, at in values.items() if at)
    return [f"From {first} to {last}, energy errors go: {', '.join(ranges)}.", f"hnn's energy error is {where}."]


def position(a: Interval, b: Interval) -> str:
    """The position of an error a relative to b, which are not paired: they differ only if their intervals do not overlap."""
    if a.low is None or a.high is None or b.low is None or b.high is None:
        return "without an interval"
    if a.high < b.low:
        return "below the baseline's"
    return "above it" if a.low > b.high else "not distinguishable"
