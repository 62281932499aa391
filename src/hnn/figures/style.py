"""How everything is drawn: truth black, models in colours of Okabe and Ito and lines of their own, panels without a box."""

from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.colors import to_hex, to_rgb
from matplotlib.figure import Figure

__all__ = ["TRUTH", "colour", "dashes", "panels"]

Line = str | tuple[float, tuple[float, ...]]

TRUTH = "#000000"
COLOURS = {"truth": TRUTH, "floor": TRUTH, "baseline": "#D55E00", "hnn": "#0072B2"}
OTHERS = ("#009E73", "#CC79A7", "#E69F00", "#56B4E9")
DARKER = 0.55
"""Of the brightness of a model's colour, where an RK4 map follows its name."""

BROKEN: dict[str, Line] = {"": "--", "rk4": (0, (5, 1)), "euler": "-."}
WHOLE: dict[str, Line] = {"": "-", "rk4": (0, (11, 1)), "euler": ":"}
"""The lines of the baseline and of all other models by the step map that follows the name after a dash, if any."""


def colour(model: str) -> str:
    """The colour of a model: fixed for the two that every report has; darker where it was trained through an RK4 map."""
    name, _, step_map = model.partition("-")
    full = COLOURS.get(name) or OTHERS[sum(map(ord, name)) % len(OTHERS)]
    return darker(full) if step_map == "rk4" else full


def darker(full: str) -> str:
    """A colour at `DARKER` of its brightness."""
    red, green, blue = to_rgb(full)
    return to_hex((DARKER * red, DARKER * green, DARKER * blue))


def dashes(model: str) -> Line:
    """The line of a model, so that nothing hangs on colour: HNN's whole, the baseline's broken, for each step map another."""
    name, _, step_map = model.partition("-")
    if name in ("truth", "floor"):
        return ":"
    lines = BROKEN if name == "baseline" else WHOLE
    return lines.get(step_map, lines[""])


def panels(count: int, height: float = 3.2, width: float = 3.4, shared: bool | str = False) -> tuple[Figure, Sequence[Axes]]:
    """A row of panels without the upper and right frame lines; `shared` axes are both, or those of a row."""
    figure = Figure(figsize=(width * count, height), layout="constrained", dpi=110)
    axes = figure.subplots(1, count, squeeze=False, sharex=shared is True, sharey=bool(shared))[0]
    for axis in axes:
        axis.spines[["top", "right"]].set_visible(False)
        axis.grid(color="0.92", lw=0.6)
        axis.set_axisbelow(True)
    return figure, axes
