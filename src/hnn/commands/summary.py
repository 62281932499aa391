"""`python -m hnn report`, `tasks`, `models`: a finished run, its tasks and its models in plain text."""

import shutil
import textwrap
from collections.abc import Mapping, Sequence

from hnn.commands import summaries
from hnn.core import registry
from hnn.core.cell import TRUTH
from hnn.core.errors import Refused
from hnn.core.statistics import FEW_SEEDS
from hnn.files import artifacts, paths
from hnn.files.reading import read_text
from hnn.params.loading import load_params
from hnn.reporting.formatting import NOTHING, format_interval, text_table
from hnn.reporting.results import mark_mismatch

__all__ = ["QUANTITIES", "column_blocks", "models", "tables", "tasks"]

QUANTITIES = ("energy_error", "coordinate_error", "valid_time", "long.energy_error", "outside.energy_error", "test_loss")
"""The numbers that are shown in the terminal."""
LEGEND = """\
energy_error: in standard deviations of the energy in the training data;
coordinate_error: relative to the size of the motion; valid_time: periods until
10 % wrong; long: over the long horizon; outside: from starts outside the
training data. truth is the exact field: its rows are floors. mismatch: the
error of the integrator is more than a hundredth of the model's."""
INTERVALS = "Geometric means with 95 % intervals."
NO_INTERVALS = f"Geometric means; an interval {FEW_SEEDS}."
WIDEST = 100
SENTENCES = 3
"""Paragraphs of the report on a recording that are shown."""


def tables(width: int | None = None) -> str:
    """The headline numbers, a table for each task, within the width of the terminal and 100 characters."""
    report = paths.REPORT
    width = width or min(WIDEST, shutil.get_terminal_size((WIDEST, 24)).columns)
    recorded = recordings(width)
    if not report.is_file():
        if recorded:
            return "\n\n".join(recorded)
        raise Refused(f"{report} is not there yet: run `make repro`")
    compared = artifacts.read_comparisons() if paths.COMPARISONS.is_file() else {}
    parts = [
        "\n".join([task, *column_blocks(rows, width), *verdict_lines(compared.get(task, {}))])
        for task, rows in headline_rows().items()
    ]
    legend = f"{LEGEND}\n{INTERVALS if ' [' in ''.join(parts) else NO_INTERVALS}"
    return "\n\n".join([*parts, legend, f"The whole report:\n{report.resolve()}", *recorded])


def recordings(width: int) -> list[str]:
    """The sentences of the report on each recording of one's own, and the place of the whole."""
    found = []
    for path in sorted(paths.recording_report_path("any", ".md").parent.glob("*.md")):
        title, *paragraphs = read_text(path).split("\n\n")
        sentences = [textwrap.fill(one, width - 2) for one in paragraphs[:SENTENCES]]
        lines = textwrap.indent("\n".join(sentences), "  ")
        found.append(f"{title.removeprefix('# ')}\n{lines}\n  The whole report: {path.resolve()}")
    return found


def headline_rows() -> dict[str, list[dict[str, str]]]:
    """For each task a row per model: its name, and `QUANTITIES` as text, marked where the integrator contract is broken."""
    by_task: dict[str, list[dict[str, str]]] = {}
    for (task, model), numbers in summaries.current().items():
        row = {"model": mark_mismatch(model, "mismatch" in numbers)}
        for quantity in numbers.keys() & set(QUANTITIES):
            starts, nested, _ = quantity.rpartition(".")
            own_mismatch = bool(nested) and f"{starts}.mismatch" in numbers
            row[quantity] = mark_mismatch(format_interval(numbers[quantity]), own_mismatch)
        by_task.setdefault(task, []).append(row)
    return by_task


def column_blocks(rows: Sequence[Mapping[str, str]], width: int) -> list[str]:
    """Lines of a table of rows by `model`: as many columns side by side as fit, the others below them."""
    names = [name for name in QUANTITIES if any(name in row for row in rows)]
    columns = {name: {row["model"]: row.get(name, NOTHING) for row in rows} for name in names}
    return [f"  {line}".rstrip() for line in text_table(columns, width - 2) if line]


def verdict_lines(compared: Mapping[str, Mapping[str, Mapping[str, Mapping[str, str]]]]) -> list[str]:
    """One line for each comparison and quantity at the published horizon, from the entry of a task in comparisons.json."""
    return [
        f"  {title}: {name} {difference['verdict']}"
        for title, sets in compared.items()
        for name, difference in sets.get("held_out", {}).items()
        if name in QUANTITIES
    ]


def tasks() -> str:
    """A line for each task of params.yaml: how it is observed, the number of its trained cells, its system."""
    params = load_params()
    lines = []
    for name, task in params.tasks.items():
        observed = "recording" if task.ingest or task.source else "frames" if task.from_pixels else "states"
        system = (
            registry.summaries_of(registry.source_of("systems", **task.system))[0]
            if task.system
            else "A recording of an unknown system."
        )
        lines.append(f"{name:<16} {observed:<10} {trained(name, '*'):>2} trained  {system}")
    return "\n".join(lines)


def models() -> str:
    """A line for each model: the number of its trained cells, its summary."""
    lines = [f"{TRUTH:<16} needs none  The exact field of the task's system."]
    for name in registry.names("models"):
        count = trained("*", name) + trained("*", f"{name}-*")
        lines.append(f"{name:<16} {count:>2} trained  {registry.summaries('models', name)[0]}")
    return "\n".join(lines)


def trained(task: str, name: str) -> int:
    """The number of trained cells whose task and name match two patterns."""
    return len(list(paths.MODELS.glob(f"{task}-{name}.safetensors")))
