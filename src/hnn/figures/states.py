"""Figures of a task whose states are observed: paths, energies, losses."""

from collections.abc import Mapping

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy import ndarray
from scipy.interpolate import CubicSpline

from hnn.core.cell import TRUTH, Cell
from hnn.core.trajectories import TrueMotion
from hnn.figures.style import BLACK, DOTTED, Models, colour, dashes, panels
from hnn.reporting.formatting import number

__all__ = ["energies", "energy_figure", "losses", "orbits", "path_figure", "portraits"]


def portraits(t: ndarray, truth: ndarray, models: Mapping[Cell, ndarray], title: str, labels: tuple[str, str]) -> Figure:
    """Phase portraits, p over q: the true motion (starts, time, 2), then each model's rollouts from the same starts.

    `labels` are those of q and p. Between the times `t` a line is a cubic spline.
    """
    figure, axes = panels(1 + len(models), shared=True)
    fine = np.linspace(t[0], t[-1], 8 * len(t))
    for axis, (name, line_colour, x) in zip(axes, beside(truth, models), strict=True):
        for motion in x:
            kept = np.isfinite(motion).all(-1)
            if kept.sum() > 1:
                line = CubicSpline(t[kept], motion[kept])(fine[fine <= t[kept][-1]])
                axis.plot(line[:, 0], line[:, 1], lw=0.8, color=line_colour)
        axis.plot(truth[:, 0, 0], truth[:, 0, 1], "o", ms=4, color=BLACK)
        axis.set_title(name)
        axis.set_xlabel(labels[0])
    reach = 1.4 * np.abs(truth).max((0, 1))
    axes[0].set(ylabel=labels[1], xlim=(-reach[0], reach[0]), ylim=(-reach[1], reach[1]))
    figure.suptitle(title)
    return figure


def beside(truth: ndarray, models: Mapping[Cell, ndarray]) -> list[tuple[str, str, ndarray]]:
    """Name, colour and states of the truth, then of each model."""
    return [(TRUTH, BLACK, truth), *((cell.name, colour(cell), x) for cell, x in models.items())]


def orbits(truth: ndarray, models: Mapping[Cell, ndarray], title: str) -> Figure:
    """Paths in the plane, in metres, of two bodies: states (time, 8) with positions first."""
    figure, axes = panels(1 + len(models), shared=True)
    for axis, (name, line_colour, x) in zip(axes, beside(truth, models), strict=True):
        for body, style in ((0, "-"), (2, "--")):
            axis.plot(x[:, body], x[:, body + 1], style, lw=0.9, color=line_colour)
            axis.plot(*truth[0, body : body + 2], "o", ms=4, color=BLACK)
        axis.set_title(name)
        axis.set_aspect("equal")
        axis.set_xlabel("x in m")
    reach = 1.6 * np.abs(truth[:, :4]).max()
    axes[0].set(xlim=(-reach, reach), ylim=(-reach, reach), ylabel="y in m")
    figure.suptitle(title)
    return figure


def energies(
    t: ndarray, truth: ndarray, models: Mapping[Cell, ndarray], learned: Mapping[Cell, ndarray], title: str
) -> Figure:
    """Left: the true energy along the true motion and along each rollout; right: each learned H along its own rollout.

    All (time,), in joules; a learned H is known up to a constant, which is chosen to match the true energy of the start.
    """
    figure, axes = panels(2, width=5)
    shifted = {cell: energy - energy[0] + truth[0] for cell, energy in learned.items()}
    for axis, lines, end in zip(axes, (models, shifted), ("", ": its learned H"), strict=True):
        axis.plot(t, truth, color=BLACK, lw=1.5, label=TRUTH)
        for cell, energy in lines.items():
            axis.plot(t, energy, ls=dashes(cell), color=colour(cell), lw=1.2, label=cell.name + end)
    shown = np.concatenate([truth, *shifted.values()])
    span = max(np.ptp(shown), abs(truth[0]) / 2)  # a diverging energy leaves the frame and does not compress the others
    low = max(min(a.get_ylim()[0] for a in axes), shown.min() - span)
    high = min(max(a.get_ylim()[1] for a in axes), shown.max() + span)
    for axis, lines, name in zip(
        axes, (models, shifted), ("true energy of each motion", "learned energy of each model"), strict=True
    ):
        axis.set(xlabel="time in s", title=name, ylim=(low, high))
        axis.legend(frameon=False, fontsize=9)
        leaving(axis, lines)
    axes[0].set_ylabel("energy in J")
    figure.suptitle(title)
    return figure


