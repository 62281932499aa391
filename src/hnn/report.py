"""Metrics to words and tables: every number and every judgement in the report is computed from them."""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
from jinja2 import Environment, PackageLoader, StrictUndefined

from hnn.published import ENERGY_MSE, REMARKS, TEST_LOSS, Value

__all__ = [
    "Cells",
    "against",
    "beside_published",
    "extract",
    "findings",
    "number",
    "protocol",
    "render",
    "spread",
    "summary_rows",
    "verdict",
]

Interval = Mapping[str, float | None]
Cells = Mapping[tuple[str, str], Mapping[str, Any]]
"""For each (task, model): {"train": …, "rollout": …}, as in the metrics files."""

QUANTITIES = (
    *("energy_error", "energy_mse", "coordinate_error", "valid_time", "conserved_error", "diverged"),
    *("energy_error_max", "energy_drift", "phase_error", "reversal_error", "symplectic_error"),
)
BEGIN, END = "<!-- results: begin -->", "<!-- results: end -->"


def number(x: float | None) -> str:
    """Two or three significant digits; scientific where plain figures would be long."""
    if x is None:
        return "–"
    if x == 0:
        return "0"
    return f"{x:.3g}" if 1e-3 <= abs(x) < 1e4 else f"{x:.1e}".replace("e-0", "e-").replace("e+0", "e")


def spread(value: Interval | None) -> str:
    """mean [low, high]."""
    if value is None or value["mean"] is None:
        return "–"
    if value["low"] == value["high"]:
        return number(value["mean"])
    return f"{number(value['mean'])} [{number(value['low'])}, {number(value['high'])}]"


def published(value: Value | None) -> str:
    """mean ± spread."""
    if value is None:
        return "–"
    return number(value.mean) + (f" ± {number(value.spread)}" if value.spread is not None else "")


def verdict(a: Interval, b: Interval, paired: Mapping[str, Any] | None = None) -> str:
    """Whether the error a is `smaller` or `larger` than b, or `not distinguishable`.

    By the paired difference of `hnn.comparisons`; where there is none, only if their intervals do not overlap.
    """
    if paired is not None:
        return {"better": "smaller", "worse": "larger"}.get(paired["verdict"], "not distinguishable")
    if a["high"] is None or b["high"] is None or a["low"] is None or b["low"] is None:
        return "not distinguishable"
    if a["high"] < b["low"]:
        return "smaller"
    return "larger" if a["low"] > b["high"] else "not distinguishable"


def ratio(a: Interval, b: Interval) -> str:
    """How many times the greater mean is the smaller."""
    x, y = sorted((abs(a["mean"] or 0), abs(b["mean"] or 0)))
    return "many times" if x == 0 else f"{y / x:.2g} times"


def beside_published(cells: Cells) -> list[dict[str, str]]:
    """Rows of the table beside the published one."""
    rows = []
    for (task, model), cell in cells.items():
        for quantity, table, ours in (
            ("test_loss", TEST_LOSS, cell.get("train", {}).get("test_loss")),
            ("energy_mse", ENERGY_MSE, cell["rollout"].get("table1", {}).get("energy_mse")),
        ):
            cell_of_table = task, model.split("-")[0]  # hnn-rk4 of a pixel task stands beside the published hnn
            if cell_of_table in table:
                rows.append(
                    {
                        "task": task,
                        "model": model + mark(cell),
                        "quantity": quantity,
                        "published": published(table[cell_of_table]),
                        "ours": spread(ours),
                        "remark": REMARKS.get((task, quantity), ""),
                    }
                )
    return sorted(rows, key=lambda row: row["quantity"] != "energy_mse")


def protocol(cells: Cells, horizon: str | None = None) -> list[dict[str, str]]:
    """Rows of our own protocol at the published horizon, or at the one named."""
    rows = []
    for (task, model), cell in cells.items():
        found = cell["rollout"] if horizon is None else cell["rollout"].get(horizon)
        if found is not None:
            rows.append({"task": task, "model": model + mark(cell)} | {name: spread(found.get(name)) for name in QUANTITIES})
    tasks = [task for task, _ in cells]
    return sorted(rows, key=lambda row: tasks.index(row["task"]))  # a task's truth stands below its models


def mark(cell: Mapping[str, Any]) -> str:
    """What stands after the name of a cell that was rolled out by an integrator which its model does not allow."""
    return " (mismatch)" if cell["rollout"].get("mismatch") else ""


def findings(cells: Cells, decay: Mapping[str, float], comparisons: Mapping[str, Any] | None = None) -> list[str]:
    """One sentence for each task on the claims that its numbers bear on, comparing hnn with baseline.

    `decay[task]` is the mean relative change of the true energy over the horizon: beyond 1 % a system has friction.
    """
    sentences = []
    for task, change in decay.items():
        if not {(task, "hnn"), (task, "baseline")} <= set(cells):
            continue
        hnn, baseline = cells[task, "hnn"]["rollout"], cells[task, "baseline"]["rollout"]
        paired = (comparisons or {}).get(task, {}).get("hnn vs baseline", {}).get("held_out", {})
        sentences.append(f"**{task}**: {compare(hnn, baseline, paired)}{long_run(hnn, baseline)} {conservation(hnn, change)}")
    return sentences


