"""Metrics to rows: every number of the report's tables is written here, once, for Markdown, for the page and the terminal."""

from collections.abc import Mapping, Sequence
from typing import Any

from hnn.published import ENERGY_MSE, REMARKS, TEST_LOSS, Value
from hnn.quantities import QUANTITIES
from hnn.results import SETS, TRUTH, Cells, Comparisons, compared, floor, found_in, label, of_both, pairs, verdict_on
from hnn.words import number, plain, ratio, spread

__all__ = ["beside_published", "columns", "contract", "headline", "protocol", "summary_rows"]

Row = dict[str, str]


def published(value: Value) -> str:
    """mean ± spread."""
    return number(value.mean) + (f" ± {number(value.spread)}" if value.spread is not None else "")


def beside_published(cells: Cells) -> list[Row]:
    """Rows of the table beside the published one; on losses, what the exact field scores on the same data is the floor."""
    rows = []
    for (task, model), cell in cells.items():
        exact = cells.get((task, TRUTH), {"rollout": {}})["rollout"]
        for quantity, table, ours, least in (
            ("test_loss", TEST_LOSS, cell.get("train", {}).get("test_loss"), exact.get("test_loss")),
            ("energy_mse", ENERGY_MSE, *(c.get("table1", {}).get("energy_mse") for c in (cell["rollout"], exact))),
        ):
            cell_of_table = task, model.split("-")[0]  # hnn-rk4 of a pixel task stands beside the published hnn
            if cell_of_table in table:
                marked = {**cell["rollout"], **(cell["rollout"].get("table1", {}) if quantity == "energy_mse" else {})}
                row = {"task": task, "model": label(model, marked), "quantity": quantity}
                row |= {"published": published(table[cell_of_table]), "ours": spread(ours), "floor": plain(least)}
                rows.append(row | {"remark": REMARKS.get((task, quantity), "")})
    return sorted(rows, key=lambda row: row["quantity"] != "energy_mse")


def headline(cells: Cells, comparisons: Comparisons, name: str = "held_out") -> list[Row]:
    """A row for each task: the energy errors of HNN, baseline and floor, their difference and the verdicts."""
    rows = []
    for pair in pairs(cells):
        hnn, baseline = (found_in(cells[pair.task, model], name) for model in (pair.hnn, pair.baseline))
        if hnn is None or baseline is None:
            continue
        said = {}
        for quantity in ("energy_error", "coordinate_error"):
            word, times = verdict_on(comparisons, pair, name, quantity) or "–", ratio(hnn[quantity], baseline[quantity])
            said[quantity] = f"{word}, {times}" if word in ("better", "worse") else word
        row = {"task": pair.task, "energy": said["energy_error"]}
        for key, model, found in (("hnn", pair.hnn, hnn), ("baseline", pair.baseline, baseline)):
            row[key] = label(spread(found["energy_error"]), cells[pair.task, model]["rollout"])
        row["floor"] = plain(floor(cells, pair, name, "energy_error"))
        row["difference"] = label(spread(compared(comparisons, pair, name, "energy_error")), of_both(cells, pair))
        rows.append(row | {"coordinates": said["coordinate_error"]})
    return rows


def protocol(cells: Cells, comparisons: Comparisons, name: str) -> list[Row]:
    """Rows of our own protocol on one set of starts: each task's floor, its models, their difference with the verdict."""
    rows = []
    pair_of = {pair.task: pair for pair in pairs(cells)}
    for task in dict.fromkeys(task for task, _ in cells):
        models = sorted((model for of, model in cells if of == task), key=lambda model: model != TRUTH)
        for model in models:
            found = found_in(cells[task, model], name)
            if found is not None:
                shown = "truth (floor)" if model == TRUTH else label(model, cells[task, model]["rollout"])
                rows.append({"task": task, "model": shown} | {q: spread(found.get(q)) for q in QUANTITIES})
        if task in pair_of and name in SETS:
            difference = {q: compared(comparisons, pair_of[task], name, q) for q in QUANTITIES}
            if any(difference.values()):
                shown = label("hnn - baseline", of_both(cells, pair_of[task]))
                rows.append({"task": task, "model": shown} | {q: judged(d) for q, d in difference.items()})
    return rows


def judged(difference: Mapping[str, Any] | None) -> str:
    """A paired difference with its interval, and the verdict on it."""
    shown = spread(difference)
    return shown if difference is None or difference["mean"] is None else f"{shown}: {difference['verdict']}"


def columns(rows: Sequence[Row]) -> list[str]:
    """The keys of the rows under which anything stands."""
    return [key for key in (rows[0] if rows else ()) if any(row[key] != "–" for row in rows)]


def contract(cells: Cells) -> list[Row]:
    """Rows on the integrator of each cell: its error beside the model's own, and whether that is below a hundredth."""
    rows = []
    for (task, model), cell in cells.items():
        found = cell["rollout"].get("integrator")
        if found is None:
            continue
        step = next((f"{key} {found[key]:g}" for key in ("tolerance", "step") if found.get(key) is not None), "–")
        row = {"task": task, "model": label(model, cell["rollout"]), "integrator": str(found.get("method", "–")), "with": step}
        row |= {"its error": number(found.get("error")), "of the model's": number(found.get("share"))}
        rows.append(row | {"contract": "honoured" if found.get("honoured") else "broken"})
    return rows


def summary_rows(cells: Cells) -> list[dict[str, Any]]:
    """All numbers of the metrics, one row for each task, model and quantity."""
    rows: list[dict[str, Any]] = []

    def add(task: str, model: str, prefix: str, found: Mapping[str, Any]) -> None:
        """Rows of `found`, and of what is nested in it."""
        for name, value in found.items():
            row = {"task": task, "model": model, "quantity": prefix + name}
            if isinstance(value, Mapping) and "mean" not in value:
                add(task, model, f"{prefix}{name}.", value)
            elif isinstance(value, Mapping):
                rows.append(row | {key: value[key] for key in ("mean", "low", "high")})
            elif value is not None and not isinstance(value, str | bool):
                rows.append(row | dict.fromkeys(("mean", "low", "high"), value))

    for (task, model), cell in cells.items():
        for found in cell.values():
            add(task, model, "", found)
    return rows
