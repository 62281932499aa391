"""Film strips and animations: truth and models side by side, of states and of pixels."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import torch
from matplotlib.figure import Figure
from numpy import ndarray
from torch import Tensor

from hnn.core.cell import Cell
from hnn.core.trajectories import CellRollouts, TrueMotion
from hnn.figures.style import TRUTH, colour

__all__ = ["CANVAS", "animated", "animations", "decoded", "drawn", "film_strip", "frames_of", "picture"]

CANVAS = {"pixels": 72, "channels": 3, "line_width": 0.06}
"""The canvas of films of observed states: see `hnn.rendering.canvas.Canvas`."""

Films = Mapping[str, ndarray]
"""Frames (time, channels, size, size), bytes, by model or `truth`."""


def picture(frame: ndarray) -> ndarray:
    """A frame (channels, size, size) in matplotlib's layout."""
    return frame[0] if len(frame) == 1 else np.moveaxis(frame, 0, -1)


def film_strip(films: Films, times: Sequence[int], seconds: ndarray, title: str) -> Figure:
    """A row for each film, a column for each of the `times`, which index the frames and their `seconds` (time,)."""
    figure = Figure(figsize=(0.85 * len(times) + 1.1, 0.85 * len(films) + 0.7), layout="constrained", dpi=110)
    axis = figure.subplots()
    for row, film in enumerate(films.values()):
        for column, time in enumerate(times):
            place = (column - 0.45, column + 0.45, row + 0.45, row - 0.45)
            axis.imshow(picture(film[time]), cmap="gray", vmin=0, vmax=255, extent=place)
    axis.set(xlim=(-0.5, len(times) - 0.5), ylim=(len(films) - 0.5, -0.5))
    axis.set_xticks(range(len(times)), [f"{seconds[time]:.3g} s" for time in times], fontsize=8)
    axis.set_yticks(range(len(films)), list(films))
    for label, name in zip(axis.get_yticklabels(), films, strict=True):
        label.set_color(TRUTH if name == "truth" else colour(name))
    axis.tick_params(length=0, labeltop=True, labelbottom=False)
    axis.spines[:].set_visible(False)
    figure.suptitle(title)
    return figure


def frames_of(t: ndarray, count: int = 12) -> list[int]:
    """Indices of `count` times, the first and the last among them."""
    return [int(i) for i in np.linspace(0, len(t) - 1, count).round()]


def drawn(
    task: str,
    draw: Callable[..., Tensor],
    motions: Mapping[str, TrueMotion],
    models: Mapping[str, CellRollouts],
) -> dict[str, Figure]:
    """The film strip of a task whose states are observed: `draw` makes frames of states, cut off at the edge of the canvas."""
    motion = motions["held_out"]
    times = frames_of(motion.t, 10)
    states = {"truth": motion.x[0]} | {name: of_model.sets["held_out"].x[0, 0] for name, of_model in models.items()}
    strips = {name: draw(torch.from_numpy(x[times]), strict=False).numpy() for name, x in states.items()}
    title = f"{task}: one motion over {motion.t[-1]:.3g} s"
    return {f"{task}-film": film_strip(strips, range(len(times)), motion.t[times], title)}


def animated(
    task: str,
    draw: Callable[..., Tensor],
    motions: Mapping[str, TrueMotion],
    models: Mapping[str, CellRollouts],
) -> dict[str, ndarray]:
    """The animation of the same motion by file name: grey frames (time, height, width) of truth and models side by side."""
    motion = motions["held_out"]
    times = frames_of(motion.t, 101)
    states = [motion.x[0], *(of_model.sets["held_out"].x[0, 0] for of_model in models.values())]
    return {f"{task}-film": side_by_side([draw(torch.from_numpy(x[times]), strict=False).numpy() for x in states], 2)}


def side_by_side(films: Sequence[ndarray], scale: int = 3) -> ndarray:
    """Grey frames (time, height, width), bytes, of films next to each other with a grey line between, magnified."""
    grey = [film.mean(1).round().astype(np.uint8) for film in films]
    line = np.full((*grey[0].shape[:2], 1), 128, dtype=np.uint8)
    joined = np.concatenate([part for film in grey for part in (line, film)][1:], axis=-1)
    return joined.repeat(scale, axis=1).repeat(scale, axis=2)


def decoded(models: Mapping[str, CellRollouts]) -> dict[str, ndarray]:
    """The true film of the first start, those decoded from rollouts by the trained maps, and from Euler maps as an ODE."""
    visuals = {name: of_model.visuals for name, of_model in models.items() if of_model.visuals}
    films = {"truth": next(iter(visuals.values())).film["true"]}
    films |= {name: seen.film["decoded"] for name, seen in visuals.items()}
    return films | {f"{name}\ncontinuous": seen.film["continuous"] for name, seen in visuals.items() if through_euler(name)}


def through_euler(name: str) -> bool:
    """True for the name of a cell that was trained through an Euler map."""
    return Cell.of_name("", name).step_map == "euler"


def animations(task: str, models: Mapping[str, CellRollouts]) -> dict[str, ndarray]:
    """Grey frames (time, height, width) by file name: truth and models side by side, and each counterfactual.

    Every second frame, and of Euler maps only the published, continuous rollouts, to keep the files small.
    """
    shown = [film[::2] for name, film in decoded(models).items() if not through_euler(name)]
    films = {f"{task}-film": side_by_side(shown)}
    for name, of_model in models.items():
        if of_model.visuals and of_model.visuals.counterfactual:
            films[f"{task}-{name}-counterfactual"] = side_by_side([of_model.visuals.counterfactual.decoded[::2]])
    return films
