"""Colours, line styles and panels of all figures: truth black, models in the colours of Okabe and Ito."""

from collections.abc import Mapping, Sequence

from matplotlib.axes import Axes
from matplotlib.colors import to_hex, to_rgb
from matplotlib.figure import Figure

from hnn.core.cell import TRUTH, Cell
from hnn.core.trajectories import CellRollouts

__all__ = ["BLACK", "DOTTED", "FLOOR", "FLOORS", "Models", "colour", "dashes", "model_colour", "panels"]

Models = Mapping[Cell, CellRollouts]
"""The rollouts of the cells of a task."""

Line = str | tuple[float, tuple[float, ...]]

FLOOR = "floor"
"""Model name of the errors of the probes on the true frames, the floor of a pixel task."""
FLOORS = (TRUTH, FLOOR)

BLACK = "#000000"
COLOURS = {TRUTH: BLACK, FLOOR: BLACK, "baseline": "#D55E00", "hnn": "#0072B2"}
OTHERS = ("#009E73", "#CC79A7", "#E69F00", "#56B4E9")
DARKER = 0.55
"""Brightness of the colour of a cell trained through an RK4 map, relative to its model's."""

DASHED: dict[str, Line] = {"": "--", "rk4": (0, (5, 1)), "euler": "-."}
SOLID: dict[str, Line] = {"": "-", "rk4": (0, (11, 1)), "euler": ":"}
"""Line styles of the baseline, and of all other models, by step map."""
DOTTED = ":"
"""Line style of the floors."""


def colour(cell: Cell) -> str:
    """The colour of a cell: its model's, darker if the cell is trained through an RK4 map."""
    full = model_colour(cell.model)
    return darker(full) if cell.step_map == "rk4" else full


def model_colour(model: str) -> str:
    """The colour of a model: fixed for baseline and HNN, one of `OTHERS` by its name for the rest."""
    return COLOURS.get(model) or OTHERS[sum(map(ord, model)) % len(OTHERS)]


def darker(full: str) -> str:
    """A colour at `DARKER` of its brightness."""
    red, green, blue = to_rgb(full)
    return to_hex((DARKER * red, DARKER * green, DARKER * blue))


def dashes(cell: Cell) -> Line:
    """The line style of a cell, distinct without colour: a dashed baseline, another for each step map."""
    if cell.model in FLOORS:
        return DOTTED
    lines = DASHED if cell.model == "baseline" else SOLID
    return lines.get(cell.step_map, lines[""])


def panels(count: int, height: float = 3.2, width: float = 3.4, shared: bool | str = False) -> tuple[Figure, Sequence[Axes]]:
    """A row of panels without the upper and right frame lines; `shared` axes are both, or those of a row."""
    figure = Figure(figsize=(width * count, height), layout="constrained", dpi=110)
    axes = figure.subplots(1, count, squeeze=False, sharex=shared is True, sharey=bool(shared))[0]
    for axis in axes:
        axis.spines[["top", "right"]].set_visible(False)
        axis.grid(color="0.92", lw=0.6)
        axis.set_axisbelow(True)
    return figure, axes
