"""Model cards: what a cell was trained on, what it is good for, where it fails, how to load it; all of it from its metrics."""

from collections.abc import Mapping
from typing import Any

from hnn.core import registry
from hnn.params.schema import Task
from hnn.reporting.formatting import NOTHING, format_interval, listed, number, quartiles
from hnn.reporting.results import SETS, SHORT, TRUTH, Cells, found_in, label, mismatched
from hnn.reporting.templating import template

__all__ = ["failures", "judgements", "measured", "render", "strengths"]

QUANTITIES = ("energy_error", "coordinate_error", "valid_time", "conserved_error", "diverged", "energy_mse")
FRICTION = 0.01
"""The relative change of the true energy over the horizon beyond which a system has friction."""
WRONG = 0.1
"""The error of energy, in its spread, beyond which a cell is not said to be good for it."""


def render(cells: Cells, decay: Mapping[str, float], tasks: Mapping[str, Task], seeds: int) -> dict[str, str]:
    """The card of each cell as Markdown, by its key. `decay[task]` is the relative change of the true energy, if known."""
    card = template("card.md")
    cards = {}
    for (task, model), cell in cells.items():
        if model == TRUTH:
            continue
        name, _, step_map = model.partition("-")
        floor = cells.get((task, TRUTH), {})
        cards[f"{task}-{model}"] = card.render(
            task=task,
            model=name,
            step_map=step_map,
            seeds=seeds,
            about=tasks[task],
            system=registry.summaries("systems", str(tasks[task].system["name"])),
            network=registry.summaries("models", name),
            train=cell["train"],
            loss=(format_interval(cell["train"]["test_loss"]), format_interval(floor.get("rollout", {}).get("test_loss"))),
            rows=measured(cell["rollout"], floor.get("rollout", {}), decay.get(task, 0.0)),
            strengths=strengths(cell["rollout"]),
            failures=failures(cell["rollout"], decay.get(task, 0.0), step_map),
        )
    return cards


def part(rollout: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """The quantities of one set of starts; empty where there is none."""
    return found_in({"rollout": rollout}, name) or {}


def measured(rollout: Mapping[str, Any], floor: Mapping[str, Any], change: float) -> list[dict[str, str]]:
    """Rows of the table: each set and quantity, and what the exact field has, but for H where there is friction."""
    rows = []
    for key, title in SHORT.items():
        found, least = part(rollout, key), part(floor, key)
        marked = label(title, key, rollout)
        for name in (name for name in QUANTITIES if name in found):
            moves = name == "conserved_error" and abs(change) > FRICTION
            row = {"set": marked, "quantity": name, "cell": format_interval(found[name])}
            rows.append(row | {"floor": format_interval(None if moves else least.get(name))})
            if (some := quartiles(found[name])) != NOTHING:
                median = {"set": marked, "quantity": f"{name}, median and quartiles", "cell": some}
                rows.append(median | {"floor": quartiles(least.get(name))})
    return rows


def judgements(rollout: Mapping[str, Any]) -> dict[str, bool]:
    """What was found from held-out starts, in sentences, and whether its whole interval is on the good side of its limit."""
    valid, energy, kept = (rollout.get(name) for name in ("valid_time", "energy_error", "conserved_error"))
    said = {}
    if valid:
        said[f"From starts like those it was trained on it stays within 10 % for {format_interval(valid)} periods."] = (
            edge(valid, "low") >= 1
        )
    if energy:
        text = f"Its energy is wrong by {format_interval(energy)} of the spread of energies in the data, on average."
        said[text] = edge(energy, "high") <= WRONG
    if kept:
        said[f"Its own energy wanders by {format_interval(kept)} of that energy's spread along its rollouts."] = (
            edge(kept, "high") <= WRONG
        )
    return said


def edge(value: Mapping[str, float | None], side: str) -> float:
    """An end of an interval; NaN, which is on no side of anything, where it is undefined."""
    found = value[side]
    return float("nan") if found is None else found


def strengths(rollout: Mapping[str, Any]) -> list[str]:
    """What it may be used for: one period within 10 %, errors of energy below a tenth of the spread."""
    return [text for text, well in judgements(rollout).items() if well] or ["Nothing that was measured: see below."]


def failures(rollout: Mapping[str, Any], change: float, step_map: str) -> list[str]:
    """Where not to trust it, as far as it was measured."""
    said = [text for text, well in judgements(rollout).items() if not well]
    if broken := [SHORT[name] for name in SETS if part(rollout, name) and mismatched(rollout, name)]:
        said.append(
            f"Its rollouts break the integrator contract (mismatch; starts: {listed(broken)}): part of its errors are the "
            "integrator's."
        )
    if abs(change) > FRICTION and "conserved_error" in rollout:
        said.append(f"The true energy changes by {change:+.0%} over the horizon, and this model cannot: it has no friction.")
    elif "conserved_error" not in rollout:
        said.append("It has no energy to hold: nothing keeps its errors of energy from growing.")
    for key, where in (("long", "over the long horizon"), ("outside", "from starts outside the training data")):
        found = part(rollout, key)
        said.append(elsewhere(rollout, found, where) if found else f"It was not measured {where}.")
    if step_map and "continuous" in rollout:
        said.append(
            f"It learned a map ({step_map}) from frame to frame: rolled out as a differential equation its energy error is "
            f"{format_interval(rollout['continuous']['energy_error'])}."
        )
    return said


def elsewhere(rollout: Mapping[str, Any], found: Mapping[str, Any], where: str) -> str:
    """What becomes of the errors on another set of starts than the held-out ones."""
    energy, near = found["energy_error"], rollout["energy_error"]["mean"]
    grown = near and energy["mean"] is not None and energy["mean"] > near
    text = f"The energy error {where} is {format_interval(energy)}"
    text += f", {number(energy['mean'] / near)} times as large" if grown else ""
    text += f"; the coordinate error is {format_interval(found.get('coordinate_error'))}, and it is valid for "
    text += f"{format_interval(found.get('valid_time'))} periods"
    lost = found["diverged"]["mean"]
    return text + (f"; {lost:.0%} of the rollouts diverged and are not in the errors." if lost else ".")
