"""Metrics to rows: every number of the report's tables is written here, once, for Markdown, for the page and the terminal."""

from collections.abc import Mapping, Sequence
from typing import Any

from hnn.reporting.definitions import ENERGIES, LOSSES, QUANTITIES
from hnn.reporting.formatting import NOTHING, format_interval, number, plain, quartiles, ratio
from hnn.reporting.published import ENERGY_MSE, REMARKS, TEST_LOSS, Value
from hnn.reporting.results import (
    SETS,
    SHORT,
    TRUTH,
    Cells,
    Comparisons,
    Pair,
    compared,
    floors,
    found_in,
    label,
    pairs,
    verdict_on,
)

__all__ = ["beside_published", "columns", "contract", "headline", "protocol", "summary_rows", "valid_times"]

Row = dict[str, str]


def published(value: Value) -> str:
    """mean ± spread."""
    return number(value.mean) + (f" ± {number(value.spread)}" if value.spread is not None else "")


def beside_published(cells: Cells, energies: Mapping[str, str | None]) -> list[Row]:
    """Rows of the table beside the published one; on losses, what the exact field scores on the same data is the floor.

    `energies[task]` names the energy function of the published table, H where it is None.
    """
    rows = []
    for (task, model), cell in cells.items():
        exact = cells.get((task, TRUTH), {"rollout": {}})["rollout"]
        for quantity, table, ours, least in (
            ("test_loss", TEST_LOSS, cell.get("train", {}).get("test_loss"), exact.get("test_loss")),
            ("energy_mse", ENERGY_MSE, *(c.get("table1", {}).get("energy_mse") for c in (cell["rollout"], exact))),
        ):
            cell_of_table = task, model.split("-")[0]  # hnn-rk4 of a pixel task stands beside the published hnn
            if cell_of_table in table:
                starts = "table1" if quantity == "energy_mse" else "held_out"
                loss = LOSSES["pixels" if "-" in model else "states"]
                what = ENERGIES[energies.get(task) or "hamiltonian"] if quantity == "energy_mse" else loss
                row = {
                    "task": task,
                    "model": label(model, starts, cell["rollout"]),
                    "quantity": quantity,
                    "square error of": what,
                }
                row |= {"published": published(table[cell_of_table]), "ours": format_interval(ours), "floor": plain(least)}
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
            row[key] = label(format_interval(found["energy_error"]), name, cells[pair.task, model]["rollout"])
        row["floor"] = least(cells, pair, name)
        row["difference"] = label(format_interval(compared(comparisons, pair, name, "energy_error")), name, *both(cells, pair))
        rows.append(row | {"coordinates": said["coordinate_error"]})
    return rows


def least(cells: Cells, pair: Pair, name: str) -> str:
    """The floor of the energy error; from pixels each model has its own, by its encoder, HNN's first."""
    found = [plain(value) for value in floors(cells, pair, name, "energy_error")]
    return found[0] if len(found) == 1 or set(found) == {NOTHING} else " / ".join(found)


def both(cells: Cells, pair: Pair) -> list[Mapping[str, Any]]:
    """The metrics of the two cells."""
    return [cells[pair.task, model]["rollout"] for model in (pair.hnn, pair.baseline)]


def protocol(cells: Cells, comparisons: Comparisons, name: str) -> list[Row]:
    """Rows of our own protocol on one set of starts: each task's floor, its models, their difference with the verdict."""
    rows = []
    pair_of = {pair.task: pair for pair in pairs(cells)}
    for task in dict.fromkeys(task for task, _ in cells):
        models = sorted((model for of, model in cells if of == task), key=lambda model: model != TRUTH)
        for model in models:
            found = found_in(cells[task, model], name)
            if found is not None:
                shown = "truth (floor)" if model == TRUTH else label(model, name, cells[task, model]["rollout"])
                rows.append({"task": task, "model": shown} | {q: format_interval(found.get(q)) for q in QUANTITIES})
        if task in pair_of and name in SETS:
            difference = {q: compared(comparisons, pair_of[task], name, q) for q in QUANTITIES}
            if any(difference.values()):
                shown = label("hnn - baseline", name, *both(cells, pair_of[task]))
                rows.append({"task": task, "model": shown} | {q: judged(d) for q, d in difference.items()})
    return rows


def judged(difference: Mapping[str, Any] | None) -> str:
    """A paired difference with its interval, and the verdict on it."""
    shown = format_interval(difference)
    return shown if difference is None or difference["mean"] is None else f"{shown}: {difference['verdict']}"


def columns(rows: Sequence[Row]) -> list[str]:
    """The keys of the rows under which anything stands."""
    return [key for key in (rows[0] if rows else ()) if any(row[key] != "–" for row in rows)]


def contract(cells: Cells) -> list[Row]:
    """Rows on the integrator of each cell and set: its error beside the model's own, and whether that is below a hundredth."""
    rows = []
    for (task, model), cell in cells.items():
        for name, starts in SHORT.items():
            found = (found_in(cell, name) or {}).get("integrator")
            if found is None:
                continue
            step = next((f"{key} {found[key]:g}" for key in ("tolerance", "step") if found.get(key) is not None), NOTHING)
            row = {"task": task, "model": label(model, name, cell["rollout"]), "starts": starts}
            row |= {"integrator": str(found.get("method", NOTHING)), "with": step}
            row |= {"its error": number(found.get("error")), "of the model's": number(found.get("share"))}
            rows.append(row | {"contract": "honoured" if found.get("honoured") else "broken"})
    return rows


def valid_times(cells: Cells) -> list[Row]:
    """Rows on how valid times are spread over seeds and starts, by set: the median and the quartiles, in periods."""
    rows = []
    for (task, model), cell in cells.items():
        sets = {SHORT[name]: (found_in(cell, name) or {}).get("valid_time") for name in SETS}
        row = {"task": task, "model": model} | {starts: quartiles(value) for starts, value in sets.items()}
        if set(row.values()) - {task, model, NOTHING}:
            rows.append({**row, "model": "truth (floor)" if model == TRUTH else label(model, "held_out", cell["rollout"])})
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
            elif name == "mismatch" and value:
                rows.append(row | dict.fromkeys(("mean", "low", "high"), 1))
            elif value is not None and not isinstance(value, str | bool):
                rows.append(row | dict.fromkeys(("mean", "low", "high"), value))

    for (task, model), cell in cells.items():
        for found in cell.values():
            add(task, model, "", found)
    return rows
