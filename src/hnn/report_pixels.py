"""Metrics of pixel cells to words and tables. A cell is named by its model and step map: `hnn-rk4`."""

from collections.abc import Mapping
from typing import Any

from hnn.report import Cells, against, spread, verdict

__all__ = ["describe", "encoders", "findings", "rollouts"]

METHODS = {"": "its map", "continuous": "continuous", "floor": "no rollout: the true frames, encoded"}
"""How the latent states of a result came about, by its name in the metrics; the held-out starts stand at the top."""


def rollouts(cells: Cells) -> list[dict[str, str]]:
    """Rows on rollouts of 200 frames: how trained, how rolled out, and what comes of it. Mismatches are marked."""
    rows = []
    for (task, model), cell in cells.items():
        name, step_map = model.split("-")
        for key, method in METHODS.items():
            found = cell["rollout"][key] if key else cell["rollout"]
            mismatch = found.get("mismatch", False)
            row = {"task": task, "model": name, "trained with": step_map, "rolled out by": method + " (mismatch)" * mismatch}
            quantities = ("energy_error", "energy_mse", "coordinate_error", "valid_time", "diverged", "pixel_mse_100")
            row |= {quantity: spread(found.get(quantity)) for quantity in quantities}
            rows.append(row)
    return rows


def encoders(cells: Cells) -> list[dict[str, str]]:
    """Rows on what each cell's encoder and decoder are worth on held-out clips, and how long its rollouts stay valid."""
    rows = []
    for (task, model), cell in cells.items():
        found = cell["rollout"]
        row = {"task": task, "model": model}
        row |= {name: spread(found[name]) for name in ("probe_r2", "canonical_error", "reconstruction_error")}
        row["conserved_error"] = spread(found.get("conserved_error"))
        row["valid_time.long"] = spread(found["long"]["valid_time"])
        rows.append(row | {f"pixel_mse_{n}": spread(found["long"].get(f"pixel_mse_{n}")) for n in (10, 200, 1000)})
    return rows


def findings(cells: Cells, comparisons: Mapping[str, Any] | None = None) -> list[str]:
    """One paragraph for each pixel task: the comparison as published, and what remains of it when both have a matched map."""
    paragraphs = []
    for task in dict.fromkeys(task for task, _ in cells):
        found = {model: cell["rollout"] for (of, model), cell in cells.items() if of == task}
        parts = []
        if {"hnn-rk4", "baseline-euler"} <= set(found):
            parts.append(as_published(found["hnn-rk4"], found["baseline-euler"]["continuous"]))
        if {"hnn-rk4", "baseline-rk4"} <= set(found):
            paired = (comparisons or {}).get(task, {}).get("hnn-rk4 vs baseline-rk4", {})
            parts.append(matched(found["hnn-rk4"], found["baseline-rk4"], paired))
        if parts:
            paragraphs.append(f"**{task}**: {' '.join(parts)}")
    return paragraphs


def as_published(hnn: Mapping[str, Any], baseline: Mapping[str, Any]) -> str:
    """HNN by its RK4 map against the baseline as published: trained through an Euler map, rolled out as an ODE."""
    a, b, valid = hnn["energy_error"], baseline["energy_error"], hnn["valid_time"]
    return (
        f"HNN's energy error over 200 frames is {spread(a)} of the spread of energies, {against(a, b)} that of the baseline "
        f"as published, {spread(b)}, which was trained through an Euler map and is rolled out as a continuous motion; HNN is "
        f"valid for {spread(valid)} periods, that baseline for {spread(baseline['valid_time'])}."
    )


def matched(hnn: Mapping[str, Any], baseline: Mapping[str, Any], paired: Mapping[str, Any]) -> str:
    """What remains of the gap when the baseline has an RK4 map too, in training and rollout."""
    a, b = hnn["energy_error"], baseline["energy_error"]
    near, late = (paired.get(starts, {}).get("energy_error") for starts in ("held_out", "long"))
    long_a, long_b = hnn["long"]["energy_error"], baseline["long"]["energy_error"]
    valid_a, valid_b = hnn["long"]["valid_time"], baseline["long"]["valid_time"]
    remains = {
        "smaller": "a gap remains",
        "larger": "the gap is reversed",
        "not distinguishable": "nothing of the gap remains",
    }[verdict(a, b, near)]
    return (
        f"Given an RK4 map too, the baseline's energy error is {spread(b)}: {remains}. Over 1000 frames HNN's energy error is "
        f"{spread(long_a)}, {against(long_a, long_b, late)} the baseline's {spread(long_b)}, and the rollouts are valid for "
        f"{spread(valid_a)} (HNN) and {spread(valid_b)} periods (baseline)."
    )


def describe(cells: Cells, comparisons: Mapping[str, Any] | None = None) -> dict[str, list[Any]]:
    """All of it, as the report's template takes it."""
    return {"findings": findings(cells, comparisons), "rollouts": rollouts(cells), "encoders": encoders(cells)}
