"""The figures of the report: their order and captions."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from matplotlib.figure import Figure
from numpy import ndarray

from hnn.core.cell import Cell
from hnn.core.statistics import Interval
from hnn.core.trajectories import TrueMotion
from hnn.figures import error_curves, films, pixels, states
from hnn.figures.style import Models
from hnn.reporting.definitions import LOSSES

__all__ = ["OVERVIEW", "Group", "Shown", "captions", "drawn", "of_pixels", "of_states", "overview"]

Group = dict[str, tuple[Figure | ndarray, str]]
"""By file name: a figure, or the grey frames (time, height, width) of an animation, and its caption."""


@dataclass(frozen=True)
class Shown:
    """The arrays of one task that figures are drawn of."""

    task: str
    motions: Mapping[str, TrueMotion]
    rollouts: Models
    curves: Mapping[Cell, Mapping[str, ndarray]]
    """Columns of the training curves."""


OVERVIEW = "Errors against time"
"""Title of the figures of all tasks together."""

BANDS = "median and quartiles over seeds and starts; the dotted black line is the floor, where it is near enough to be drawn"

CAPTIONS = {
    "energy-error": f"Energy error of held-out starts over the longest horizon: {BANDS}.",
    "coordinate-error": f"Distance from the true motion of held-out starts over the longest horizon: {BANDS}.",
    "errors": f"Errors against time: {BANDS}.",
    "paths": "Paths from the same starts, the dots, by truth and models of the first seed, cut off at the frame.",
    "energy": "Energy along one motion, of the first seed: the true energy, and each learned energy.",
    "losses": "Training: mean loss and its range over the seeds; dotted black: the exact field on the same data.",
    "autoencoder": "Training of the autoencoder that both models start from: mean loss and its range over the seeds.",
    "film": "One motion in frames, of the first seed, cut off at the frame.",
    "angle": "The angle read by a polynomial probe, each model by its own map, cut off at the frame.",
    "portrait": "The learned H over latent states, and rollouts from held-out starts.",
    "counterfactual": "Energy is added midway along the gradient of the learned H; then the learned motion continues.",
}
"""Captions by kind of figure."""


def drawn(groups: Mapping[str, Group]) -> dict[str, Figure | ndarray]:
    """All figures by file name."""
    return {name: picture for group in groups.values() for name, (picture, _) in group.items()}


def captions(groups: Mapping[str, Group]) -> dict[str, dict[str, str]]:
    """The captions by file name, group by group."""
    return {title: {name: caption for name, (_, caption) in group.items()} for title, group in groups.items()}


def captioned(figures: Mapping[str, Figure], prefix: str = "") -> Group:
    """The figures, given by kind, with their captions; `prefix` begins their file names."""
    return {f"{prefix}{kind}.png": (figure, CAPTIONS[kind]) for kind, figure in figures.items()}


def animation(task: str, moving: Sequence[films.Film], scale: int) -> Group:
    """The animation of the films from left to right, magnified, with its caption."""
    frames = films.side_by_side([film.frames for film in moving], scale)
    labels = ", ".join(film.label for film in moving)
    return {f"{task}-film.gif": (frames, f"The same motion, moving. From left to right: {labels}.")}


def overview(rollouts: Mapping[str, Models]) -> Group:
    """The errors of all tasks against time."""
    return captioned(error_curves.overview(rollouts))


def of_states(shown: Shown, axes: tuple[str, str], draw: films.Draw | None, floor: Interval | None) -> Group:
    """The figures of a task whose states are observed: `axes` names q and p, `floor` is the test loss of the exact field.

    `draw` makes frames of states, if the task has a canvas.
    """
    task, motion = shown.task, shown.motions["held_out"]
    learned = {cell: of_cell for cell, of_cell in shown.rollouts.items() if not cell.is_truth}
    title = f"{task}: loss, mean and range over the seeds"
    group = captioned(
        {
            "paths": states.path_figure(task, axes, motion, learned),
            "errors": error_curves.band_figure(task, shown.rollouts),
            "energy": states.energy_figure(task, learned),
            "losses": states.losses(shown.curves, floor.mean if floor else None, title, LOSSES["states"]),
        },
        f"{task}-",
    )
    if draw is None:
        return group
    times = films.frames_of(motion.t, 10)
    strip = films.film_strip(
        films.drawn(task, draw, motion, learned, times),
        range(len(times)),
        films.in_seconds(motion.t[times]),
        f"{task}: one motion over {motion.t[-1]:.3g} s",
    )
    moving = films.drawn(task, draw, motion, learned, films.frames_of(motion.t, 101))
    return group | captioned({"film": strip}, f"{task}-") | animation(task, moving, scale=2)


def of_pixels(shown: Shown, autoencoder: Mapping[str, ndarray]) -> Group:
    """The figures of a pixel task; `autoencoder` has the training curves of the pretrained autoencoder."""
    task, rollouts = shown.task, shown.rollouts
    group = captioned(pixels.task_figures(task, shown.motions["held_out"], rollouts), f"{task}-")
    for cell, of_cell in rollouts.items():
        group |= captioned(pixels.energy_figures(cell, of_cell), f"{cell.key}-")
    title = f"{task}: loss, mean and range over the seeds"
    autoencoder_title = f"{task}: loss of the autoencoder, mean and range over the seeds"
    pretrained = {Cell(task, "autoencoder"): autoencoder}
    group |= captioned(
        {
            "errors": error_curves.band_figure(task, rollouts),
            "losses": states.losses(shown.curves, None, title, LOSSES["pixels"]),
            "autoencoder": states.losses(pretrained, None, autoencoder_title, LOSSES["pixels"]),
        },
        f"{task}-",
    )
    group |= animation(task, films.animated(films.decoded(task, rollouts)), scale=3)
    for cell, frames in films.counterfactuals(rollouts).items():
        group[f"{cell.key}-counterfactual.gif"] = frames, f"{cell.name}: energy added midway, moving."
    return group
