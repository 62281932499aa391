"""The figures of docs/pixels.md: errors of very long rollouts against time, and the spread of pretrained autoencoders."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.figure import Figure
from numpy import ndarray

from hnn.core.cell import Cell
from hnn.figures.style import BLACK, colour, dashes, panels

__all__ = ["Growth", "growth_figure", "pretraining_figure"]

LABELS = {"energy_error": "energy error, spreads", "coordinate_error": "coordinate error, sizes of the motion"}


@dataclass(frozen=True)
class Growth:
    """An error of one cell against time."""

    cell: Cell
    quantity: str
    frames: ndarray
    """(bins,)."""
    values: ndarray
    """(seeds, bins)."""


def growth_figure(growths: Sequence[Growth]) -> Figure:
    """A panel for each task and quantity: each cell's geometric mean over seeds, and their range."""
    places = list(dict.fromkeys((one.cell.task, one.quantity) for one in growths))
    figure, axes = panels(len(places))
    for axis, (task, quantity) in zip(axes, places, strict=True):
        for one in growths:
            if (one.cell.task, one.quantity) == (task, quantity):
                mean, line = np.exp(np.log(one.values).mean(0)), colour(one.cell)
                axis.plot(one.frames, mean, color=line, lw=1.5, ls=dashes(one.cell), label=one.cell.name)
                axis.fill_between(one.frames, one.values.min(0), one.values.max(0), color=line, alpha=0.15, lw=0)
        axis.set(xscale="log", yscale="log", xlabel="frame", ylabel=LABELS[quantity], title=task)
    axes[0].legend(frameon=False, fontsize=8)
    return figure


def pretraining_figure(tasks: Mapping[str, tuple[Sequence[float], Sequence[float]]]) -> Figure:
    """Cumulative distributions of two errors of each task's autoencoders: unexplained variance of frames, canonical error."""
    figure, axes = panels(2, width=4)
    styles = ("-", "--", "-.", ":")
    for (task, (decoded_r2, canonical)), style in zip(tasks.items(), styles, strict=False):
        for axis, values in zip(axes, ([1 - one for one in decoded_r2], canonical), strict=True):
            share = (np.arange(len(values)) + 0.5) / len(values)
            axis.plot(np.sort(values), share, drawstyle="steps-mid", ls=style, color=BLACK, lw=1.2, label=task)
    axes[0].set(xlabel="1 - R² of decoded frames", ylabel="share of seeds")
    axes[1].set(xlabel="canonical error")
    for axis in axes:
        axis.set_xlim(0)
    lines, names = axes[0].get_legend_handles_labels()
    figure.legend(lines, names, frameon=False, fontsize=9, ncols=len(names), loc="outside lower center")
    return figure
