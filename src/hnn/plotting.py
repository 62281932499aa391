"""Arrays to figures, in one style: truth black, models in colours of Okabe and Ito, each axis with its unit. Reads no file."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy import ndarray

from hnn.trajectories import TrueMotion

__all__ = [
    "TRUTH",
    "ablation",
    "colour",
    "dashes",
    "energies",
    "error_bands",
    "orbits",
    "overview",
    "panels",
    "portraits",
    "task_figures",
]

TRUTH = "#000000"
COLOURS = {"baseline": "#D55E00", "hnn": "#0072B2"}
OTHERS = ("#009E73", "#CC79A7", "#E69F00", "#56B4E9")


def colour(model: str) -> str:
    """The colour of a model: fixed for the two that every report has, whatever step map follows the name after a dash."""
    name = model.split("-")[0]
    return COLOURS.get(name) or OTHERS[sum(map(ord, name)) % len(OTHERS)]


def dashes(model: str) -> str:
    """The line of a model: dashed if it was trained through an Euler map."""
    return "--" if model.endswith("-euler") else "-"


def panels(count: int, height: float = 3.2, width: float = 3.4, shared: bool = False) -> tuple[Figure, Sequence[Axes]]:
    """A row of panels without the upper and right frame lines."""
    figure = Figure(figsize=(width * count, height), layout="constrained", dpi=110)
    axes = figure.subplots(1, count, squeeze=False, sharex=shared, sharey=shared)[0]
    for axis in axes:
        axis.spines[["top", "right"]].set_visible(False)
    return figure, axes


def portraits(truth: ndarray, models: Mapping[str, ndarray], title: str) -> Figure:
    """Phase portraits, p over q: the true motion (starts, time, 2), then each model's rollouts from the same starts."""
    figure, axes = panels(1 + len(models), shared=True)
    for axis, (name, x) in zip(axes, [("truth", truth), *models.items()], strict=True):
        for motion in x:
            axis.plot(motion[:, 0], motion[:, 1], lw=0.5, color=TRUTH if name == "truth" else colour(name))
        axis.plot(truth[:, 0, 0], truth[:, 0, 1], "o", ms=3, color=TRUTH)
        axis.set_title(name)
        axis.set_xlabel("position q")
    axes[0].set_ylabel("momentum p")
    figure.suptitle(title)
    return figure


def orbits(truth: ndarray, models: Mapping[str, ndarray], title: str) -> Figure:
    """Paths in the plane, in metres, of two bodies: states (time, 8) with positions first."""
    figure, axes = panels(1 + len(models), shared=True)
    for axis, (name, x) in zip(axes, [("truth", truth), *models.items()], strict=True):
        for body, style in ((0, "-"), (2, "--")):
            axis.plot(x[:, body], x[:, body + 1], style, lw=0.8, color=TRUTH if name == "truth" else colour(name))
            axis.plot(*truth[0, body : body + 2], "o", ms=4, color=TRUTH)
        axis.set_title(name)
        axis.set_aspect("equal")
        axis.set_xlabel("x in m")
    reach = 2 * np.abs(truth[:, :4]).max()
    axes[0].set(xlim=(-reach, reach), ylim=(-reach, reach), ylabel="y in m")
    figure.suptitle(title)
    return figure


def energies(t: ndarray, truth: ndarray, models: Mapping[str, ndarray], learned: Mapping[str, ndarray], title: str) -> Figure:
    """Left: the true energy along the true motion and along each rollout; right: each learned H along its own rollout.

    All (time,), in joules; a learned H is known up to a constant and is drawn from the true energy of the start.
    """
    figure, axes = panels(2, width=5)
    axes[0].plot(t, truth, color=TRUTH, lw=1.5, label="truth")
    for name, energy in models.items():
        axes[0].plot(t, energy, color=colour(name), lw=1, label=name)
    axes[1].plot(t, truth, color=TRUTH, lw=1.5, label="true energy of the true motion")
    for name, energy in learned.items():
        axes[1].plot(t, energy - energy[0] + truth[0], color=colour(name), lw=1, label=f"learned H of {name}")
    shown = np.concatenate([truth, *(energy - energy[0] + truth[0] for energy in learned.values())])
    span = max(np.ptp(shown), abs(truth[0]) / 2)  # an energy that explodes leaves the frame rather than flatten the others
    low = max(min(a.get_ylim()[0] for a in axes), shown.min() - span)
    high = min(max(a.get_ylim()[1] for a in axes), shown.max() + span)
    for axis, name in zip(axes, ("true energy of each motion", "what each model believes"), strict=True):
        axis.set(xlabel="time in s", title=name, ylim=(low, high))
        axis.legend(frameon=False, fontsize=8)
    axes[0].set_ylabel("energy in J")
    figure.suptitle(title)
    return figure


