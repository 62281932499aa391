"""Artifacts that pass between stages: observations, true motions, frames, probes, rollouts, weights and metrics."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from math import comb
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy import ndarray

from hnn.core.cell import Cell
from hnn.core.errors import Refused
from hnn.core.recording import About
from hnn.core.trajectories import CellRollouts, Counterfactual, Observations, Portrait, Rollout, TrueMotion, Visuals
from hnn.files.array_schema import flatten, unflatten
from hnn.files.arrays import read_arrays, write_arrays
from hnn.files.formats import read_json, write_json, write_text
from hnn.files.metrics import check_about, check_canvas, check_comparisons, check_rollout, check_train
from hnn.files.paths import (
    CARDS,
    COMPARISONS,
    frames_path,
    motions_path,
    observations_path,
    predicted_metrics_path,
    probes_path,
    results_path,
    rollouts_path,
)
from hnn.files.reading import corrupt
from hnn.files.schemas import MOTIONS, OBSERVATIONS, PROBES, ROLLOUTS, frames_of
from hnn.files.weights import read_weights, write_weights

__all__ = [
    "parse_comparisons",
    "read_about",
    "read_bodies",
    "read_canvas",
    "read_cell",
    "read_comparisons",
    "read_frames",
    "read_losses",
    "read_motions",
    "read_observations",
    "read_predicted_metrics",
    "read_probes",
    "read_rollouts",
    "read_weights",
    "write_canvas",
    "write_cards",
    "write_frames",
    "write_motions",
    "write_observations",
    "write_probes",
    "write_rollouts",
    "write_weights",
]

T = TypeVar("T")


def write_observations(task: str, train: Sequence[Observations], test: Observations, *, bodies: int = 1) -> None:
    """Write the training data of a task, one draw for each seed or one for all, and its test data.

    `bodies` is the number of equal bodies whose positions and momenta a state joins.
    """
    joined = {"t": train[0].t, "x": np.stack([draw.x for draw in train]), "dx": np.stack([draw.dx for draw in train])}
    groups = {"train": joined, "test": asdict(test), "layout": {"bodies": np.array(bodies)}}
    write_arrays(observations_path(task), flatten(groups))


def read_observations(task: str) -> tuple[list[Observations], Observations]:
    """The draws of training data of a task, see `hnn.core.trajectories.of_seed`, and its test data."""
    parts = unflatten(read_arrays(observations_path(task), OBSERVATIONS).items())
    train = parts["train"]
    draws = [Observations(train["t"], x, dx) for x, dx in zip(train["x"], train["dx"], strict=True)]
    return draws, Observations(**parts["test"])


def read_bodies(task: str) -> int:
    """The number of equal bodies whose positions and momenta a state of the task joins."""
    return int(read_arrays(observations_path(task), OBSERVATIONS)["layout.bodies"])


def write_motions(task: str, motions: Mapping[str, TrueMotion]) -> None:
    """Write the true motions of a task by the name of their set of starts."""
    write_arrays(motions_path(task), flatten({name: asdict(motion) for name, motion in motions.items()}))


def read_motions(task: str) -> dict[str, TrueMotion]:
    """The true motions of a task by the name of their set of starts."""
    groups = unflatten(read_arrays(motions_path(task), MOTIONS).items())
    return {name: TrueMotion(**arrays) for name, arrays in groups.items()}


def write_frames(task: str, frames: Mapping[str, ndarray]) -> None:
    """Write the frames (*batch, time, channels, size, size), bytes, of a task by the name of their set of states.

    The batch are clips; of the training data (draws, clips).
    """
    write_arrays(frames_path(task), frames)


def read_frames(task: str, size: int, channels: int) -> dict[str, ndarray]:
    """The frames of a task by set; raises `CorruptFile` if their shape differs from render.pixels and render.channels."""
    return read_arrays(frames_path(task), frames_of(size, channels))


def write_canvas(task: str, canvas: Mapping[str, float], system: Mapping[str, Any]) -> None:
    """Write the fields of the canvas of a task's frames, and the name and constants of the system that they show."""
    write_json(results_path("render", task), {"canvas": dict(canvas), "system": dict(system)})


def read_canvas(task: str, root: str | Path = ".") -> tuple[dict[str, Any], dict[str, Any]]:
    """(fields of the canvas of a task's frames, name and constants of the system that they show), in the project `root`.

    Arguments of `hnn.rendering.canvas.Canvas` and `hnn.systems.base.make_system`. Raises `FileNotFoundError` if the frames
    are not drawn.
    """
    content = read_checked(Path(root) / results_path("render", task), check_canvas)
    return content["canvas"], content["system"]


def write_probes(cell: Cell, probes: Sequence[Mapping[str, Any]]) -> None:
    """Write the fields of the probe of each seed of a pixel cell, numbers and arrays: `<seed>.<field>`."""
    arrays = {str(seed): {name: np.asarray(value) for name, value in probe.items()} for seed, probe in enumerate(probes)}
    write_arrays(probes_path(cell), flatten(arrays))


