"""Figures of a pixel task: predicted films, angles, portraits of the learned energy, counterfactual motions."""

from collections.abc import Mapping

import numpy as np
from matplotlib.figure import Figure
from numpy import ndarray

from hnn.core.cell import TRUTH, Cell
from hnn.core.trajectories import CellRollouts, Counterfactual, Portrait, TrueMotion
from hnn.figures.films import decoded, film_strip, frames_of, in_seconds, picture
from hnn.figures.style import BLACK, Models, colour, dashes, panels

__all__ = ["angles", "counterfactual_figure", "energy_figures", "portrait_figure", "task_figures"]


def portrait_figure(portrait: Portrait, paths: ndarray, title: str) -> Figure:
    """Latent rollouts (starts, time, 2) over contours of the learned H."""
    figure, axes = panels(1, height=4.2, width=5)
    axis = axes[0]
    contours = axis.contourf(portrait.q, portrait.p, portrait.energy - portrait.energy.min(), 20, cmap="cividis")
    figure.colorbar(contours, ax=axis, label="learned H, above its minimum")
    for path in paths:
        axis.plot(path[:, 0], path[:, 1], color="white", lw=0.8)
    axis.plot(paths[:, 0, 0], paths[:, 0, 1], "o", ms=3, color="white")
    axis.set(xlabel="latent q", ylabel="latent p", title=title)
    return figure


def angles(t: ndarray, truth: ndarray, models: Mapping[Cell, ndarray], title: str) -> Figure:
    """The first coordinate (time,) by each model's probe against time, and its last third enlarged."""
    figure, axes = panels(2, width=5)
    late = slice(-len(t) // 3, None)
    for axis, part in zip(axes, (slice(None), late), strict=True):
        axis.plot(t[part], truth[part], color=BLACK, lw=1.5, label=TRUTH)
        for cell, angle in models.items():
            axis.plot(t[part], angle[part], color=colour(cell), lw=1, label=cell.name, ls=dashes(cell))
        limit = 1.6 * np.abs(truth).max()
        axis.set(xlabel="time in s", ylim=(-limit, limit))
    axes[0].set_ylabel("angle in rad")
    figure.legend(*axes[0].get_legend_handles_labels(), frameon=False, fontsize=8, ncols=5, loc="outside lower center")
    axes[1].set_title("the last third")
    figure.suptitle(title)
    return figure


def counterfactual_figure(motion: Counterfactual, portrait: Portrait, step: float, title: str) -> Figure:
    """A motion to which energy is added midway: its frames, its path over the contours of H, and H against time."""
    before, adding, after = (int(count) for count in motion.phases)
    figure = Figure(figsize=(9, 5), layout="constrained", dpi=110)
    grid = figure.add_gridspec(2, 1, height_ratios=[1, 2.6])
    top, bottom = (figure.add_subfigure(grid[i]) for i in range(2))
    times = np.linspace(0, before + adding + after, 12).round().astype(int)
    for axis, time in zip(top.subplots(1, len(times)), times, strict=True):
        axis.imshow(picture(motion.decoded[time]), cmap="gray", vmin=0, vmax=255)
        axis.set(xticks=[], yticks=[])
        axis.set_title(f"{step * time:.2g} s", fontsize=8, color=phase_colour(time, before, adding))
        axis.spines[:].set_visible(False)
    left, right = bottom.subplots(1, 2)
    left.contour(portrait.q, portrait.p, portrait.energy, 14, colors="0.8", linewidths=0.7, linestyles="solid")
    bounds = [(0, before), (before, before + adding), (before + adding, before + adding + after)]
    for (first, last), label in zip(bounds, ("the motion", "along ∇H", "the motion again"), strict=True):
        part = slice(first, last + 1)
        line = phase_colour(last, before, adding)
        left.plot(*motion.z[part].T, color=line, lw=1.2, label=label)
        right.plot(step * np.arange(first, last + 1), motion.energy[part], color=line, lw=1.5)
    left.set(xlabel="latent q", ylabel="latent p")
    left.legend(frameon=False, fontsize=8)
    right.set(xlabel="time in s", ylabel="learned H")
    for axis in (left, right):
        axis.spines[["top", "right"]].set_visible(False)
    figure.suptitle(title)
    return figure


def phase_colour(time: int, before: int, adding: int) -> str:
    """Blue for the motion, orange while energy is added."""
    return "#D55E00" if before < time <= before + adding else "#0072B2"


def task_figures(task: str, motion: TrueMotion, models: Models) -> dict[str, Figure]:
    """The film strip and the angles of one pixel task, of the first seed, by kind of figure."""
    times = frames_of(motion.t)
    angle = {cell: of_cell.sets["held_out"].x[0, 0, :, 0] for cell, of_cell in models.items()}
    return {
        "film": film_strip(
            decoded(task, models),
            times,
            in_seconds(motion.t[times]),
            f"{task}: one motion, predicted from its first two frames",
        ),
        "angle": angles(motion.t, motion.x[0, :, 0], angle, f"{task}: the angle read by a probe, each model by its map"),
    }


def energy_figures(cell: Cell, rollouts: CellRollouts) -> dict[str, Figure]:
    """The figures of a cell's learned energy, of the first seed, by kind of figure; none for a cell without an energy."""
    visuals, held_out = rollouts.visuals, rollouts.sets["held_out"]
    if not (visuals and visuals.portrait and visuals.counterfactual and held_out.z is not None):
        return {}
    step = float(held_out.t[1] - held_out.t[0])
    motion, portrait = visuals.counterfactual, visuals.portrait
    return {
        "portrait": portrait_figure(portrait, held_out.z[0, :12], f"{cell.name}: learned energy"),
        "counterfactual": counterfactual_figure(motion, portrait, step, f"{cell.name}: energy added along ∇H"),
    }
