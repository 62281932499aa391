"""Tables: metrics as rows of text, the same for Markdown, for the page and for the terminal."""

from collections.abc import Mapping, Sequence
from typing import Any

from hnn.core.cell import Cell
from hnn.core.law import LAW_ERRORS
from hnn.core.statistics import Interval, arithmetic
from hnn.reporting.definitions import ENERGIES, LARGER_IS_BETTER, LOSSES, QUANTITIES
from hnn.reporting.formatting import (
    NOTHING,
    format_difference,
    format_interval,
    format_mean,
    format_plus_minus,
    format_quartiles,
    formula,
    number,
    true_formula,
)
from hnn.reporting.published import ENERGY_MSE, REMARKS, TEST_LOSS
from hnn.reporting.results import SETS, SHORT, Difference, Results

__all__ = [
    "beside_published",
    "columns",
    "difference_text",
    "encoders",
    "further_models",
    "headline",
    "integrators",
    "laws",
    "pixel_rollouts",
    "protocol",
    "readings",
    "summary_rows",
    "valid_times",
]

Row = dict[str, str]


def headline(results: Results, starts: str = "held_out") -> list[Row]:
    """A row per task: the energy errors of HNN, baseline and floor, and HNN compared with the baseline."""
    rows = []
    for pair in results.pairs():
        sets = pair.both(starts)
        if sets is None:
            continue
        hnn, baseline = sets
        rows.append(
            {
                "task": pair.task,
                "energy": pair.mark(difference_text(pair.difference(starts, "energy_error")), starts),
                "hnn": hnn.mark(format_interval(hnn["energy_error"])),
                "baseline": baseline.mark(format_interval(baseline["energy_error"])),
                "floor": floor_text(pair.floors(starts, "energy_error")),
                "coordinates": pair.mark(difference_text(pair.difference(starts, "coordinate_error")), starts),
            }
        )
    return rows


def further_models(results: Results) -> list[Row]:
    """Rows on the models beside baseline and HNN by task and set of starts: their errors, compared with both."""
    rows = []
    for result in (result for task in results.tasks for result in results.further(task)):
        for starts in (starts for starts in SETS if starts in result.sets):
            measured = result.sets[starts]
            row = {"task": result.cell.task, "model": measured.mark(result.cell.name), "starts": SHORT[starts]}
            for quantity in ("energy_error", "coordinate_error"):
                row[quantity] = format_interval(measured.get(quantity))
                texts = {other.model: difference_text(d) for other, d in results.beside(result.cell, starts, quantity)}
                for model in ("baseline", "hnn"):
                    row[f"{quantity} beside {model}"] = texts.get(model, NOTHING)
            rows.append(row | {"friction_error": format_interval(measured.get("friction_error"))})
    return rows


def floor_text(floors: Sequence[Interval | None]) -> str:
    """The floor; from pixels, where each model has its own, `HNN's / baseline's`."""
    means = [format_mean(floor) for floor in floors]
    return means[0] if len(means) == 1 or set(means) == {NOTHING} else " / ".join(means)


def beside_published(results: Results, energies: Mapping[str, str | None]) -> list[Row]:
    """Rows of the table beside the published one, energy errors first; the floor is the exact field's number.

    `energies[task]` names the energy function of the published table, H where it is None.
    """
    rows = []
    for cell, result in results.cells.items():
        truth, published_set = results.truth(cell.task), result.sets.get("table1")
        exact_set = truth.sets.get("table1") if truth else None
        energy = ENERGIES[energies.get(cell.task) or "hamiltonian"]
        loss = LOSSES["pixels" if cell.from_pixels else "states"]
        for quantity, table, ours, floor, unit in (
            ("test_loss", TEST_LOSS, result.losses.get("test_loss"), results.loss_floor(cell.task), loss),
            (
                "energy_mse",
                ENERGY_MSE,
                published_set.get("energy_mse") if published_set else None,
                exact_set.get("energy_mse") if exact_set else None,
                energy,
            ),
        ):
            published = table.get((cell.task, cell.model))  # a pixel cell stands beside the published one for any step map
            if published is None:
                continue
            marked = published_set if quantity == "energy_mse" and published_set else result.held_out
            rows.append(
                {
                    "task": cell.task,
                    "model": marked.mark(cell.name),
                    "quantity": quantity,
                    "square error of": unit,
                    "published": format_plus_minus(published.mean, published.plus_minus),
                    "ours": format_interval(arithmetic(ours) if ours and quantity == "test_loss" else ours),
                    "floor": format_mean(floor),
                    "remark": REMARKS.get((cell.task, quantity), ""),
                }
            )
    return sorted(rows, key=lambda row: row["quantity"] != "energy_mse")


