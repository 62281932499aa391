"""Every path and every file format of the project.

Files are written whole or not at all, and the same content gives the same bytes.
Paths are relative to the project's folder, where DVC runs the stages.
"""

import base64
import csv
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import safetensors
import safetensors.torch
from numpy import ndarray
from torch import Tensor

from hnn.errors import Refused
from hnn.trajectories import Observations, TrueMotion

if TYPE_CHECKING:  # only the report needs it, and it takes a while to import
    from matplotlib.figure import Figure

__all__ = [
    "EXTERNAL",
    "METRICS",
    "Rollouts",
    "autoencoder_path",
    "curve_path",
    "errors_path",
    "figure_path",
    "frames_path",
    "metrics_path",
    "motions_path",
    "observations_path",
    "read_cell",
    "read_columns",
    "read_frames",
    "read_json",
    "read_motions",
    "read_observations",
    "read_rollouts",
    "read_rows",
    "read_weights",
    "rollouts_path",
    "weights_path",
    "write_cards",
    "write_frames",
    "write_json",
    "write_motions",
    "write_observations",
    "write_picture",
    "write_rollouts",
    "write_rows",
    "write_text",
    "write_weights",
    "writing",
]

Rollouts = dict[str, dict[str, ndarray]]
"""For each set of starts the arrays that `hnn.rollouts.roll` makes."""

DATA = Path("data")
METRICS = Path("metrics")
EXTERNAL = DATA / "external"


def observations_path(task: str) -> Path:
    """Training and test data."""
    return DATA / "observations" / f"{task}.npz"


def motions_path(task: str) -> Path:
    """The true motions that rollouts are held against."""
    return DATA / "motions" / f"{task}.npz"


def frames_path(task: str) -> Path:
    """The pictures of observations and true motions."""
    return DATA / "frames" / f"{task}.npz"


def autoencoder_path(task: str) -> Path:
    """The weights of the pretrained autoencoders, all seeds."""
    return DATA / "autoencoders" / f"{task}.safetensors"


def weights_path(task: str, model: str) -> Path:
    """The weights of a cell, all seeds."""
    return DATA / "models" / f"{task}-{model}.safetensors"


def rollouts_path(task: str, model: str) -> Path:
    """The rollouts of a cell."""
    return DATA / "rollouts" / f"{task}-{model}.npz"


def metrics_path(stage: str, key: str) -> Path:
    """What a stage found out: of a task or of a cell."""
    return METRICS / stage / f"{key}.json"


def curve_path(key: str) -> Path:
    """The training curves of a cell or of a task's autoencoder, all seeds."""
    return METRICS / "curves" / f"{key}.csv"


def errors_path(task: str) -> Path:
    """The errors of all cells of a task against time."""
    return METRICS / "errors" / f"{task}.csv"


def figure_path(name: str) -> Path:
    """A picture of the report, by its file name."""
    return METRICS / "figures" / name


@contextmanager
def writing(path: Path) -> Iterator[Path]:
    """A path beside `path` to write to, which takes its place if nothing was raised and vanishes otherwise."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}{path.suffix}")
    try:
        yield temporary
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def write_text(path: Path, text: str) -> None:
    """UTF-8 with line feeds."""
    with writing(path) as temporary:
        temporary.write_text(text, encoding="utf-8", newline="\n")


def write_cards(cards: Mapping[str, str]) -> None:
    """The model cards, by the keys of their cells."""
    for key, text in cards.items():
        write_text(METRICS / "cards" / f"{key}.md", text)


def write_json(path: Path, content: Any) -> None:
    """Indented JSON; NaN is refused, since no other reader knows it."""
    write_text(path, json.dumps(content, indent=2, allow_nan=False) + "\n")


def write_picture(path: Path, picture: "Figure | ndarray", seconds: float = 0.1) -> str:
    """A figure as PNG, or as GIF grey frames (time, height, width), bytes, each so many seconds long.

    256 colours are enough for a figure and make half of the bytes; there is no date or version among them to change them.
    Returns them as a data URI, which a page holds instead of a link.
    """
    from PIL import Image  # only the report needs it

    with writing(path) as temporary:
        if isinstance(picture, ndarray):
            first, *others = (Image.fromarray(frame).quantize(16) for frame in picture)
            first.save(temporary, append_images=others, duration=round(1000 * seconds), loop=0, save_all=True)
        else:
            drawn = BytesIO()
            picture.savefig(drawn, format="png")
            palette = Image.open(drawn).convert("RGB").quantize(256, dither=Image.Dither.NONE)
            palette.save(temporary, format="png", optimize=True)
    return f"data:image/{path.suffix[1:]};base64,{base64.b64encode(path.read_bytes()).decode('ascii')}"


def read_json(path: Path) -> Any:
    """The content of a JSON file."""
    return json.loads(path.read_text(encoding="utf-8"))


def read_cell(task: str, model: str) -> dict[str, Any]:
    """The metrics of a cell by stage: {"train": …, "rollout": …}; the truth is not trained."""
    stages = ("rollout",) if model == "truth" else ("train", "rollout")
    return {stage: read_json(metrics_path(stage, f"{task}-{model}")) for stage in stages}


def write_rows(path: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    """CSV with the keys of the first row as its head."""
    with writing(path) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def read_rows(path: Path) -> list[dict[str, str]]:
    """The rows of a CSV file, as text."""
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def read_columns(path: Path) -> dict[str, ndarray]:
    """The columns of a CSV file of numbers by name."""
    rows = read_rows(path)
    return {name: np.array([float(row[name]) for row in rows]) for name in rows[0]}


def write_arrays(path: Path, arrays: Mapping[str, ndarray]) -> None:
    """NPZ, not compressed."""
    with writing(path) as temporary:
        np.savez(temporary, **arrays)  # type: ignore[arg-type]


def read_arrays(path: Path) -> dict[str, ndarray]:
    """All arrays of an NPZ file."""
    with np.load(path, allow_pickle=False) as arrays:
        return dict(arrays)


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


def write_weights(path: Path, members: Sequence[Mapping[str, Tensor]], about: Mapping[str, Any]) -> None:
    """The weights of all seeds in one safetensors file, with what is needed to build the networks again."""
    tensors = {f"{seed}.{name}": w.detach().cpu().contiguous() for seed, m in enumerate(members) for name, w in m.items()}
    with writing(path) as temporary:  # one metadata key: with more their order, and so the bytes, would vary
        safetensors.torch.save_file(tensors, temporary, {"hnn": json.dumps({**about, "seeds": len(members)}, sort_keys=True)})


def read_weights(path: Path) -> tuple[list[dict[str, Tensor]], dict[str, Any]]:
    """(weights of each seed, what is needed to build the networks again)."""
    with safetensors.safe_open(path, "pt") as file:
        about = json.loads(file.metadata()["hnn"])
        names = [key.split(".", 1) for key in file.keys()]  # noqa: SIM118 (not a dict)
        members: list[dict[str, Tensor]] = [{} for _ in range(about.pop("seeds"))]
        for seed, name in names:
            members[int(seed)][name] = file.get_tensor(f"{seed}.{name}")
    return members, about