def error_bands(t: Mapping[str, ndarray], errors: Mapping[str, Mapping[str, ndarray]], label: str) -> Figure:
    """One panel for each task: the median over seeds and starts of an error against time, with its quartiles, on a log axis.

    `errors[task][model]` has shape (seeds, starts, time); rollouts that are lost count as infinitely wrong.
    """
    figure, axes = panels(len(errors), width=3.2)
    first = next(iter(errors.values()))
    for axis, (task, models) in zip(axes, errors.items(), strict=True):
        for name, error in models.items():
            low, median, high = np.quantile(np.nan_to_num(error, nan=np.inf), [0.25, 0.5, 0.75], axis=(0, 1), method="nearest")
            shown = slice(1, None)  # at t = 0 all errors are zero
            axis.fill_between(t[task][shown], low[shown], high[shown], color=colour(name), alpha=0.2, lw=0)
            axis.plot(t[task][shown], median[shown], dashes(name), color=colour(name), lw=1.2, label=name)
        axis.set(yscale="log", title=task, xlabel="time in s")
        if axis is axes[0] or set(models) != set(first):
            axis.legend(frameon=False, fontsize=8)
    axes[0].set_ylabel(label)
    return figure


def overview(rollouts: Mapping[str, Mapping[str, Mapping[str, Mapping[str, ndarray]]]]) -> dict[str, Figure]:
    """The energy error over the longest horizon of each task, and the distance from the true motion over the published one.

    `rollouts[task][model][starts]` holds the arrays of `hnn.evaluation.roll`.
    """
    longest = {
        task: {m: found.get("long", found["held_out"]) for m, found in models.items()} for task, models in rollouts.items()
    }
    held_out = {task: {m: found["held_out"] for m, found in models.items()} for task, models in rollouts.items()}

    def times(sets: Mapping[str, Mapping[str, Mapping[str, ndarray]]]) -> dict[str, ndarray]:
        return {task: next(iter(models.values()))["t"] for task, models in sets.items()}

    energy = {
        task: {m: np.abs(r["energy"] - r["true_energy"]) / r["energy_scale"] for m, r in models.items()}
        for task, models in longest.items()
    }
    distance = {task: {m: r["distance"] for m, r in models.items()} for task, models in held_out.items()}
    return {
        "energy-error": error_bands(times(longest), energy, "energy error / spread in the data"),
        "coordinate-error": error_bands(times(held_out), distance, "distance from truth / size"),
    }


def task_figures(task: str, motions: Mapping[str, TrueMotion], models: Mapping[str, Mapping[str, Any]]) -> dict[str, Figure]:
    """The figures of one task by file name, over its longest horizon, of the first seed."""
    starts = "long" if "long" in motions else "held_out"
    motion, rolled = motions[starts], {name: found[starts] for name, found in models.items()}
    seconds = f"{motion.t[-1]:.3g} s"
    if motion.x.shape[-1] == 2:
        paths = portraits(
            motion.x[:3], {name: r["x"][0, :3] for name, r in rolled.items()}, f"{task}: three motions over {seconds}"
        )
    else:
        paths = orbits(motion.x[0], {name: r["x"][0, 0] for name, r in rolled.items()}, f"{task}: one motion over {seconds}")
    return {
        f"{task}-paths": paths,
        f"{task}-energy": energies(
            motion.t,
            next(iter(rolled.values()))["true_energy"][0],
            {name: r["energy"][0, 0] for name, r in rolled.items()},
            {name: r["learned"][0, 0] for name, r in rolled.items() if "learned" in r},
            f"{task}: energy along one motion over {seconds}",
        ),
    }


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