def protocol(results: Results, starts: str) -> list[Row]:
    """Rows of our protocol on one set of starts: each task's floor, its models, and the comparison of the two."""
    rows = []
    pair_of = {pair.task: pair for pair in results.pairs()}
    for task in results.tasks:
        for result in results.of_task(task):
            if (measured := result.sets.get(starts)) is not None:
                name = "truth (floor)" if result.cell.is_truth else measured.mark(result.cell.name)
                rows.append({"task": task, "model": name} | {q: format_interval(measured.get(q)) for q in QUANTITIES})
        for result in results.further(task) if starts in SETS else ():
            compared: dict[str, Row] = {}
            for quantity in QUANTITIES:
                for other, difference in results.beside(result.cell, starts, quantity):
                    row = compared.setdefault(other.name, dict.fromkeys(QUANTITIES, NOTHING))
                    row[quantity] = difference_text(difference, quantity)
            rows += [{"task": task, "model": f"{result.cell.name} beside {name}"} | row for name, row in compared.items()]
        if task in pair_of and starts in SETS:
            differences = {quantity: pair_of[task].difference(starts, quantity) for quantity in QUANTITIES}
            if any(differences.values()):
                name = pair_of[task].mark("hnn beside baseline", starts)
                rows.append({"task": task, "model": name} | {q: difference_text(d, q) for q, d in differences.items()})
    return rows


def difference_text(difference: Difference | None, quantity: str = "") -> str:
    """A comparison of a quantity with its interval and verdict; times are shorter or longer, errors smaller or larger."""
    words = ("shorter", "longer") if quantity in LARGER_IS_BETTER else ("smaller", "larger")
    return NOTHING if difference is None else format_difference(difference.interval, difference.verdict, words)


def columns(rows: Sequence[Row]) -> list[str]:
    """The keys of the rows that have a value in any row."""
    return [key for key in (rows[0] if rows else ()) if any(row[key] != NOTHING for row in rows)]


def integrators(results: Results) -> list[Row]:
    """Rows on the integrator of each cell and set: its error, the ratio to the model's own, the state of the contract."""
    rows = []
    for cell, result in results.cells.items():
        for starts, name in SHORT.items():
            measured = result.sets.get(starts)
            if measured is None or measured.integrator is None:
                continue
            entry = measured.integrator
            accuracy = {"tolerance": entry.tolerance, "step": entry.step}
            rows.append(
                {
                    "task": cell.task,
                    "model": measured.mark(cell.name),
                    "starts": name,
                    "integrator": entry.method,
                    "with": next((f"{key} {number(value)}" for key, value in accuracy.items() if value is not None), NOTHING),
                    "its error": number(entry.error),
                    "of the model's": number(entry.share),
                    "contract": "broken" if not entry.honoured else "not measured" if entry.error is None else "honoured",
                }
            )
    return rows


def valid_times(results: Results) -> list[Row]:
    """Rows on the distribution of valid times over seeds and starts, by set: median and quartiles, in periods."""
    rows = []
    for cell, result in results.cells.items():
        times = {}
        for starts in SETS:
            measured = result.sets.get(starts)
            times[SHORT[starts]] = format_quartiles(measured.get("valid_time") if measured else None)
        if set(times.values()) != {NOTHING}:
            name = "truth (floor)" if cell.is_truth else result.held_out.mark(cell.name)
            rows.append({"task": cell.task, "model": name} | times)
    return rows


def laws(results: Results) -> list[Row]:
    """Rows on the formulas for learned energies: terms with coefficients, those of the true energy, how well they fit."""
    rows = []
    for cell, result in results.cells.items():
        if (law := result.law) is not None:
            errors = {name.replace("_", " "): format_interval(law.errors.get(name)) for name in LAW_ERRORS}
            found = {"formula": formula(law), "true H": true_formula(law)}
            fit = {"R² of J∇H": format_mean(law.field_r2), "R² of H": format_mean(law.r2)}
            rows.append({"task": cell.task, "model": cell.model} | found | fit | errors)
    return rows


