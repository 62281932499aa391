"""What is seen of a sweep over one factor: a picture and a few sentences. Reads no file."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from hnn.figures.style import TRUTH, colour, panels
from hnn.reporting.formatting import format_interval, verdict

__all__ = ["picture", "said"]

Row = Mapping[str, Any]
"""A value of the factor, a model, a quantity, and its mean, low and high."""

UNITS = {
    "test_loss": "mean square of dx/dt",
    "energy_error": "standard deviations of energy",
    "coordinate_error": "sizes of the true motion",
}


def picture(rows: Sequence[Row], quantities: Sequence[str], label: str) -> Figure:
    """A panel for each quantity against the values of one factor, each at an equal distance: means and 95 % intervals.

    Rows have value, model, quantity, mean, low and high; the truth is a floor of the loss, and next to zero elsewhere.
    """
    figure, axes = panels(len(quantities))
    values = list(dict.fromkeys(row["value"] for row in rows))
    models = [model for model in dict.fromkeys(row["model"] for row in rows) if model != "truth"]
    for axis, quantity in zip(axes, quantities, strict=True):
        own = [row for row in rows if row["quantity"] == quantity and row["mean"] is not None]
        for i, model in enumerate(models):
            line = [row for row in own if row["model"] == model]
            x, mean = [values.index(row["value"]) + 0.08 * i for row in line], np.array([row["mean"] for row in line])
            ends = np.abs([[row["low"] for row in line] - mean, [row["high"] for row in line] - mean])
            axis.errorbar(x, mean, ends, marker="o", ms=4, lw=1.2, capsize=3, color=colour(model), label=model)
        floor = [row for row in own if row["model"] == "truth"] if quantity == "test_loss" else []
        if floor:
            x, mean = [values.index(row["value"]) for row in floor], np.array([row["mean"] for row in floor])
            axis.plot(x, mean, "--", color=TRUTH, label="truth")
        axis.set_yscale("log")
        axis.set_title(quantity.replace("_", " "))
        axis.set_xticks(range(len(values)), [str(value) for value in values])
        axis.set_xlabel(label)
        axis.set_ylabel(UNITS[quantity])
    axes[0].legend(frameon=False)
    return figure


def said(factor: str, table: Sequence[Row]) -> list[str]:
    """What is seen of one factor, a line each: how far the energy errors go, and who is better where."""
    own = [row for row in table if row["factor"] == factor and row["quantity"] == "energy_error"]
    series = {model: [row for row in own if row["model"] == model] for model in ("hnn", "baseline")}
    first, last = series["hnn"][0]["value"], series["hnn"][-1]["value"]
    ways = [f"{model}'s from {format_interval(line[0])} to {format_interval(line[-1])}" for model, line in series.items()]
    words: dict[str, list[str]] = {"better": [], "worse": [], "not distinguishable": []}
    for a, b in zip(series["hnn"], series["baseline"], strict=True):
        words[verdict(a, b)].append(str(a["value"]))
    names = {"better": "below the baseline's", "worse": "above it", "not distinguishable": "not distinguishable"}
    where = "; ".join(f"{names[word]} at {', '.join(values)}" for word, values in words.items() if values)
    return [f"From {first} to {last}, energy errors go: {', '.join(ways)}.", f"hnn's energy error is {where}."]
