"""`make paper`: the published recipe's results beside the published table, row by row, each with a verdict."""

import csv
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from statistics import fmean
from typing import Any

import numpy as np
from numpy import ndarray

from hnn.commands import summaries
from hnn.core.cell import Cell
from hnn.core.errors import Refused
from hnn.core.seeding import stream
from hnn.core.statistics import Interval
from hnn.files import formats, paths
from hnn.params.loading import parse_raw
from hnn.reporting.formatting import NOTHING, format_plus_minus, number
from hnn.reporting.published import ENERGY_MSE, REASONS, TEST_LOSS, Value
from hnn.reporting.templating import template

__all__ = [
    "WITHIN",
    "PaperRow",
    "compare_with_paper",
    "files_of",
    "newest",
    "rows",
    "share_of_sets",
    "terminal",
    "verdict_beside_published",
]

PAGE = Path("docs") / "paper.md"
ADVICE = "run `make paper`"
TAIL = 0.2
"""Last part of a training whose losses show how much they vary until the last step."""

WITHIN, BUT = "within twice the published ±", ", but not for every seed"

DRAWN_SETS = 4000
"""Sets of starts that are drawn for `share_of_sets`."""

ShareOf = Callable[[Cell], str]
"""`share_of_sets` of a cell."""

Read = Callable[[str], str]
"""The text of a file of the experiment by its path."""


@dataclass(frozen=True)
class PaperRow:
    """One published number beside ours, as text."""

    cell: Cell
    quantity: str
    published: str
    ours: str
    seeds: str
    verdict: str
    error: str = ""
    median: str = NOTHING

    @property
    def task(self) -> str:
        """The cell's task."""
        return self.cell.task

    @property
    def model(self) -> str:
        """The cell's name: its model, and from pixels its step map."""
        return self.cell.name


def newest() -> str:
    """The revision of the newest experiment that is called `paper`."""
    if not (revision := summaries.experiment("paper")):
        raise Refused("there is no experiment called paper: run `make paper`")
    return revision


def files_of(revision: str) -> Read:
    """Read the files of an experiment: those below data/ from DVC's cache, the others from git."""

    def read(path: str) -> str:
        if Path(path).is_relative_to(paths.DATA):
            return summaries.cached(revision, path, ADVICE).decode()
        return summaries.git("show", f"{revision}:{path}")

    return read


def energy_errors(revision: str, cell: Cell) -> tuple[ndarray, int]:
    """A cell's energy errors from held-out starts, (seeds, starts), from DVC's cache, and the number of published starts."""
    sets = summaries.cached_rollouts(revision, cell, ADVICE).sets
    return sets["held_out"].quantities["energy_mse"], sets["table1"].quantities["energy_mse"].shape[1]


def share_of_sets(errors: ndarray, count: int, published: Value, generator: np.random.Generator) -> str:
    """Share of sets of `count` starts, drawn from errors (seeds, starts), whose mean is within twice the published ±, by seed.

    For a task whose published energy is the true one and whose held-out horizon is the published one.
    """
    means = errors[:, generator.integers(errors.shape[1], size=(DRAWN_SETS, count))].mean(-1)
    within = (np.abs(means - published.mean) <= 2 * (published.plus_minus or 0.0)).mean(-1)
    return ", ".join(f"{share:.0%}" for share in sorted(within))


def verdict_beside_published(published: Value, mean: float, least: float, most: float) -> str:
    """`within twice the published ±`; else `above` or `below`, with a note if one of our seeds agrees.

    The published "±" is over starts, or points, of one seed. `least` and `most` are the range of our seeds, each with twice
    its own "±": where it overlaps the published number with twice its "±", one of our seeds agrees with it.
    """
    reach = 2 * (published.plus_minus or 0.0)
    if abs(mean - published.mean) <= reach:
        return WITHIN
    some = least <= published.mean + reach and published.mean - reach <= most
    return ("above" if mean > published.mean else "below") + (BUT if some else "")


def parameters(read: Read) -> dict[str, Any]:
    """The parameters of the experiment."""
    return parse_raw(read("params.yaml"), "params.yaml of the experiment")


def rows(read: Read) -> list[PaperRow]:
    """A row for each published number whose cell the experiment has, energy errors first."""
    params, summary = parameters(read), summaries.parse(read(paths.SUMMARY.as_posix()))
    tasks = {task: [""] for task in [*params["state_tasks"], *params["measured_tasks"]]}
    tasks |= {task: params["step_maps"] for task in params["pixel_tasks"]}
    table = []
    for task, step_maps in tasks.items():
        for cell in (Cell(task, model, step_map) for model in params["models"] for step_map in step_maps):
            if (task, cell.model) in ENERGY_MSE:
                table.append(energy_row(cell, summary[task, cell.name], ENERGY_MSE[task, cell.model]))
            if (task, cell.model) in TEST_LOSS:
                table.append(loss_row(cell, summary[task, cell.name], read, TEST_LOSS[task, cell.model]))
    return sorted(table, key=lambda row: row.quantity != "energy_mse")


