"""Model cards: training data, strengths, failures and use of each cell, all computed from its metrics."""

from collections.abc import Mapping

from hnn.core import registry
from hnn.core.statistics import FEW_SEEDS
from hnn.params.schema import Task
from hnn.reporting.definitions import FRICTION
from hnn.reporting.formatting import NOTHING, format_interval, format_quartiles, listed, number
from hnn.reporting.results import ELSEWHERE, SETS, SHORT, CellResults, Results, StartSet
from hnn.reporting.templating import template

__all__ = ["failures", "judgements", "measured", "model_cards", "strengths"]

QUANTITIES = (
    "energy_error",
    "coordinate_error",
    "valid_time",
    "conserved_error",
    "learned_energy_change",
    "friction_error",
    "diverged",
    "energy_mse",
)

LARGE_ERROR = 0.1
"""Energy error, in standard deviations, above which a cell is not recommended for energies; the same for its friction."""


def model_cards(results: Results, decay: Mapping[str, float], tasks: Mapping[str, Task], seeds: int) -> dict[str, str]:
    """The card of each trained cell as Markdown, by its key.

    `decay[task]` is the mean relative change of the true energy over the horizon, if known.
    """
    card = template("card.md")
    cards = {}
    for cell, result in results.cells.items():
        if cell.is_truth:
            continue
        task, change = tasks[cell.task], decay.get(cell.task, 0.0)
        cards[cell.key] = card.render(
            task=cell.task,
            model=cell.model,
            step_map=cell.step_map,
            seeds=seeds,
            about=task,
            training=task.train_pixels if cell.from_pixels else task.train,
            system=registry.summaries_of(registry.source_of("systems", **task.system)),
            network=registry.summaries("models", cell.model),
            parameters=result.parameters,
            steps=result.steps,
            loss=(format_interval(result.losses.get("test_loss")), format_interval(results.loss_floor(cell.task))),
            rows=measured(result, results.truth(cell.task)),
            strengths=strengths(result),
            failures=failures(result, change),
        )
    return cards


def measured(result: CellResults, truth: CellResults | None) -> list[dict[str, str]]:
    """Rows of the table: each set and quantity, and the floor."""
    rows = []
    for starts, title in SHORT.items():
        ours, exact = result.sets.get(starts), truth.sets.get(starts) if truth else None
        for name in QUANTITIES if ours else ():
            value = ours.get(name) if ours else None
            if ours is None or value is None:
                continue
            floor = exact.get(name) if exact else None
            row = {"set": ours.mark(title), "quantity": name, "cell": format_interval(value)}
            rows.append(row | {"floor": format_interval(floor)})
            if (quartiles := format_quartiles(value)) != NOTHING:
                row = {"set": ours.mark(title), "quantity": f"{name}, median and quartiles", "cell": quartiles}
                rows.append(row | {"floor": format_quartiles(exact.get(name) if exact else None)})
    return rows


def judgements(result: CellResults) -> dict[str, bool | None]:
    """Sentences on the held-out starts: True if the whole interval is on the good side of its limit, None without interval."""
    valid, energy, kept, friction = (
        result.held_out.get(name) for name in ("valid_time", "energy_error", "conserved_error", "friction_error")
    )
    sentences: dict[str, bool | None] = {}
    if valid:
        periods = format_interval(valid)
        text = f"From starts like its training data, it stays within 10 % of the true motion for {periods} periods."
        sentences[text] = None if valid.low is None else valid.low >= 1
    if energy:
        text = f"Its energy error is {format_interval(energy)} of the standard deviation of the energy in the training data."
        sentences[text] = None if energy.high is None else energy.high <= LARGE_ERROR
    if kept:
        text = f"Its learned energy changes by {format_interval(kept)} of its standard deviation along its rollouts."
        sentences[text] = None if kept.high is None else kept.high <= LARGE_ERROR
    if friction:
        text = f"The relative error of its friction is {format_interval(friction)}; -1 would be none."
        edges = [abs(edge) for edge in (friction.low, friction.high) if edge is not None]
        sentences[text] = max(edges) <= LARGE_ERROR if edges else None
    return sentences


def strengths(result: CellResults) -> list[str]:
    """Uses: valid for a period, errors of energy below a tenth of its standard deviation."""
    found = judgements(result)
    none = f"A judgement {FEW_SEEDS}." if None in found.values() else "Nothing that was measured: see below."
    return [text for text, good in found.items() if good] or [none]


def failures(result: CellResults, change: float) -> list[str]:
    """Limits, as far as they were measured."""
    sentences = [text for text, good in judgements(result).items() if good is False]
    if broken := [SHORT[name] for name in SETS if name in result.sets and result.sets[name].mismatch]:
        sentences.append(
            f"Its rollouts break the integrator contract (mismatch; starts: {listed(broken)}): part of its errors are the "
            "integrator's."
        )
    conserves, loses = (name in result.held_out.quantities for name in ("conserved_error", "learned_energy_change"))
    if not conserves and not loses:
        sentences.append("It learns no energy: nothing keeps its energy error from growing.")
    if conserves and abs(change) > FRICTION:
        sentences.append(
            f"The true energy changes by {change:+.0%} over the horizon; this model conserves its learned energy and cannot "
            "follow."
        )
    for starts, where in ELSEWHERE.items():
        other = result.sets.get(starts)
        sentences.append(errors_from(result.held_out, other, where) if other else f"It was not evaluated {where}.")
    if result.cell.from_pixels and "continuous" in result.sets:
        energy = format_interval(result.sets["continuous"]["energy_error"])
        sentences.append(
            f"It learned a map ({result.cell.step_map}) from frame to frame: rolled out as a differential equation its energy "
            f"error is {energy}."
        )
    return sentences


def errors_from(held_out: StartSet, other: StartSet, where: str) -> str:
    """One sentence: the errors of a cell from another set of starts, with their growth over those from the held-out ones."""
    energy, near = other["energy_error"], held_out["energy_error"].mean
    text = f"The energy error {where} is {format_interval(energy)}"
    if near and energy.mean is not None and energy.mean > near:
        text += f", {number(energy.mean / near)} times as large"
    text += f"; the coordinate error is {format_interval(other.get('coordinate_error'))}, and it is valid for "
    text += f"{format_interval(other.get('valid_time'))} periods"
    lost = other["diverged"].mean
    return text + (f"; {lost:.0%} of the rollouts diverged and are excluded from the errors." if lost else ".")
