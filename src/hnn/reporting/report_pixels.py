"""Metrics of pixel cells to words and tables. A cell is named by its model and step map: `hnn-rk4`."""

from collections.abc import Mapping
from typing import Any

from hnn.reporting.formatting import against, format_interval
from hnn.reporting.results import Cells, Comparisons, Pair, compared, found_in, label, verdict_on
from hnn.reporting.sentences import elsewhere

__all__ = ["describe", "encoders", "findings", "rollouts"]

METHODS = {"held_out": "its map", "continuous": "continuous", "floor": "no rollout: the true frames, encoded"}
"""How the latent states of a result came about, by its name in the metrics; the held-out starts stand at the top."""


SAYS = {
    "rollouts": (
        "Two neighbouring frames are encoded into a latent state, which is taken from frame to frame; the true state is read "
        "from it by a linear probe, fitted on the training clips with the model's own encoder. Trained with: the map that "
        "takes a latent state one frame further while training. Rolled out by: that map, or, as published, the learned "
        "differential equation, which for a field trained through an Euler map is a mismatch. The rows without a rollout are "
        "floors: what the probe reads from the true frames. From held-out starts, over 200 frames; pixel_mse_100 is the mean "
        "square error of the 100th decoded frame, of brightness in [0, 1]."
    ),
    "encoders": (
        "On held-out clips: probe_r2 of the worse coordinate; canonical_error, how much the Poisson bracket of the latent "
        "pair varies over its mean; reconstruction_error, the mean square over pixels. Then, over 1000 frames by the trained "
        "map, the periods for which the probed state is right within 10 %, and the error of single frames."
    ),
}
"""What stands at the tables."""


def rollouts(cells: Cells) -> list[dict[str, str]]:
    """Rows on rollouts of 200 frames: how trained, how rolled out, and what comes of it. Mismatches are marked."""
    rows = []
    for (task, model), cell in cells.items():
        name, step_map = model.split("-")
        for key, method in METHODS.items():
            found = found_in(cell, key) or {}
            row = {"task": task, "model": name, "trained with": step_map, "rolled out by": label(method, key, cell["rollout"])}
            quantities = ("energy_error", "energy_mse", "coordinate_error", "valid_time", "diverged", "pixel_mse_100")
            row |= {quantity: format_interval(found.get(quantity)) for quantity in quantities}
            rows.append(row)
    return rows


def encoders(cells: Cells) -> list[dict[str, str]]:
    """Rows on what each cell's encoder and decoder are worth on held-out clips, and how long its rollouts stay valid."""
    rows = []
    for (task, model), cell in cells.items():
        found = cell["rollout"]
        row = {"task": task, "model": label(model, "long", found)}
        row |= {name: format_interval(found[name]) for name in ("probe_r2", "canonical_error", "reconstruction_error")}
        row["conserved_error"] = format_interval(found.get("conserved_error"))
        row["valid_time.long"] = format_interval(found["long"]["valid_time"])
        rows.append(row | {f"pixel_mse_{n}": format_interval(found["long"].get(f"pixel_mse_{n}")) for n in (10, 200, 1000)})
    return rows


def findings(cells: Cells, comparisons: Comparisons) -> dict[str, str]:
    """A paragraph for each pixel task: the comparison as published, and what remains of it when both have a matched map."""
    paragraphs = {}
    for task in dict.fromkeys(task for task, _ in cells):
        found = {model: cell["rollout"] for (of, model), cell in cells.items() if of == task}
        parts = []
        if {"hnn-euler", "baseline-euler"} <= set(found):
            parts.append(as_published(comparisons, Pair(task, "hnn-euler", "baseline-euler"), found))
        if {"hnn-rk4", "baseline-rk4"} <= set(found):
            parts.append(matched(comparisons, Pair(task, "hnn-rk4", "baseline-rk4"), found))
        if parts:
            paragraphs[task] = " ".join(parts)
    return paragraphs


def as_published(comparisons: Comparisons, pair: Pair, found: Mapping[str, Any]) -> str:
    """The published comparison: both trained through an Euler map and rolled out as the solution of an ODE."""
    rollouts = [found[model] for model in (pair.hnn, pair.baseline)]
    hnn, baseline = (rollout["continuous"] for rollout in rollouts)
    manner = label("as a continuous motion", "continuous", *rollouts)
    return (
        f"As published, trained through an Euler map and rolled out {manner}, HNN's energy error over 200 frames is "
        f"{opposed(comparisons, pair, 'continuous', hnn, baseline)}; HNN is valid for "
        f"{format_interval(hnn['valid_time'])} periods, the baseline for {format_interval(baseline['valid_time'])}."
    )


def opposed(comparisons: Comparisons, pair: Pair, name: str, hnn: Mapping[str, Any], baseline: Mapping[str, Any]) -> str:
    """HNN's energy error and the baseline's, with the verdict on their paired difference, if there is one."""
    a, b, said = hnn["energy_error"], baseline["energy_error"], verdict_on(comparisons, pair, name, "energy_error")
    return f"{format_interval(a)}, {against(said, a, b)} the baseline's {format_interval(b)}" + " (not compared)" * (
        said is None
    )


def matched(comparisons: Comparisons, pair: Pair, found: Mapping[str, Any]) -> str:
    """What remains of the gap when both have an RK4 map, in training and rollout."""
    hnn, baseline = found[pair.hnn], found[pair.baseline]
    valid_a, valid_b = hnn["long"]["valid_time"], baseline["long"]["valid_time"]
    cells = {(pair.task, model): {"rollout": rollout} for model, rollout in found.items()}
    error = opposed(comparisons, pair, "held_out", hnn, baseline)
    return (
        f"Trained and rolled out by an RK4 map, HNN's energy error is {error}.{before(comparisons, pair)}"
        f"{elsewhere(comparisons, pair, cells)} Over the long horizon the rollouts are valid for "
        f"{format_interval(valid_a)} (HNN) and {format_interval(valid_b)} periods (baseline)."
    )


def before(comparisons: Comparisons, pair: Pair) -> str:
    """How much of the difference in energy is the encoders', by what they read from the true frames; nothing if not known."""
    whole, floor = (compared(comparisons, pair, name, "energy_error") for name in ("held_out", "floor"))
    if whole is None or floor is None or whole["mean"] is None or floor["mean"] is None:
        return ""
    return (
        f" Of the difference, {format_interval(whole)}, {format_interval(floor)} is there before any rollout: energies "
        "read from the true frames by the two encoders already differ by it."
    )


def describe(cells: Cells) -> dict[str, Any]:
    """All of it, as the report's template takes it."""
    tasks = list(dict.fromkeys(task for task, _ in cells))
    return {"tasks": tasks, "rollouts": rollouts(cells), "encoders": encoders(cells), "says": SAYS}
