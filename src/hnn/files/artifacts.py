"""Artifacts that pass between stages: observations, true motions, frames, probes, rollouts, weights and metrics."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy import ndarray

from hnn.core.cell import Cell
from hnn.core.errors import Refused
from hnn.core.trajectories import CellRollouts, Counterfactual, Observations, Portrait, Rollout, TrueMotion, Visuals
from hnn.files.formats import read_arrays, read_json, write_arrays, write_json, write_text, writing
from hnn.files.paths import CARDS, frames_path, motions_path, observations_path, probes_path, results_path, rollouts_path

if TYPE_CHECKING:  # torch takes a second to import and most readers of files need none
    from torch import Tensor

__all__ = [
    "read_canvas",
    "read_cell",
    "read_frames",
    "read_motions",
    "read_observations",
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


def write_observations(task: str, train: Sequence[Observations], test: Observations) -> None:
    """Write the training data of a task, one draw for each seed or one for all, and its test data."""
    joined = {"t": train[0].t, "x": np.stack([draw.x for draw in train]), "dx": np.stack([draw.dx for draw in train])}
    write_arrays(observations_path(task), flatten({"train": joined, "test": asdict(test)}))


def read_observations(task: str) -> tuple[list[Observations], Observations]:
    """The draws of training data of a task, see `hnn.core.trajectories.of_seed`, and its test data."""
    parts = unflatten(read_arrays(observations_path(task)))
    train = parts["train"]
    draws = [Observations(train["t"], x, dx) for x, dx in zip(train["x"], train["dx"], strict=True)]
    return draws, Observations(**parts["test"])


def write_motions(task: str, motions: Mapping[str, TrueMotion]) -> None:
    """Write the true motions of a task by the name of their set of starts."""
    write_arrays(motions_path(task), flatten({name: asdict(motion) for name, motion in motions.items()}))


def read_motions(task: str) -> dict[str, TrueMotion]:
    """The true motions of a task by the name of their set of starts."""
    return {name: TrueMotion(**arrays) for name, arrays in unflatten(read_arrays(motions_path(task))).items()}


def write_frames(task: str, frames: Mapping[str, ndarray]) -> None:
    """Write the frames (*batch, time, channels, size, size), bytes, of a task by the name of their set of states.

    The batch are clips; of the training data (draws, clips).
    """
    write_arrays(frames_path(task), frames)


def read_frames(task: str, size: int, channels: int) -> dict[str, ndarray]:
    """The frames of a task by set; raises `Refused` if their shape differs from render.pixels and render.channels."""
    path = frames_path(task)
    frames = read_arrays(path)
    for name, array in frames.items():
        if array.dtype != np.uint8 or array.ndim < 5 or array.shape[-3:] != (channels, size, size) or array.shape[-4] < 3:
            raise Refused(
                f"{path}: {name} has shape {array.shape} of {array.dtype}, but render.pixels {size} and render.channels "
                f"{channels} need bytes (uint8) of shape (*clips, at least 3 frames, {channels}, {size}, {size})"
            )
    return frames


def write_canvas(task: str, canvas: Mapping[str, float], system: Mapping[str, Any]) -> None:
    """Write the fields of the canvas of a task's frames, and the name and constants of the system that they show."""
    write_json(results_path("render", task), {"canvas": dict(canvas), "system": dict(system)})


def read_canvas(task: str, root: str | Path = ".") -> tuple[dict[str, Any], dict[str, Any]]:
    """(fields of the canvas of a task's frames, name and constants of the system that they show), in the project `root`.

    Arguments of `hnn.rendering.canvas.Canvas` and `hnn.systems.base.make_system`. Raises `FileNotFoundError` if the frames
    are not drawn.
    """
    content = read_json(existing(Path(root) / results_path("render", task)))
    if "canvas" not in content:
        raise Refused(f"{results_path('render', task)} was written by an older version; run `make repro`")
    return content["canvas"], content["system"]


def write_probes(cell: Cell, probes: Sequence[Mapping[str, Any]]) -> None:
    """Write the fields of the probe of each seed of a pixel cell, numbers and arrays: `<seed>.<field>`."""
    arrays = {str(seed): {name: np.asarray(value) for name, value in probe.items()} for seed, probe in enumerate(probes)}
    write_arrays(probes_path(cell), flatten(arrays))


