"""Arrays to figures, in one style: truth black, models in colours of Okabe and Ito and lines of their own. Reads no file."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy import ndarray
from scipy.interpolate import CubicSpline

from hnn.trajectories import TrueMotion

__all__ = ["TRUTH", "ablation", "colour", "dashes", "energies", "losses", "orbits", "panels", "portraits", "task_figures"]

TRUTH = "#000000"
COLOURS = {"truth": TRUTH, "floor": TRUTH, "baseline": "#D55E00", "hnn": "#0072B2"}
OTHERS = ("#009E73", "#CC79A7", "#E69F00", "#56B4E9")


def colour(model: str) -> str:
    """The colour of a model: fixed for the two that every report has, whatever step map follows the name after a dash."""
    name = model.split("-")[0]
    return COLOURS.get(name) or OTHERS[sum(map(ord, name)) % len(OTHERS)]


def dashes(model: str) -> str:
    """The line of a model, so that nothing hangs on colour: HNN's whole, the baseline's broken; dots after an Euler map."""
    name, *step_map = model.split("-")
    if name in ("truth", "floor"):
        return ":"
    return {"baseline": ("--", "-.")}.get(name, ("-", ":"))[step_map == ["euler"]]


def panels(count: int, height: float = 3.2, width: float = 3.4, shared: bool | str = False) -> tuple[Figure, Sequence[Axes]]:
    """A row of panels without the upper and right frame lines; `shared` axes are both, or those of a row."""
    figure = Figure(figsize=(width * count, height), layout="constrained", dpi=110)
    axes = figure.subplots(1, count, squeeze=False, sharex=shared is True, sharey=bool(shared))[0]
    for axis in axes:
        axis.spines[["top", "right"]].set_visible(False)
        axis.grid(color="0.92", lw=0.6)
        axis.set_axisbelow(True)
    return figure, axes


def portraits(t: ndarray, truth: ndarray, models: Mapping[str, ndarray], title: str, labels: tuple[str, str]) -> Figure:
    """Phase portraits, p over q: the true motion (starts, time, 2), then each model's rollouts from the same starts.

    `labels` are those of q and p. Between the times `t` a line is a cubic spline.
    """
    figure, axes = panels(1 + len(models), shared=True)
    fine = np.linspace(t[0], t[-1], 8 * len(t))
    for axis, (name, x) in zip(axes, [("truth", truth), *models.items()], strict=True):
        for motion in x:
            kept = np.isfinite(motion).all(-1)
            if kept.sum() > 1:
                line = CubicSpline(t[kept], motion[kept])(fine[fine <= t[kept][-1]])
                axis.plot(line[:, 0], line[:, 1], lw=0.8, color=colour(name))
        axis.plot(truth[:, 0, 0], truth[:, 0, 1], "o", ms=4, color=TRUTH)
        axis.set_title(name)
        axis.set_xlabel(labels[0])
    reach = 1.4 * np.abs(truth).max((0, 1))
    axes[0].set(ylabel=labels[1], xlim=(-reach[0], reach[0]), ylim=(-reach[1], reach[1]))
    figure.suptitle(title)
    return figure


def orbits(truth: ndarray, models: Mapping[str, ndarray], title: str) -> Figure:
    """Paths in the plane, in metres, of two bodies: states (time, 8) with positions first."""
    figure, axes = panels(1 + len(models), shared=True)
    for axis, (name, x) in zip(axes, [("truth", truth), *models.items()], strict=True):
        for body, style in ((0, "-"), (2, "--")):
            axis.plot(x[:, body], x[:, body + 1], style, lw=0.9, color=colour(name))
            axis.plot(*truth[0, body : body + 2], "o", ms=4, color=TRUTH)
        axis.set_title(name)
        axis.set_aspect("equal")
        axis.set_xlabel("x in m")
    reach = 1.6 * np.abs(truth[:, :4]).max()
    axes[0].set(xlim=(-reach, reach), ylim=(-reach, reach), ylabel="y in m")
    figure.suptitle(title)
    return figure


def energies(t: ndarray, truth: ndarray, models: Mapping[str, ndarray], learned: Mapping[str, ndarray], title: str) -> Figure:
    """Left: the true energy along the true motion and along each rollout; right: each learned H along its own rollout.

    All (time,), in joules; a learned H is known up to a constant and is drawn from the true energy of the start.
    """
    figure, axes = panels(2, width=5)
    believed = {name: energy - energy[0] + truth[0] for name, energy in learned.items()}
    for axis, lines, end in zip(axes, (models, believed), ("", ": its learned H"), strict=True):
        axis.plot(t, truth, color=TRUTH, lw=1.5, label="truth")
        for name, energy in lines.items():
            axis.plot(t, energy, dashes(name), color=colour(name), lw=1.2, label=name + end)
    shown = np.concatenate([truth, *believed.values()])
    span = max(np.ptp(shown), abs(truth[0]) / 2)  # an energy that explodes leaves the frame rather than flatten the others
    low = max(min(a.get_ylim()[0] for a in axes), shown.min() - span)
    high = min(max(a.get_ylim()[1] for a in axes), shown.max() + span)
    for axis, name in zip(axes, ("true energy of each motion", "what each model believes"), strict=True):
        axis.set(xlabel="time in s", title=name, ylim=(low, high))
        axis.legend(frameon=False, fontsize=9)
    axes[0].set_ylabel("energy in J")
    figure.suptitle(title)
    return figure


def losses(curves: Mapping[str, Mapping[str, ndarray]], floor: float | None, title: str) -> Figure:
    """Losses on training and test data against steps, a line for each model: mean and range over the seeds, on a log axis.

    `curves[model]` has the columns of metrics/curves; `floor` is the test loss of the exact field.
    """
    figure, axes = panels(2, width=5, shared="row")
    for axis, part in zip(axes, ("train", "test"), strict=True):
        for name, columns in curves.items():
            seeds = np.stack([column for key, column in columns.items() if key.startswith(f"{part}_loss.")])
            axis.fill_between(columns["step"], seeds.min(0), seeds.max(0), color=colour(name), alpha=0.2, lw=0)
            axis.plot(columns["step"], columns[f"{part}_loss"], dashes(name), color=colour(name), lw=1.2, label=name)
        axis.set(yscale="log", xlabel="step", title={"train": "training data", "test": "test data"}[part])
    if floor:
        axes[1].axhline(floor, ls=dashes("truth"), color=TRUTH, lw=1.2, label="truth")
    axes[0].set_ylabel("loss")
    axes[1].legend(frameon=False, fontsize=9)
    figure.suptitle(title)
    return figure


def task_figures(
    task: str, labels: tuple[str, str], motions: Mapping[str, TrueMotion], models: Mapping[str, Mapping[str, Any]]
) -> dict[str, Figure]:
    """Paths at the published horizon and energies over the longest, of the first seed, by file name."""
    motion, rolled = motions["held_out"], {name: found["held_out"] for name, found in models.items()}
    seconds = f"{motion.t[-1]:.3g} s"
    if motion.x.shape[-1] == 2:
        several = {name: r["x"][0, :3] for name, r in rolled.items()}
        paths = portraits(motion.t, motion.x[:3], several, f"{task}: three motions over {seconds}", labels)
    else:
        paths = orbits(motion.x[0], {name: r["x"][0, 0] for name, r in rolled.items()}, f"{task}: one motion over {seconds}")
    rolled = {name: found.get("long", found["held_out"]) for name, found in models.items()}
    first = next(iter(rolled.values()))
    energy = energies(
        first["t"],
        first["true_energy"][0],
        {name: r["energy"][0, 0] for name, r in rolled.items()},
        {name: r["learned"][0, 0] for name, r in rolled.items() if "learned" in r},
        f"{task}: energy along one motion over {first['t'][-1]:.3g} s",
    )
    return {f"{task}-paths": paths, f"{task}-energy": energy}


UNITS = {
    "test_loss": "mean square of dx/dt",
    "energy_error": "standard deviations of energy",
    "coordinate_error": "sizes of the true motion",
}


def ablation(rows: Sequence[Mapping[str, Any]], quantities: Sequence[str], label: str) -> Figure:
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