def read_probes(cell: Cell, root: str | Path = ".") -> list[dict[str, ndarray]]:
    """The fields of the probe of each seed of a pixel cell, of the project in the folder `root`.

    Arguments of `hnn.pixels.probe.Probe`. Raises `FileNotFoundError` if the cell is not rolled out.
    """
    path = Path(root) / probes_path(cell)
    probes = unflatten(read_arrays(path, PROBES).items())
    for seed, probe in probes.items():
        count = comb(len(probe["mean"]) + min(int(probe["degree"]), MOST_DEGREE), len(probe["mean"]))
        if len(probe["coefficients"]) != count:
            raise corrupt(
                path, f"{seed}.coefficients has {len(probe['coefficients'])} rows, not those of degree {probe['degree']}"
            )
    if set(probes) != set(map(str, range(len(probes)))):
        raise corrupt(path, f"has the seeds {', '.join(probes)}, must be 0 to {len(probes) - 1}")
    return [probes[str(seed)] for seed in range(len(probes))]


MOST_DEGREE = 100
"""Largest degree of a probe that is read; larger numbers would only take time."""


def write_rollouts(cell: Cell, rollouts: CellRollouts) -> None:
    """Write the rollouts of a cell: `<set>.<array>`, `<set>.quantity.<metric>`, and from pixels the arrays of its figures."""
    groups = {name: rollout_arrays(rollout) for name, rollout in rollouts.sets.items()}
    if rollouts.visuals:
        groups["film"] = dict(rollouts.visuals.film)
        for name in ("portrait", "counterfactual"):
            if part := getattr(rollouts.visuals, name):
                groups[name] = vars(part)
    write_arrays(rollouts_path(cell), flatten(groups))


def read_rollouts(cell: Cell, root: str | Path = ".") -> CellRollouts:
    """The rollouts of a cell of the project in the folder `root`, as `write_rollouts` wrote them."""
    groups = unflatten(read_arrays(Path(root) / rollouts_path(cell), ROLLOUTS).items())
    film, portrait, counterfactual = (groups.pop(name, None) for name in ("film", "portrait", "counterfactual"))
    visuals = None
    if film:
        visuals = Visuals(
            film,
            Portrait(**portrait) if portrait else None,
            Counterfactual(**counterfactual) if counterfactual else None,
        )
    return CellRollouts({name: rollout_from(arrays) for name, arrays in groups.items()}, visuals)


QUANTITY = "quantity."
"""Prefix of the names of arrays that hold metrics."""


def rollout_arrays(rollout: Rollout) -> dict[str, ndarray]:
    """The arrays of a rollout by name."""
    arrays = {name: value for name, value in vars(rollout).items() if name != "quantities" and value is not None}
    arrays["energy_scale"] = np.array(rollout.energy_scale)
    return arrays | {f"{QUANTITY}{name}": values for name, values in rollout.quantities.items()}


def rollout_from(arrays: Mapping[str, ndarray]) -> Rollout:
    """The inverse of `rollout_arrays`."""
    quantities = {name.removeprefix(QUANTITY): array for name, array in arrays.items() if name.startswith(QUANTITY)}
    fields = {name: array for name, array in arrays.items() if not name.startswith(QUANTITY)}
    scale = float(fields.pop("energy_scale"))
    return Rollout(**fields, energy_scale=scale, quantities=quantities)


def read_cell(cell: Cell) -> dict[str, Any]:
    """The metrics of a cell by stage: {"train": …, "rollout": …}; the truth is not trained."""
    checks = {"train": check_train, "rollout": check_rollout}
    stages = ("rollout",) if cell.is_truth else ("train", "rollout")
    return {stage: read_checked(results_path(stage, cell.key), checks[stage]) for stage in stages}


def read_losses(cell: Cell) -> dict[str, Any]:
    """The losses of a cell at the end of its training: JSON entries of intervals."""
    trained = read_checked(results_path("train", cell.key), check_train)
    return {name: entry for name, entry in trained.items() if name.endswith("_loss")}


def read_predicted_metrics(cell: Cell) -> dict[str, Any]:
    """The metrics of a cell of a recording by set of runs, with its `losses` and its `law`."""
    return dict(read_checked(predicted_metrics_path(cell), check_rollout))


def read_about(task: str) -> About:
    """The recording of a task, as the stage ingest_recording describes it."""
    return About(**read_checked(results_path("ingest", task), check_about))


def read_comparisons() -> Any:
    """The content of metrics/comparisons.json."""
    return read_checked(COMPARISONS, check_comparisons)


def parse_comparisons(text: str, origin: str) -> Any:
    """The content of metrics/comparisons.json of another revision; raises `Refused` for any other text."""
    try:
        return check_comparisons(json.loads(text))
    except ValueError as error:
        raise Refused(f"{origin}: {error}") from None


def read_checked(path: Path, check: Callable[[Any], T]) -> T:
    """check(content) of a JSON file; raises `CorruptFile` where it raises `ValueError`."""
    try:
        return check(read_json(path))
    except ValueError as error:
        raise corrupt(path, error) from None


def write_cards(cards: Mapping[str, str]) -> None:
    """Write the model cards by the keys of their cells."""
    for key, text in cards.items():
        write_text(CARDS / f"{key}.md", text)
