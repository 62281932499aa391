"""Errors against time: median and quartiles over seeds and starts, as figures and as rows for `dvc plots`."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy import ndarray

from hnn.core.cell import Cell
from hnn.core.trajectories import Rollout
from hnn.figures.style import BLACK, FLOOR, FLOORS, Models, colour, dashes, panels

__all__ = ["band_figure", "draw_bands", "errors", "overview", "quartile_bands", "rows"]

LABELS = {"energy": "energy error / energy std", "distance": "distance from truth / size"}
ROWS = 200


def errors(models: Models, kind: str) -> dict[Cell, tuple[ndarray, ndarray]]:
    """For each cell the times (time,) and its errors (seeds, starts, time), over its longest horizon.

    From pixels, the cell of the model `FLOOR` has the errors of all probes on the true frames, over the published horizon.
    """
    curves = {cell: (of_cell.longest.t, error(of_cell.longest, kind)) for cell, of_cell in models.items()}
    probed = [cell for cell, of_cell in models.items() if "floor" in of_cell.sets]
    if probed:
        floors = [models[cell].sets["floor"] for cell in probed]
        curves[Cell(probed[0].task, FLOOR)] = floors[0].t, np.concatenate([error(floor, kind) for floor in floors])
    return curves


def error(rollout: Rollout, kind: str) -> ndarray:
    """|E(x̂(t)) - E(x(t))| over the standard deviation of E, or the relative distance |x̂(t) - x(t)|: (seeds, starts, time)."""
    if kind == "distance":
        return rollout.distance
    return np.abs(rollout.energy - rollout.true_energy) / rollout.energy_scale


def quartile_bands(values: ndarray) -> ndarray:
    """Lower quartile, median and upper quartile over seeds and starts (3, time); NaN counts as infinite."""
    return np.quantile(np.nan_to_num(values, nan=np.inf), [0.25, 0.5, 0.75], axis=(0, 1), method="nearest")


def draw_bands(axis: Axes, curves: Mapping[Cell, tuple[ndarray, ndarray]]) -> None:
    """Draw the bands of all cells into one panel with a log axis; a floor far below the others is stated as text."""
    bands = {cell: (t[1:], quartile_bands(values)[:, 1:]) for cell, (t, values) in curves.items()}
    shown = [band[np.isfinite(band) & (band > 0)] for cell, (_, band) in bands.items() if cell.model not in FLOORS]
    least = min((part.min() for part in shown if part.size), default=0.0)
    for cell, (t, (low, median, high)) in bands.items():
        if cell.model in FLOORS and median.max() < least / 10:
            text = f"{cell.name}: {median.max():.0e}, below this frame"
            axis.text(0.5, 0.02, text, transform=axis.transAxes, fontsize=8, color=BLACK, ha="center")
            continue
        axis.fill_between(t, low, high, color=colour(cell), alpha=0.2, lw=0)
        axis.plot(t, median, ls=dashes(cell), color=colour(cell), lw=1.4, label=cell.name)
    axis.set(yscale="log", xlabel="time in s")


def overview(tasks: Mapping[str, Models]) -> dict[str, Figure]:
    """The two errors by file name, each with a panel for every task."""
    figures = {}
    for kind, label in LABELS.items():
        figure, axes = panels(len(tasks), width=2.7, height=3.0)
        for axis, (task, models) in zip(axes, tasks.items(), strict=True):
            draw_bands(axis, errors(models, kind))
            axis.set_title(task)
        axes[0].set_ylabel(label)
        legend(figure, axes)
        figures["energy-error" if kind == "energy" else "coordinate-error"] = figure
    return figures


def band_figure(task: str, models: Models) -> Figure:
    """Both errors of one task side by side."""
    figure, axes = panels(2, width=5, height=3.5)
    for axis, (kind, label) in zip(axes, LABELS.items(), strict=True):
        draw_bands(axis, errors(models, kind))
        axis.set_ylabel(label)
    legend(figure, axes)
    figure.suptitle(f"{task}: errors against time, median and quartiles over seeds and starts")
    return figure


def legend(figure: Figure, axes: Sequence[Axes]) -> None:
    """One legend for all panels, below them."""
    lines = {label: line for axis in axes for line, label in zip(*axis.get_legend_handles_labels(), strict=True)}
    figure.legend(lines.values(), lines.keys(), frameon=False, fontsize=9, ncols=len(lines), loc="outside lower center")


def rows(models: Models) -> list[dict[str, float | str]]:
    """Rows for a plot, at 200 times or fewer: t, model, and the quartiles of both errors, empty where infinite."""
    table: list[dict[str, float | str]] = []
    bands = {kind: errors(models, kind) for kind in LABELS}
    for cell, (t, _) in bands["energy"].items():
        values = {kind: quartile_bands(bands[kind][cell][1]) for kind in LABELS}
        for i in np.unique(np.linspace(1, len(t) - 1, ROWS).round().astype(int)):
            row: dict[str, float | str] = {"t": float(t[i]), "model": cell.name}
            for kind, (low, median, high) in values.items():
                names = (f"{kind}_low", f"{kind}_error", f"{kind}_high")
                row |= {
                    name: float(v[i]) if np.isfinite(v[i]) else "" for name, v in zip(names, (low, median, high), strict=True)
                }
            table.append(row)
    return table
