"""Colours, line styles and panels of all figures: truth black, models in the colours of Okabe and Ito."""

from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.colors import to_hex, to_rgb
from matplotlib.figure import Figure

from hnn.core.cell import Cell

__all__ = ["TRUTH", "colour", "dashes", "panels"]

Line = str | tuple[float, tuple[float, ...]]

TRUTH = "#000000"
COLOURS = {"truth": TRUTH, "floor": TRUTH, "baseline": "#D55E00", "hnn": "#0072B2"}
OTHERS = ("#009E73", "#CC79A7", "#E69F00", "#56B4E9")
DARKER = 0.55
"""Brightness of the colour of a cell trained through an RK4 map, relative to its model's."""

DASHED: dict[str, Line] = {"": "--", "rk4": (0, (5, 1)), "euler": "-."}
SOLID: dict[str, Line] = {"": "-", "rk4": (0, (11, 1)), "euler": ":"}
"""Line styles of the baseline, and of all other models, by step map."""


def colour(name: str) -> str:
    """The colour of a cell by its name: fixed for baseline and HNN, darker for cells trained through an RK4 map."""
    cell = Cell.of_name("", name)
    full = COLOURS.get(cell.model) or OTHERS[sum(map(ord, cell.model)) % len(OTHERS)]
    return darker(full) if cell.step_map == "rk4" else full


def darker(full: str) -> str:
    """A colour at `DARKER` of its brightness."""
    red, green, blue = to_rgb(full)
    return to_hex((DARKER * red, DARKER * green, DARKER * blue))


def dashes(name: str) -> Line:
    """The line style of a cell by its name, distinct without colour: a dashed baseline, another for each step map."""
    cell = Cell.of_name("", name)
    if cell.model in ("truth", "floor"):
        return ":"
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
