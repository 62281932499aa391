"""What a person asks of a finished run, in plain text: its tables, and what tasks and models there are."""

import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

from hnn.core import registry
from hnn.core.cell import Cell
from hnn.core.errors import Refused
from hnn.files import formats, paths
from hnn.params.loading import load_params
from hnn.reporting import formatting

__all__ = ["blocks", "models", "tables", "tasks"]

QUANTITIES = ("energy_error", "coordinate_error", "valid_time", "long.energy_error", "outside.energy_error", "test_loss")
LEGEND = """\
energy_error: of the spread of energies in the data; coordinate_error: of the
size of the motion; valid_time: periods until 10 % wrong; long: over the long
horizon; outside: from starts beyond the training data. Means with 95 %
intervals. truth is the exact field: its rows are floors. mismatch: the error
of the integrator is more than a hundredth of the model's."""
WIDEST = 100


def tables(width: int | None = None) -> str:
    """The headline numbers, a table for each task; lines fit the terminal and 100 characters, but for that of the path."""
    path = paths.METRICS / "report.md"
    if not path.is_file():
        raise Refused(f"{path} is not there yet: run `make repro`")
    width = width or min(WIDEST, shutil.get_terminal_size((WIDEST, 24)).columns)
    found: dict[str, dict[str, dict[str, str]]] = {}
    rows = formats.read_rows(paths.METRICS / "summary.csv")
    broken = {(row["task"], row["model"], row["quantity"]) for row in rows}
    for row in rows:
        task, model, quantity = row["task"], row["model"], row["quantity"]
        cells = found.setdefault(task, {}).setdefault(model, {"model": mark(model, (task, model, "mismatch") in broken)})
        if quantity in QUANTITIES:
            starts, dot, _ = quantity.rpartition(".")
            edges = {key: float(row[key]) if row[key] else None for key in ("mean", "low", "high")}
            own = bool(dot) and (task, model, f"{starts}.mismatch") in broken
            cells[quantity] = mark(formatting.format_interval(edges), own)
    verdicts = paths.METRICS / "comparisons.json"
    judged = formats.read_json(verdicts) if verdicts.is_file() else {}
    parts = [
        "\n".join([task, *blocks(list(cells.values()), width), *said(judged.get(task, {}))]) for task, cells in found.items()
    ]
    return "\n\n".join([*parts, LEGEND, f"The whole report:\n{path.resolve()}"])


def mark(text: str, mismatch: bool) -> str:
    """The text, marked where what it is about broke the integrator contract."""
    return text + " (mismatch)" * mismatch


def blocks(rows: Sequence[Mapping[str, str]], width: int) -> list[str]:
    """Lines of rows by `model`: as many of QUANTITIES side by side as fit, the others below them."""
    import pandas as pd  # which takes a while

    table = pd.DataFrame(rows).set_index("model").rename_axis(None)
    shown = table.reindex(columns=[name for name in QUANTITIES if name in table]).fillna("–")
    return [f"  {line}".rstrip() for line in shown.to_string(line_width=width - 2).splitlines() if line]


def said(judged: Mapping[str, Mapping[str, Mapping[str, Mapping[str, str]]]]) -> list[str]:
    """One line for each comparison at the published horizon: what is better, worse, or not distinguishable."""
    lines = []
    for pair, sets in judged.items():
        verdicts = {name: value["verdict"] for name, value in sets.get("held_out", {}).items() if name in QUANTITIES}
        lines += [f"  {pair}: {name} {verdict}" for name, verdict in verdicts.items()]
    return lines


def tasks() -> str:
    """A line for each task of params.yaml: how it is observed, how many of its cells are trained, what it is."""
    params = load_params()
    lines = []
    for name, task in params.tasks.items():
        seen = "recording" if task.ingest else "pictures" if name in params.pixel_tasks else "states"
        about = registry.summaries("systems", str(task.system["name"]))[0]
        lines.append(f"{name:<16} {seen:<10} {len(cells(name, '*')):>2} trained  {about}")
    return "\n".join(lines)


def models() -> str:
    """A line for each model: how many of its cells are trained, what it is."""
    lines = [f"{'truth':<16} needs none  The exact field of the task's system."]
    for name in registry.names("models"):
        count = len(cells("*", name) + cells("*", f"{name}-*"))
        lines.append(f"{name:<16} {count:>2} trained  {registry.summaries('models', name)[0]}")
    return "\n".join(lines)


def cells(task: str, model: str) -> list[Path]:
    """The weights that are there, of a task and a model as patterns."""
    pattern = paths.weights_path(Cell.of_name(task, model))
    return sorted(pattern.parent.glob(pattern.name))