def leaving(axis: Axes, lines: Mapping[Cell, ndarray]) -> None:
    """Write the range of each line (time,) that leaves the panel at its right edge."""
    low, high = axis.get_ylim()
    ends = {cell: (np.nanmin(line), np.nanmax(line)) for cell, line in lines.items() if np.isfinite(line).any()}
    gone = {cell: (least, most) for cell, (least, most) in ends.items() if least < low or most > high}
    for row, (cell, (least, most)) in enumerate(gone.items()):
        text = f"{cell.name} leaves this frame: {number(least)} to {number(most)} J"
        box, y = {"color": "white", "alpha": 0.8, "pad": 1}, 0.04 + 0.09 * row
        axis.text(0.99, y, text, transform=axis.transAxes, fontsize=9, color=colour(cell), ha="right", bbox=box)


def losses(curves: Mapping[Cell, Mapping[str, ndarray]], floor: float | None, title: str, meaning: str) -> Figure:
    """Losses on training and test data against steps, a line for each cell: mean and range over the seeds, on a log axis.

    `curves[cell]` has the columns of data/curves; `floor` is the test loss of the exact field; `meaning` names the
    quantity whose mean square error the loss is.
    """
    figure, axes = panels(2, width=5, shared="row")
    for axis, part in zip(axes, ("train", "test"), strict=True):
        for cell, columns in curves.items():
            seeds = np.stack([column for key, column in columns.items() if key.startswith(f"{part}_loss.")])
            axis.fill_between(columns["step"], seeds.min(0), seeds.max(0), color=colour(cell), alpha=0.2, lw=0)
            axis.plot(columns["step"], columns[f"{part}_loss"], ls=dashes(cell), color=colour(cell), lw=1.2, label=cell.name)
        axis.set(yscale="log", xlabel="step", title={"train": "training data", "test": "test data"}[part])
    if floor:
        axes[1].axhline(floor, ls=DOTTED, color=BLACK, lw=1.2, label=TRUTH)
    axes[0].set_ylabel(f"loss: mean square error of\n{meaning}")
    axes[1].legend(frameon=False, fontsize=9)
    figure.suptitle(title)
    return figure


def path_figure(task: str, labels: tuple[str, str], motion: TrueMotion, models: Models) -> Figure:
    """Paths of the first seed at the published horizon."""
    rollouts = {cell: of_cell.sets["held_out"] for cell, of_cell in models.items()}
    seconds = f"{motion.t[-1]:.3g} s"
    if motion.x.shape[-1] == 2:
        several = {cell: r.x[0, :3] for cell, r in rollouts.items()}
        return portraits(motion.t, motion.x[:3], several, f"{task}: three motions over {seconds}", labels)
    return orbits(motion.x[0], {cell: r.x[0, 0] for cell, r in rollouts.items()}, f"{task}: one motion over {seconds}")


def energy_figure(task: str, models: Models) -> Figure:
    """Energies of the first seed over the longest horizon."""
    rollouts = {cell: of_cell.longest for cell, of_cell in models.items()}
    first = next(iter(rollouts.values()))
    return energies(
        first.t,
        first.true_energy[0],
        {cell: r.energy[0, 0] for cell, r in rollouts.items()},
        {cell: r.learned[0, 0] for cell, r in rollouts.items() if r.learned is not None},
        f"{task}: energy along one motion over {first.t[-1]:.3g} s",
    )