def compare(hnn: Mapping[str, Any], baseline: Mapping[str, Any], paired: Mapping[str, Any]) -> str:
    """The energy and coordinate errors of the two models at the published horizon."""
    a, b = hnn["energy_error"], baseline["energy_error"]
    text = (
        f"HNN's energy error is {spread(a)} of the spread of energies in the data, "
        f"{against(a, b, paired.get('energy_error'))} the baseline's {spread(b)}"
    )
    a, b = hnn["coordinate_error"], baseline["coordinate_error"]
    return f"{text}; its coordinate error is {spread(a)}, {against(a, b, paired.get('coordinate_error'))} {spread(b)}."


def against(a: Interval, b: Interval, paired: Mapping[str, Any] | None = None) -> str:
    """The verdict on a as a phrase that leads to b: `4.8 times smaller than`, `not distinguishable from`."""
    said = verdict(a, b, paired)
    return f"{said} from" if said == "not distinguishable" else f"{ratio(a, b)} {said} than"


def long_run(hnn: Mapping[str, Any], baseline: Mapping[str, Any]) -> str:
    """What becomes of the energy error over the long horizon, if there is one."""
    if "long" not in hnn:
        return ""
    a, b = hnn["long"]["energy_error"], baseline["long"]["energy_error"]
    lost = [model["long"]["diverged"]["mean"] for model in (hnn, baseline)]
    text = f" Over the long horizon the energy errors are {spread(a)} and {spread(b)}"
    return text + (f", with {lost[0]:.0%} and {lost[1]:.0%} of the rollouts diverged." if any(lost) else ".")


def conservation(hnn: Mapping[str, Any], change: float) -> str:
    """Whether HNN should conserve what it conserves."""
    kept = hnn["conserved_error"]["mean"]
    if abs(change) > 0.01:
        return (
            f"The true energy changes by {change:+.0%} over the horizon, yet HNN holds its own H to {number(kept)} of its "
            "spread: it cannot learn friction, and this is its limit."
        )
    return f"HNN holds its own H to {number(kept)} of its spread."


def summary_rows(cells: Cells) -> list[dict[str, Any]]:
    """All metrics, one row for each task, model and quantity."""
    rows: list[dict[str, Any]] = []

    def add(task: str, model: str, prefix: str, found: Mapping[str, Any]) -> None:
        """Rows of `found`, and of what is nested in it."""
        for name, value in found.items():
            if value is None or isinstance(value, str | bool):
                continue
            if not isinstance(value, Mapping):
                rows.append(
                    {"task": task, "model": model, "quantity": prefix + name, "mean": value, "low": value, "high": value}
                )
            elif "mean" in value:
                edges = {key: value[key] for key in ("mean", "low", "high")}
                rows.append({"task": task, "model": model, "quantity": prefix + name, **edges})
            else:
                add(task, model, f"{prefix}{name}.", value)

    for (task, model), cell in cells.items():
        for found in cell.values():
            add(task, model, "", found)
    return rows


def terminal_table(rows: Sequence[Mapping[str, Any]], quantities: Sequence[str]) -> str:
    """The rows of the summary with these quantities, a line for each task and model."""
    table = pd.DataFrame(rows)
    edges = table[["mean", "low", "high"]].replace({"": None}).astype(float).to_dict("records")
    table["shown"] = [spread({str(k): None if pd.isna(v) else v for k, v in row.items()}) for row in edges]
    shown = table[table["quantity"].isin(quantities)]
    return shown.pivot(index=["task", "model"], columns="quantity", values="shown")[list(quantities)].to_string()


def render(
    cells: Cells,
    decay: Mapping[str, float],
    figures: Mapping[str, Sequence[str]],
    about: Mapping[str, Any],
    pixels: Mapping[str, Any],
    comparisons: Mapping[str, Any] | None = None,
) -> str:
    """The report in Markdown: `decay` names the tasks whose states are observed, `pixels` is about the others."""
    states = {(task, model): cell for (task, model), cell in cells.items() if task in decay}
    environment = Environment(
        loader=PackageLoader("hnn"),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    return environment.get_template("report.md").render(
        findings=[*findings(cells, decay, comparisons), *pixels["findings"]],
        published=beside_published(cells),
        protocol=protocol(states),
        long=protocol(states, "long"),
        outside=protocol(states, "outside"),
        pixels=pixels,
        figures=figures,
        about=about,
        begin=BEGIN,
        end=END,
    )


def extract(text: str) -> str:
    """The part of a text between the marks of the results, marks included."""
    return text[text.index(BEGIN) : text.index(END) + len(END)]
