"""The artifacts that stages pass on: observations, motions, frames, rollouts, weights and metrics, read and written whole."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy import ndarray

from hnn.core.errors import Refused
from hnn.core.trajectories import Observations, TrueMotion
from hnn.files.formats import read_arrays, read_json, write_arrays, write_text, writing
from hnn.files.paths import METRICS, frames_path, metrics_path, motions_path, observations_path, rollouts_path

if TYPE_CHECKING:  # torch takes a second to import and most readers of files need none
    from torch import Tensor

__all__ = [
    "Rollouts",
    "read_cell",
    "read_frames",
    "read_motions",
    "read_observations",
    "read_rollouts",
    "read_weights",
    "write_cards",
    "write_frames",
    "write_motions",
    "write_observations",
    "write_rollouts",
    "write_weights",
]

Rollouts = dict[str, dict[str, ndarray]]
"""For each set of starts, arrays by name: see `hnn.evaluation.rollouts.roll`."""


def write_observations(task: str, train: Observations, test: Observations) -> None:
    """Training and test data of a task."""
    write_arrays(observations_path(task), flatten({"train": asdict(train), "test": asdict(test)}))


def read_observations(task: str) -> tuple[Observations, Observations]:
    """(train, test) of a task."""
    parts = unflatten(read_arrays(observations_path(task)))
    return Observations(**parts["train"]), Observations(**parts["test"])


def write_motions(task: str, motions: Mapping[str, TrueMotion]) -> None:
    """The true motions of a task by the name of their set of starts."""
    write_arrays(motions_path(task), flatten({name: asdict(motion) for name, motion in motions.items()}))


def read_motions(task: str) -> dict[str, TrueMotion]:
    """The true motions of a task by the name of their set of starts."""
    return {name: TrueMotion(**arrays) for name, arrays in unflatten(read_arrays(motions_path(task))).items()}


def write_frames(task: str, frames: Mapping[str, ndarray]) -> None:
    """Frames (clips, time, channels, size, size), bytes, of a task by the name of their set of states."""
    write_arrays(frames_path(task), frames)


def read_frames(task: str, size: int, channels: int) -> dict[str, ndarray]:
    """The frames of a task by set; raises `Refused` if they are not what render.size and render.channels say."""
    path = frames_path(task)
    frames = read_arrays(path)
    for name, array in frames.items():
        if array.dtype != np.uint8 or array.ndim != 5 or array.shape[2:] != (channels, size, size) or array.shape[1] < 3:
            raise Refused(
                f"{path}: {name} has shape {array.shape} of {array.dtype}, but render.size {size} and render.channels "
                f"{channels} need bytes (uint8) of shape (clips, at least 3 frames, {channels}, {size}, {size})"
            )
    return frames


def write_rollouts(task: str, model: str, rollouts: Rollouts) -> None:
    """The rollouts of a cell: for each set of starts, arrays by name."""
    write_arrays(rollouts_path(task, model), flatten(rollouts))


def read_rollouts(task: str, model: str) -> Rollouts:
    """The rollouts of a cell: for each set of starts, arrays by name."""
    return unflatten(read_arrays(rollouts_path(task, model)))


def write_weights(path: Path, members: Sequence[Mapping[str, "Tensor"]], about: Mapping[str, Any]) -> None:
    """The weights of all seeds in one safetensors file, with what is needed to build the networks again."""
    import safetensors.torch

    tensors = {f"{seed}.{name}": w.detach().cpu().contiguous() for seed, m in enumerate(members) for name, w in m.items()}
    with writing(path) as temporary:  # one metadata key: with more their order, and so the bytes, would vary
        safetensors.torch.save_file(tensors, temporary, {"hnn": json.dumps({**about, "seeds": len(members)}, sort_keys=True)})


def read_weights(path: Path) -> tuple[list[dict[str, "Tensor"]], dict[str, Any]]:
    """(weights of each seed, what is needed to build the networks again)."""
    import safetensors

    with safetensors.safe_open(path, "pt") as file:
        about = json.loads(file.metadata()["hnn"])
        names = [key.split(".", 1) for key in file.keys()]  # noqa: SIM118 (not a dict)
        members: list[dict[str, Tensor]] = [{} for _ in range(about.pop("seeds"))]
        for seed, name in names:
            members[int(seed)][name] = file.get_tensor(f"{seed}.{name}")
    return members, about


def read_cell(task: str, model: str) -> dict[str, Any]:
    """The metrics of a cell by stage: {"train": …, "rollout": …}; the truth is not trained."""
    stages = ("rollout",) if model == "truth" else ("train", "rollout")
    return {stage: read_json(metrics_path(stage, f"{task}-{model}")) for stage in stages}


def write_cards(cards: Mapping[str, str]) -> None:
    """The model cards, by the keys of their cells."""
    for key, text in cards.items():
        write_text(METRICS / "cards" / f"{key}.md", text)


def flatten(groups: Mapping[str, Mapping[str, ndarray]]) -> dict[str, ndarray]:
    """{"a": {"b": x}} to {"a.b": x}."""
    return {f"{group}.{name}": array for group, arrays in groups.items() for name, array in arrays.items()}


def unflatten(arrays: Mapping[str, ndarray]) -> dict[str, dict[str, ndarray]]:
    """{"a.b": x} to {"a": {"b": x}}; of `a.b.c` the name is `b.c`."""
    groups: dict[str, dict[str, ndarray]] = {}
    for key, array in arrays.items():
        group, name = key.split(".", 1)
        groups.setdefault(group, {})[name] = array
    return groups