READINGS = ("held_out", "long", "pictures", "pictures_long")
"""The sets of starts of a pixel task that are rolled out by the trained map, read from latent states and from pictures."""


def readings(results: Results) -> list[Row]:
    """Rows on the pixel tasks by horizon, reading and quantity: HNN and baseline, the floors of both, and their comparison."""
    rows = []
    for pair in (pair for pair in results.pairs() if pair.hnn.cell.from_pixels):
        for starts in READINGS:
            for quantity in ("energy_error", "coordinate_error", "valid_time") if pair.both(starts) else ():
                hnn, baseline = (one.sets[starts].get(quantity) for one in (pair.hnn, pair.baseline))
                rows.append(
                    {
                        "task": pair.task,
                        "starts": SHORT[starts],
                        "quantity": quantity,
                        "HNN": format_interval(hnn),
                        "baseline": format_interval(baseline),
                        "floor": floor_text(pair.floors(starts, quantity)),
                        "HNN beside baseline": difference_text(pair.difference(starts, quantity), quantity),
                    }
                )
    return rows


METHODS = {"held_out": "its map", "continuous": "continuous", "floor": "no rollout: the true frames, encoded"}
"""Origin of the latent states of a pixel result, by set of starts."""


def pixel_rollouts(results: Results) -> list[Row]:
    """Rows on pixel rollouts over the published horizon: map of training, map of the rollout, errors."""
    quantities = ("energy_error", "energy_mse", "coordinate_error", "valid_time", "diverged", "pixel_mse_100")
    rows = []
    for cell, result in results.cells.items():
        for starts, method in METHODS.items() if cell.from_pixels else ():
            measured = result.sets.get(starts)
            row = {"task": cell.task, "model": cell.model, "trained with": cell.step_map}
            row["rolled out by"] = measured.mark(method) if measured else method
            rows.append(row | {q: format_interval(measured.get(q) if measured else None) for q in quantities})
    return rows


def encoders(results: Results) -> list[Row]:
    """Rows on the encoder and decoder of each pixel cell on held-out clips, and on the valid time of its rollouts."""
    rows = []
    for cell, result in results.cells.items():
        if cell.from_pixels:
            held_out, long = result.held_out, result.sets["long"]
            row = {"task": cell.task, "model": long.mark(cell.name)}
            scores = ("probe_r2", "linear_r2", "canonical_error", "symetric", "reconstruction_error", "conserved_error")
            row |= {name: format_interval(held_out.get(name)) for name in scores}
            row["valid_time.long"] = format_interval(long.get("valid_time"))
            rows.append(row | {f"pixel_mse_{n}": format_interval(long.get(f"pixel_mse_{n}")) for n in (10, 200, 1000)})
    return rows


def summary_rows(metrics: Mapping[Cell, Mapping[str, Any]]) -> list[dict[str, Any]]:
    """All numbers of the metrics files of the cells, one row per task, model and quantity.

    Settings and counts have a mean alone; `seeds` are the means of the seeds, on whose `scale` the interval is computed.
    """
    rows: list[dict[str, Any]] = []

    def add(cell: Cell, prefix: str, entries: Mapping[str, Any]) -> None:
        """Add a row for each entry, nested ones included."""
        for name, value in entries.items():
            if name == "law":  # terms, which are no quantities: the report has a table of them
                continue
            row = {"task": cell.task, "model": cell.name, "quantity": prefix + name}
            if isinstance(value, Mapping) and "mean" not in value:
                add(cell, f"{prefix}{name}.", value)
            elif isinstance(value, Mapping):
                measured = Interval.parse(value)
                scale, seeds = "log" if measured.geometric else "linear", " ".join(f"{one:.9g}" for one in measured.seeds)
                rows.append(row | measured.bounds() | {"scale": scale, "seeds": seeds})
            elif name == "mismatch" and value:
                rows.append(row | {"mean": 1})
            elif value is not None and not isinstance(value, str | bool):
                rows.append(row | {"mean": value})

    for cell, files in metrics.items():
        for entries in files.values():
            add(cell, "", entries)
    return rows
