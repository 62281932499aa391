"""Slopes of cost against size, and the page of `bench.scaling` with its figures."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullLocator

from bench.store import machine_in_words
from bench.table import duration, line

if TYPE_CHECKING:
    from bench.scaling import Study

__all__ = ["draw", "page", "slope", "write"]

Rows = Sequence[Mapping[str, Any]]
COLOURS = ("#0072B2", "#D55E00")  # of Okabe and Ito, as in the report
NEGLIGIBLE = 1.0
"""MB below which memory is not attributed to the job: the system allocates in larger pieces."""


def upper(sizes: Sequence[float]) -> int:
    """Index of the first size of the upper half, which has at least two."""
    return min(len(sizes) // 2, len(sizes) - 2)


def slope(sizes: Sequence[float], costs: Sequence[float]) -> tuple[float, float]:
    """(a, c) of cost = c size^a, by least squares on logarithms over the upper half of the sizes."""
    half = upper(sizes)
    a, b = np.polyfit(np.log(sizes[half:]), np.log(costs[half:]), 1)
    return float(a), float(np.exp(b))


def costs(rows: Rows, quantity: str) -> tuple[list[float], list[float]]:
    """(sizes, costs) of the measured points that are not negligible."""
    least = NEGLIGIBLE if quantity == "megabytes" else 0.0
    known = [row for row in rows if row[quantity] is not None and row[quantity] > least]
    return [row["size"] for row in known], [row[quantity] for row in known]


def measures_memory(rows: Rows) -> bool:
    """True if the study has measured memory."""
    return any(row["megabytes"] is not None for row in rows)


def curve(axes: Axes, rows: Rows, quantity: str, label: str, colour: str) -> None:
    """The measured points, and the line of the slope over the half that it was fitted to."""
    least = NEGLIGIBLE if quantity == "megabytes" else 0.0
    axes.plot([row["size"] for row in rows], [max(row[quantity], least) for row in rows], "o", color=colour, ms=5, label=label)
    sizes, values = costs(rows, quantity)
    if len(sizes) < 2:
        return
    a, c = slope(sizes, values)
    fitted = np.array(sizes[upper(sizes) :], dtype=float)
    axes.plot(fitted, c * fitted**a, "-", color=colour, lw=1, label=f"slope {a:.2f}")


def tidy(axes: Axes, sizes: Sequence[int]) -> None:
    """Logarithmic axes that show at least a decade, with a label at each size, or at powers of ten where there are more."""
    axes.set(xscale="log", yscale="log")
    low, high = axes.get_ylim()
    if high < 10 * low:
        axes.set_ylim((low * high) ** 0.5 / 4, (low * high) ** 0.5 * 4)
    decades = [size for size in sizes if np.log10(size).is_integer()]
    shown = decades if len(decades) > 2 else sizes
    axes.set_xticks(shown, [f"{size:,}".replace(",", "\u2009") for size in shown])
    low, high = axes.get_ylim()
    axes.yaxis.set_major_locator(LogLocator(subs=(1.0,) if high > 100 * low else (1.0, 2.0, 5.0)))
    axes.yaxis.set_major_formatter("{x:g}")
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_minor_locator(NullLocator())
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(alpha=0.3, lw=0.5)
    axes.legend(frameon=False, fontsize=8)


def draw(study: "Study", curves: Mapping[str, Rows]) -> Figure:
    """Time, and memory where it was measured, on logarithmic axes."""
    first = next(iter(curves.values()))
    panels = {"seconds": "time in s"} | (
        {"megabytes": f"peak memory in MB (at least {NEGLIGIBLE:g})"} if measures_memory(first) else {}
    )
    figure = Figure(figsize=(4.2 * len(panels), 3.4), layout="constrained", dpi=110)
    for axes, (quantity, unit) in zip(figure.subplots(1, len(panels), squeeze=False)[0], panels.items(), strict=True):
        for (label, rows), colour in zip(curves.items(), COLOURS, strict=False):
            curve(axes, rows, quantity, label, colour)
        tidy(axes, [row["size"] for row in first])
        axes.set(xlabel=study.axis, ylabel=unit)
    figure.suptitle(study.title)
    return figure


def growth(rows: Rows, quantity: str) -> str:
    """The slope as text."""
    sizes, values = costs(rows, quantity)
    if len(sizes) < 2:
        return f"stays below {max([NEGLIGIBLE, *values]):.3g} MB"
    a, _ = slope(sizes, values)
    return f"grows as size^{a:.2f} from {sizes[upper(sizes)]:,} to {sizes[-1]:,}".replace(",", " ")


def section(name: str, study: "Study", curves: Mapping[str, Rows]) -> list[str]:
    """Text, slopes, figure and numbers of one study."""
    text = [f"## {study.title}", "", study.text, "", f"![{study.title}](figures/{name}.png)", ""]
    for label, rows in curves.items():
        of = f" ({label})" if len(curves) > 1 else ""
        text.append(f"- time{of} {growth(rows, 'seconds')}")
        if measures_memory(rows):
            text.append(f"- memory{of} {growth(rows, 'megabytes')}")
    for label, rows in curves.items():
        memory = measures_memory(rows)
        text += ["", line(study.axis, f"time ({label})" if len(curves) > 1 else "time", *(["peak memory"] if memory else []))]
        text.append("|" + "---|" * (2 + memory))
        text += [
            line(f"{row['size']}", duration(row["seconds"]), *([f"{row['megabytes']:.3g} MB"] if memory else []))
            for row in rows
        ]
    return [*text, ""]


INTRODUCTION = """# How cost grows

Measured by `make scaling`, each size in a process of its own. A slope is that of a straight line through the logarithms over
the upper half of the sizes; memory is the most that the process held, less what it held before the job.
"""


def curves_of(name: str, results: Mapping[str, Rows], studies: Mapping[str, "Study"]) -> dict[str, Rows]:
    """The curves of one figure by their labels: its own, and that of the study beside it."""
    beside = studies[name].beside
    drawn = [name] if beside is None or beside not in results else [name, beside]
    return {studies[each].label or "measured": results[each] for each in drawn}


def page(results: Mapping[str, Any], studies: Mapping[str, "Study"]) -> str:
    """scaling.md: the measured studies that have a figure of their own."""
    measured = results["studies"]
    text = [INTRODUCTION, machine_in_words(results["machine"]), ""]
    for name, study in studies.items():
        if name in measured and study.title:
            text += section(name, study, curves_of(name, measured, studies))
    return "\n".join(text)


def write(results: Mapping[str, Any], studies: Mapping[str, "Study"], path: Path, figures: Path) -> None:
    """Write the page and its figures."""
    figures.mkdir(exist_ok=True)
    path.write_text(page(results, studies), encoding="utf-8")
    for name, study in studies.items():
        if name in results["studies"] and study.title:
            figure = draw(study, curves_of(name, results["studies"], studies))
            figure.savefig(figures / f"{name}.png", metadata={"Software": None})