def energy_row(cell: Cell, entries: Mapping[str, Interval], published: Value) -> PaperRow:
    """The row of an energy error, from the rollouts of the published protocol."""
    mean, error, median = (mean_of(entries, f"table1.{name}") for name in ("energy_mse", "block_error", "median_start"))
    seeds, errors = (seeds_of(entries, f"table1.{name}") for name in ("energy_mse", "block_error"))
    least = min(seed - 2 * its for seed, its in zip(seeds, errors, strict=True))
    most = max(seed + 2 * its for seed, its in zip(seeds, errors, strict=True))
    return PaperRow(
        cell,
        "energy_mse",
        format_plus_minus(published.mean, published.plus_minus),
        number(mean),
        f"{number(min(seeds))} to {number(max(seeds))}",
        verdict_beside_published(published, mean, least, most),
        error=f" ± {number(error)}",
        median=number(median),
    )


def loss_row(cell: Cell, entries: Mapping[str, Interval], read: Read, published: Value) -> PaperRow:
    """The row of a loss, with the range of the seeds over the end of their training, on the sample of the curve."""
    mean = fmean(seeds_of(entries, "test_loss"))
    curve = list(csv.DictReader(StringIO(read(paths.curve_path(cell.key).as_posix()))))
    tail = curve[-max(1, round(TAIL * len(curve))) :]
    losses = [float(value) for step in tail for name, value in step.items() if name.startswith("test_loss.")]
    least, most = min(losses), max(losses)
    seeds = f"{number(least)} to {number(most)}"
    return PaperRow(
        cell,
        "test_loss",
        format_plus_minus(published.mean, published.plus_minus),
        number(mean),
        seeds,
        verdict_beside_published(published, mean, least, most),
    )


def seeds_of(entries: Mapping[str, Interval], name: str) -> tuple[float, ...]:
    """The means of the seeds of a number of a cell; raises `Refused` if there are none, as in older experiments."""
    if not (seeds := entries[name].seeds):
        raise Refused(f"{name} of the experiment paper has no finite value of any seed: {ADVICE}")
    return seeds


def mean_of(entries: Mapping[str, Interval], name: str) -> float:
    """The mean of a number of a cell; raises `Refused` if it has no finite value."""
    mean = entries[name].mean
    if mean is None:
        raise Refused(f"{name} of the experiment paper has no finite value: its rollouts have diverged")
    return mean


def reasons(table: Sequence[PaperRow], share_of: ShareOf) -> list[dict[str, Any]]:
    """The reasons of rows not within twice the published ±: each once, with its rows."""
    grouped: dict[str, list[PaperRow]] = {}
    for row in table:
        if row.verdict != WITHIN:
            reason = REASONS.get((row.task, row.cell.model, row.quantity), "Not known.")
            chance = share_of(row.cell) if "{chance}" in reason else ""
            grouped.setdefault(reason.format(seeds=row.seeds, chance=chance), []).append(row)
    return [{"text": text, "rows": lines} for text, lines in grouped.items()]


def compare_with_paper(read: Read, share_of: ShareOf) -> tuple[list[PaperRow], str]:
    """(the rows, docs/paper.md): the table, and the reason for each row that is not within twice the published ±."""
    table = rows(read)
    about = {"seeds": parameters(read)["seeds"], "within": sum(row.verdict == WITHIN for row in table)}
    return table, template("paper.md").render(rows=table, reasons=reasons(table, share_of), **about)


def terminal(table: Sequence[PaperRow]) -> str:
    """The table in plain text."""
    heads = ("task", "model", "quantity", "published", "ours", "seeds", "verdict")
    lines = [heads, *((r.task, r.model, r.quantity, r.published, r.ours + r.error, r.seeds, r.verdict) for r in table)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "\n".join("  ".join(text.ljust(width) for text, width in zip(line, widths, strict=True)).rstrip() for line in lines)


def main() -> None:
    """Write docs/paper.md from the newest experiment, and print its table."""
    try:
        revision = newest()

        def share_of(cell: Cell) -> str:
            draws = stream("paper", cell.task, cell.name)
            return share_of_sets(*energy_errors(revision, cell), ENERGY_MSE[cell.task, cell.model], draws)

        table, text = compare_with_paper(files_of(revision), share_of)
    except Refused as error:
        sys.exit(str(error))
    formats.write_text(PAGE, text)
    print(terminal(table))
    print(f"\nReasons and readings: {PAGE}")


if __name__ == "__main__":
    main()
