"""The figures of the report: their order and captions."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from matplotlib.figure import Figure
from numpy import ndarray
from torch import Tensor

from hnn.core.cell import TRUTH
from hnn.core.statistics import Interval
from hnn.core.trajectories import TrueMotion
from hnn.figures import error_curves, films, pixels, states
from hnn.reporting.definitions import LOSSES

__all__ = ["OVERVIEW", "Group", "Shown", "captions", "drawn", "of_pixels", "of_states", "overview"]

Group = dict[str, tuple[Figure | ndarray, str]]
"""By file name: a figure, or the grey frames (time, height, width) of an animation, and its caption."""

Draw = Callable[..., Tensor]


@dataclass(frozen=True)
class Shown:
    """The arrays of one task that figures are drawn of."""

    task: str
    motions: Mapping[str, TrueMotion]
    rollouts: error_curves.Models
    """Rollouts by the names of the cells."""
    curves: Mapping[str, Mapping[str, ndarray]]
    """Columns of the training curves by model."""


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
    "angle": "The angle read by a linear probe, each model by its own map, cut off at the frame.",
    "portrait": "The learned H over latent states, and rollouts from held-out starts.",
    "counterfactual": "Energy is added midway along the gradient of the learned H; then the learned motion continues.",
}
"""Captions by the name of the figure without task and model."""


def drawn(groups: Mapping[str, Group]) -> dict[str, Figure | ndarray]:
    """All figures by file name."""
    return {name: picture for group in groups.values() for name, (picture, _) in group.items()}


def captions(groups: Mapping[str, Group]) -> dict[str, dict[str, str]]:
    """The captions by file name, group by group."""
    return {title: {name: caption for name, (_, caption) in group.items()} for title, group in groups.items()}


def captioned(figures: Mapping[str, Figure]) -> Group:
    """The figures with their captions."""
    return {
        f"{name}.png": (figure, CAPTIONS.get(name) or CAPTIONS[name.rsplit("-", 1)[-1]]) for name, figure in figures.items()
    }


def animated(task: str, moving: Mapping[str, ndarray], shown: list[str]) -> Group:
    """Animations with captions: the motion, with the films `shown` from left to right, and each model's counterfactual."""
    group: Group = {}
    for name, film in moving.items():
        model = name.removeprefix(f"{task}-").removesuffix("-counterfactual")
        motion = f"The same motion, moving. From left to right: {', '.join(shown)}."
        group[f"{name}.gif"] = film, motion if model == "film" else f"{model}: energy added midway, moving."
    return group


def overview(rollouts: Mapping[str, error_curves.Models]) -> Group:
    """The errors of all tasks against time."""
    return captioned(error_curves.overview(rollouts))


def of_states(shown: Shown, axes: tuple[str, str], draw: Draw | None, floor: Interval | None) -> Group:
    """The figures of a task whose states are observed: `axes` names q and p, `floor` is the test loss of the exact field.

    `draw` makes frames of states, if the task has a canvas.
    """
    task, motions = shown.task, shown.motions
    learned = {model: of_model for model, of_model in shown.rollouts.items() if model != TRUTH}
    paths, energy = states.task_figures(task, axes, motions, learned).items()
    figures = dict([paths, (f"{task}-errors", error_curves.band_figure(task, shown.rollouts)), energy])
    figures[f"{task}-losses"] = states.losses(
        shown.curves, floor.mean if floor else None, f"{task}: loss, mean and range over the seeds", LOSSES["states"]
    )
    if draw is None:
        return captioned(figures)
    figures |= films.drawn(task, draw, motions, learned)
    return captioned(figures) | animated(task, films.animated(task, draw, motions, learned), ["truth", *learned])


def of_pixels(shown: Shown, autoencoder: Mapping[str, ndarray]) -> Group:
    """The figures of a pixel task; `autoencoder` has the training curves of the pretrained autoencoder."""
    task, rollouts = shown.task, shown.rollouts
    figures = pixels.task_figures(task, shown.motions, rollouts) | {f"{task}-errors": error_curves.band_figure(task, rollouts)}
    figures[f"{task}-losses"] = states.losses(
        shown.curves, None, f"{task}: loss, mean and range over the seeds", LOSSES["pixels"]
    )
    title = f"{task}: loss of the autoencoder, mean and range over the seeds"
    figures[f"{task}-autoencoder"] = states.losses({"autoencoder": autoencoder}, None, title, LOSSES["pixels"])
    names = [name.replace("\n", " ") for name in films.decoded(rollouts) if not films.through_euler(name)]
    return captioned(figures) | animated(task, films.animations(task, rollouts), names)
