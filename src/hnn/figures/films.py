"""Film strips and animations: truth and models side by side, of states and of pixels."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
import torch
from matplotlib.figure import Figure
from numpy import ndarray
from torch import Tensor

from hnn.core.cell import TRUTH, Cell
from hnn.core.trajectories import TrueMotion
from hnn.figures.style import Models, colour

__all__ = [
    "CANVAS",
    "Draw",
    "Film",
    "animated",
    "counterfactuals",
    "decoded",
    "drawn",
    "film_strip",
    "frames_of",
    "in_seconds",
    "picture",
    "side_by_side",
]

CANVAS = {"pixels": 72, "channels": 3, "line_width": 0.06}
"""The canvas of films of observed states: see `hnn.rendering.canvas.Canvas`."""

Draw = Callable[..., Tensor]
"""Frames (time, channels, size, size), bytes, of states (time, 2n); those outside the canvas are cut off if not `strict`."""


class Film(NamedTuple):
    """A motion in frames."""

    cell: Cell
    """The cell that predicts the motion; the cell of the exact field for the true motion."""
    frames: ndarray
    """Bytes, (time, channels, size, size)."""
    continuous: bool = False
    """True for a rollout of the learned differential equation of a cell that was trained through a step map."""

    @property
    def label(self) -> str:
        """The name of the cell, marked if the rollout is of its differential equation."""
        return self.cell.name + " continuous" * self.continuous


def picture(frame: ndarray) -> ndarray:
    """A frame (channels, size, size) in matplotlib's layout."""
    return frame[0] if len(frame) == 1 else np.moveaxis(frame, 0, -1)


def film_strip(films: Sequence[Film], times: Sequence[int], labels: Sequence[str], title: str) -> Figure:
    """A row for each film, a column with a label for each of the `times`, which index the frames."""
    figure = Figure(figsize=(0.85 * len(times) + 1.1, 0.85 * len(films) + 0.7), layout="constrained", dpi=110)
    axis = figure.subplots()
    for row, film in enumerate(films):
        for column, time in enumerate(times):
            place = (column - 0.45, column + 0.45, row + 0.45, row - 0.45)
            axis.imshow(picture(film.frames[time]), cmap="gray", vmin=0, vmax=255, extent=place)
    axis.set(xlim=(-0.5, len(times) - 0.5), ylim=(len(films) - 0.5, -0.5))
    axis.set_xticks(range(len(times)), labels, fontsize=8)
    axis.set_yticks(range(len(films)), [film.label.replace(" ", "\n") for film in films])
    for label, film in zip(axis.get_yticklabels(), films, strict=True):
        label.set_color(colour(film.cell))
    axis.tick_params(length=0, labeltop=True, labelbottom=False)
    axis.spines[:].set_visible(False)
    figure.suptitle(title)
    return figure


def frames_of(t: ndarray, count: int = 12) -> list[int]:
    """Indices of `count` times, the first and the last among them."""
    return [int(i) for i in np.linspace(0, len(t) - 1, count).round()]


def in_seconds(t: ndarray) -> list[str]:
    """Times t (time,) in seconds as labels."""
    return [f"{one:.3g} s" for one in t]


def drawn(task: str, draw: Draw, motion: TrueMotion, models: Models, times: Sequence[int]) -> list[Film]:
    """Films of the first start at `times`, whose states are observed: truth and each model, cut off at the canvas's edge."""
    states = {Cell(task, TRUTH): motion.x[0]} | {cell: of_cell.sets["held_out"].x[0, 0] for cell, of_cell in models.items()}
    return [Film(cell, draw(torch.from_numpy(x[times]), strict=False).numpy()) for cell, x in states.items()]


def decoded(task: str, models: Models) -> list[Film]:
    """Films of the first start: truth, each cell by its trained map, and Euler cells also as an ODE."""
    visuals = {cell: of_cell.visuals for cell, of_cell in models.items() if of_cell.visuals}
    return [
        Film(Cell(task, TRUTH), next(iter(visuals.values())).film["true"]),
        *(Film(cell, of_cell.film["decoded"]) for cell, of_cell in visuals.items()),
        *(
            Film(cell, of_cell.film["continuous"], continuous=True)
            for cell, of_cell in visuals.items()
            if cell.step_map == "euler"
        ),
    ]


def animated(films: Sequence[Film]) -> list[Film]:
    """Every second frame of the films, and of Euler cells only the continuous rollouts, which keeps the animation small."""
    return [film._replace(frames=film.frames[::2]) for film in films if film.continuous or film.cell.step_map != "euler"]


def counterfactuals(models: Models) -> dict[Cell, ndarray]:
    """Every second frame, grey (time, height, width), of the counterfactual of each cell that has one."""
    visuals = {cell: of_cell.visuals for cell, of_cell in models.items() if of_cell.visuals}
    return {
        cell: side_by_side([of_cell.counterfactual.decoded[::2]])
        for cell, of_cell in visuals.items()
        if of_cell.counterfactual
    }


def side_by_side(films: Sequence[ndarray], scale: int = 3) -> ndarray:
    """Grey frames (time, height, width), bytes, of films next to each other with a grey line between, magnified."""
    grey = [film.mean(1).round().astype(np.uint8) for film in films]
    line = np.full((*grey[0].shape[:2], 1), 128, dtype=np.uint8)
    joined = np.concatenate([part for film in grey for part in (line, film)][1:], axis=-1)
    return joined.repeat(scale, axis=1).repeat(scale, axis=2)