def read_probes(cell: Cell, root: str | Path = ".") -> list[dict[str, ndarray]]:
    """The fields of the probe of each seed of a pixel cell, of the project in the folder `root`.

    Arguments of `hnn.pixels.probe.Probe`. Raises `FileNotFoundError` if the cell is not rolled out.
    """
    probes = unflatten(read_arrays(existing(Path(root) / probes_path(cell))))
    return [probes[seed] for seed in sorted(probes, key=int)]


def existing(path: Path) -> Path:
    """The path of a file that is there; raises `FileNotFoundError`, with what to do, if it is not."""
    if not path.is_file():
        raise FileNotFoundError(f"{path} is not there; run `make repro`")
    return path


def write_rollouts(cell: Cell, rollouts: CellRollouts) -> None:
    """Write the rollouts of a cell: `<set>.<array>`, `<set>.quantity.<metric>`, and from pixels the arrays of its figures."""
    groups = {name: rollout_arrays(rollout) for name, rollout in rollouts.sets.items()}
    if rollouts.visuals:
        groups["film"] = dict(rollouts.visuals.film)
        for name in ("portrait", "counterfactual"):
            if part := getattr(rollouts.visuals, name):
                groups[name] = vars(part)
    write_arrays(rollouts_path(cell), flatten(groups))


def read_rollouts(cell: Cell) -> CellRollouts:
    """The rollouts of a cell, as `write_rollouts` wrote them."""
    groups = unflatten(read_arrays(rollouts_path(cell)))
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


def write_weights(path: Path, members: Sequence[Mapping[str, "Tensor"]], about: Mapping[str, Any]) -> None:
    """Write the weights of all seeds to one safetensors file, with the arguments `about` that build the networks again."""
    import safetensors.torch

    tensors = {f"{seed}.{name}": w.detach().cpu().contiguous() for seed, m in enumerate(members) for name, w in m.items()}
    with writing(path) as temporary:  # a single metadata key, since the order of several, and so the bytes, would vary
        safetensors.torch.save_file(tensors, temporary, {"hnn": json.dumps({**about, "seeds": len(members)}, sort_keys=True)})


def read_weights(path: Path) -> tuple[list[dict[str, "Tensor"]], dict[str, Any]]:
    """The weights of each seed, and the arguments that build the networks again."""
    import safetensors

    with safetensors.safe_open(path, "pt") as file:
        about = json.loads(file.metadata()["hnn"])
        names = [key.split(".", 1) for key in file.keys()]  # noqa: SIM118 (not a dict)
        members: list[dict[str, Tensor]] = [{} for _ in range(about.pop("seeds"))]
        for seed, name in names:
            members[int(seed)][name] = file.get_tensor(f"{seed}.{name}")
    return members, about


def read_cell(cell: Cell) -> dict[str, Any]:
    """The metrics of a cell by stage: {"train": …, "rollout": …}; the truth is not trained."""
    stages = ("rollout",) if cell.is_truth else ("train", "rollout")
    return {stage: read_json(results_path(stage, cell.key)) for stage in stages}


def write_cards(cards: Mapping[str, str]) -> None:
    """Write the model cards by the keys of their cells."""
    for key, text in cards.items():
        write_text(CARDS / f"{key}.md", text)


def flatten(groups: Mapping[str, Mapping[str, ndarray]]) -> dict[str, ndarray]:
    """Join the keys of nested mappings of arrays by a dot.

    >>> flatten({"a": {"b": np.ones(1)}})
    {'a.b': array([1.])}
    """
    return {f"{group}.{name}": array for group, arrays in groups.items() for name, array in arrays.items()}


def unflatten(arrays: Mapping[str, ndarray]) -> dict[str, dict[str, ndarray]]:
    """The inverse of `flatten`; keys are split at their first dot.

    >>> unflatten({"a.b.c": np.ones(1)})
    {'a': {'b.c': array([1.])}}
    """
    groups: dict[str, dict[str, ndarray]] = {}
    for key, array in arrays.items():
        group, name = key.split(".", 1)
        groups.setdefault(group, {})[name] = array
    return groups
