"""Figures of a pixel task: predicted films, angles, portraits of the learned energy, counterfactual motions."""

from collections.abc import Mapping

import numpy as np
from matplotlib.figure import Figure
from numpy import ndarray

from hnn.core.trajectories import CellRollouts, Counterfactual, Portrait, TrueMotion
from hnn.figures.films import decoded, film_strip, frames_of, picture
from hnn.figures.style import TRUTH, colour, dashes, panels

__all__ = ["angles", "counterfactual_figure", "portrait_figure", "task_figures"]


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


def angles(t: ndarray, truth: ndarray, models: Mapping[str, ndarray], title: str) -> Figure:
    """The first coordinate (time,) by each model's probe against time, and its last third enlarged."""
    figure, axes = panels(2, width=5)
    late = slice(-len(t) // 3, None)
    for axis, part in zip(axes, (slice(None), late), strict=True):
        axis.plot(t[part], truth[part], color=TRUTH, lw=1.5, label="truth")
        for name, angle in models.items():
            axis.plot(t[part], angle[part], color=colour(name), lw=1, label=name, ls=dashes(name))
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


def task_figures(task: str, motions: Mapping[str, TrueMotion], models: Mapping[str, CellRollouts]) -> dict[str, Figure]:
    """The figures of one pixel task by file name, of the first seed."""
    motion = motions["held_out"]
    step = float(motion.t[1] - motion.t[0])
    angle = {name: of_model.sets["held_out"].x[0, 0, :, 0] for name, of_model in models.items()}
    figures = {
        f"{task}-film": film_strip(
            decoded(models), frames_of(motion.t), motion.t, f"{task}: one motion, predicted from its first two frames"
        ),
        f"{task}-angle": angles(
            motion.t, motion.x[0, :, 0], angle, f"{task}: the angle read by a probe, each model by its map"
        ),
    }
    for name, of_model in models.items():
        visuals, z = of_model.visuals, of_model.sets["held_out"].z
        if visuals and visuals.portrait and visuals.counterfactual and z is not None:
            title = f"{name}: learned energy"
            figures[f"{task}-{name}-portrait"] = portrait_figure(visuals.portrait, z[0, :12], title)
            title = f"{name}: energy added along ∇H"
            figure = counterfactual_figure(visuals.counterfactual, visuals.portrait, step, title)
            figures[f"{task}-{name}-counterfactual"] = figure
    return figures
