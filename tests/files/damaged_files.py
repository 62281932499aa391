"""Fuzzing of every reader: files of each kind are damaged at random; each must be refused in one line, or read as it was.

`python tests/files/damaged_files.py 800` damages 800 files of each kind and prints a table.
"""

import json
import os
import resource
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, fields, is_dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import torch

from hnn.commands import summaries
from hnn.core.cell import Cell
from hnn.core.errors import Refused
from hnn.core.trajectories import CellRollouts, Counterfactual, Observations, Portrait, Rollout, TrueMotion, Visuals
from hnn.files import arrays, artifacts, formats, paths
from hnn.models.base import make_model
from hnn.params.loading import load_params
from hnn.pixels.latent_model import make_latent_model
from hnn.pixels.trained import load_latent_members
from hnn.rendering.canvas import Canvas
from hnn.trained import load_members

ROOT = Path(__file__).resolve().parents[2]
MOST_SECONDS, MOST_BYTES = 1.0, 10**9
"""Largest time and memory that a damaged file may take."""

TASK, CELL, PIXEL_CELL = "t", Cell("t", "hnn"), Cell("t", "hnn", "rk4")
NUMBERS = np.random.default_rng(0)
INTERVAL = {"mean": 0.1, "low": 0.05, "high": 0.2, "geometric": True, "seeds": [0.1, 0.1]}
DIFFERENCE = {"ratio": 0.5, "low": 0.4, "high": 0.6, "p": 0.01, "verdict": "better"}
LATENT = {
    "pixels": 128,
    "hidden": 4,
    "latent": 2,
    "time_unit": 0.25,
    "pair_step": 0.2,
    "name": "hnn",
    "model_hidden": 4,
    "model_layers": 2,
    "model_activation": "tanh",
    "step_map": "rk4",
    "frame_step": 0.05,
}
STATE = {"name": "hnn", "degrees": 1, "hidden": 4, "layers": 2, "activation": "tanh"}


@dataclass(frozen=True)
class Kind:
    """One kind of file: how a good one is written in the working folder, and its reader."""

    path: Path
    write: Callable[[], None]
    read: Callable[[], Any]
    guarded: bool = True
    """True if the numbers have a checksum, so that a damaged file is refused or is read as it was."""


def observations() -> None:
    """Write observations of two draws."""
    draw = Observations(np.arange(4.0), NUMBERS.normal(size=(3, 4, 2)), NUMBERS.normal(size=(3, 4, 2)))
    artifacts.write_observations(TASK, [draw, draw], draw)


def motions() -> None:
    """Write true motions from two sets of starts."""
    motion = TrueMotion(np.arange(4.0), NUMBERS.normal(size=(3, 4, 2)), np.ones(3))
    artifacts.write_motions(TASK, {"held_out": motion, "long": motion})


def frames() -> None:
    """Write frames."""
    pictures = NUMBERS.integers(0, 256, (2, 2, 3, 1, 8, 8), np.uint8)
    artifacts.write_frames(TASK, {"train": pictures, "test": pictures[0], "held_out": pictures[0]})


def probes() -> None:
    """Write the probes of two seeds."""
    probe = {"degree": 1, "mean": np.zeros(2), "std": np.ones(2), "coefficients": NUMBERS.normal(size=(3, 2))}
    artifacts.write_probes(PIXEL_CELL, [probe, probe])


def rollouts() -> None:
    """Write rollouts with the arrays of all figures."""
    x = NUMBERS.normal(size=(2, 3, 5, 2))
    scores = {"energy_mse": x[..., 0, 0], "block_error": x[:, :1, 0, 0]}
    one = Rollout(np.arange(5.0), x, x[..., 0], x[0, ..., 0], x[..., 1], 0.5, x[..., 0], x, scores)
    film = {"true": np.ones((5, 1, 8, 8), np.uint8)}
    changed = Counterfactual(np.ones((4, 2)), np.ones(4), np.ones((4, 1, 8, 8), np.uint8), np.array([1, 2, 1]))
    visuals = Visuals(film, Portrait(np.ones(3), np.ones(2), np.ones((2, 3))), changed)
    artifacts.write_rollouts(PIXEL_CELL, CellRollouts({"held_out": one, "long": one}, visuals))


def weights(path: Path, make: Callable[..., torch.nn.Module], about: Mapping[str, Any]) -> None:
    """Write the weights of two seeds."""
    networks = [make(**about, generator=torch.Generator().manual_seed(seed)).float() for seed in (0, 1)]
    artifacts.write_weights(path, [network.state_dict() for network in networks], about)


def states(networks: list[Any]) -> list[Any]:
    """The weights of networks."""
    return [network.state_dict() for network in networks]


def metrics() -> None:
    """Write the metrics of both stages of a cell."""
    integrator = {"method": "dop853", "tolerance": 1e-7, "error": 1e-9, "share": 1e-5, "honoured": True}
    held_out = {"energy_error": INTERVAL, "valid_time": INTERVAL | {"median": 0.1, "q1": 0.1, "q3": 0.2}}
    rollout = held_out | {"integrator": integrator, "long": {"energy_error": INTERVAL, "mismatch": True}}
    law = {"terms": [{"name": "q²", "coefficient": INTERVAL}], "true": {"q²": 1.0}, "field_r2": INTERVAL, "r2": INTERVAL}
    rollout |= {"law": law | {"library": ["q²", "p²"], "errors": {"energy_error": INTERVAL}}}
    formats.write_json(paths.results_path("train", CELL.key), {"test_loss": INTERVAL, "parameters": 40, "steps": 20})
    formats.write_json(paths.results_path("rollout", CELL.key), rollout)


def canvas() -> None:
    """Write a canvas and a system."""
    artifacts.write_canvas(TASK, asdict(Canvas(8, 1, 0.14, 2, 0.0, -0.5, 0.7)), {"name": "pendulum", "length": 1.0})


def summary() -> None:
    """Write a summary of one cell."""
    row = {"task": "t", "model": "hnn", "mean": 0.1, "low": 0.05, "high": 0.2, "scale": "log", "seeds": "0.1 0.1"}
    formats.write_rows(paths.SUMMARY, [row | {"quantity": name} for name in ("energy_error", "valid_time")])


CLIP = NUMBERS.integers(0, 256, (3, 8, 8), np.uint8)
MODEL, LATENT_MODEL, AUTOENCODER = paths.weights_path(CELL), paths.weights_path(PIXEL_CELL), paths.autoencoder_path(TASK)
COMPARED = {"t": {"hnn vs baseline": {"held_out": {"energy_error": DIFFERENCE}}}}
PARAMS = Path("params.yaml")

KINDS = {
    "observations": Kind(paths.observations_path(TASK), observations, lambda: artifacts.read_observations(TASK)),
    "motions": Kind(paths.motions_path(TASK), motions, lambda: artifacts.read_motions(TASK)),
    "frames": Kind(paths.frames_path(TASK), frames, lambda: artifacts.read_frames(TASK, 8, 1)),
    "probes": Kind(paths.probes_path(PIXEL_CELL), probes, lambda: artifacts.read_probes(PIXEL_CELL)),
    "rollouts": Kind(paths.rollouts_path(PIXEL_CELL), rollouts, lambda: artifacts.read_rollouts(PIXEL_CELL)),
    "weights": Kind(MODEL, lambda: weights(MODEL, make_model, STATE), lambda: states(load_members(MODEL))),
    "latent weights": Kind(
        LATENT_MODEL,
        lambda: weights(LATENT_MODEL, make_latent_model, LATENT),
        lambda: states(load_latent_members(LATENT_MODEL)),
    ),
    "autoencoders": Kind(
        AUTOENCODER,
        lambda: weights(AUTOENCODER, make_latent_model, LATENT),
        lambda: artifacts.read_weights(AUTOENCODER),
    ),
    "training metrics": Kind(paths.results_path("train", CELL.key), metrics, lambda: artifacts.read_cell(CELL), guarded=False),
    "rollout metrics": Kind(
        paths.results_path("rollout", CELL.key), metrics, lambda: artifacts.read_cell(CELL), guarded=False
    ),
    "canvas": Kind(paths.results_path("render", TASK), canvas, lambda: artifacts.read_canvas(TASK), guarded=False),
    "comparisons": Kind(
        paths.COMPARISONS, lambda: formats.write_json(paths.COMPARISONS, COMPARED), artifacts.read_comparisons, guarded=False
    ),
    "curves": Kind(
        paths.curve_path("t"),
        lambda: formats.write_rows(paths.curve_path("t"), [{"step": 0, "test_loss": 0.5}, {"step": 10, "test_loss": 1e-7}]),
        lambda: formats.read_columns(paths.curve_path("t")),
        guarded=False,
    ),
    "summary": Kind(paths.SUMMARY, summary, summaries.current, guarded=False),
    "clip, npz": Kind(
        Path("clip.npz"),
        lambda: np.savez_compressed("clip.npz", frames=CLIP),
        lambda: arrays.read_array(Path("clip.npz"), "frames"),
    ),
    "clip, npy": Kind(
        Path("clip.npy"),
        lambda: np.save("clip.npy", CLIP),
        lambda: arrays.read_array(Path("clip.npy"), "frames"),
        guarded=False,
    ),
    "params.yaml": Kind(PARAMS, lambda: formats.write_text(PARAMS, SMALL_PARAMS), load_params, guarded=False),
}
SMALL_PARAMS = json.dumps({"seeds": 5, "models": ["hnn"], "tasks": {"a": {"train": {}}}, "model": {"hidden": 200}}, indent=1)
"""Incomplete parameters: the whole file takes too long to read ten thousand times."""

WORDS = [
    b"null",
    b"NaN",
    b"1e999",
    b"-1",
    b"9" * 400,
    b"[" * 400,
    b"{",
    b'"',
    b"\x00",
    b"\xff\xfe",
    b",",
    b"true",
    b"\n",
    b"!!a ",
]
EXTREMES = [b"\x00" * 8, b"\xff" * 8, b"\xff" * 7 + b"\x7f", b"\x00" * 4, b"\xff" * 4, b"\x93NUMPY", b"PK\x01\x02"]


def damaged(content: bytes, random: np.random.Generator) -> bytes:
    """The content after one to three damages, each of which changes it."""
    for _ in range(random.integers(1, 4)):
        changed = damages(content, random)
        content = changed if changed != content else content[:-1]
    return content


def damages(content: bytes, random: np.random.Generator) -> bytes:
    """The content with bits flipped, bytes set, cut off, cut out, doubled, moved, or with a word or a number put in."""
    if not content:
        return b"\x00"
    a, b = sorted(random.integers(0, len(content) + 1, 2).tolist())
    i = int(random.integers(0, len(content)))
    word, extreme = (choices[int(random.integers(len(choices)))] for choices in (WORDS, EXTREMES))
    options = (
        lambda: content[:i] + bytes([content[i] ^ 1 << int(random.integers(8))]) + content[i + 1 :],
        lambda: content[:i] + random.bytes(1) + content[i + 1 :],
        lambda: content[:i],
        lambda: content[:a] + content[b:],
        lambda: content[:b] + content[a:],
        lambda: content[:a] + bytes(b - a) + content[b:],
        lambda: content[b:] + content[a:b] + content[:a],
        lambda: content[:i] + word + content[i:],
        lambda: content[:i] + word + content[i + len(word) :],
        lambda: content[:i] + extreme + content[i + len(extreme) :],
        lambda: content + random.bytes(8),
    )
    return options[int(random.integers(len(options)))]()


def same(a: Any, b: Any) -> bool:
    """True for equal values of dataclasses, mappings, sequences, arrays and tensors."""
    if type(a) is not type(b):
        return False
    if is_dataclass(a):
        return all(same(getattr(a, field.name), getattr(b, field.name)) for field in fields(a))
    if isinstance(a, Mapping):
        return a.keys() == b.keys() and all(same(a[key], b[key]) for key in a)
    if isinstance(a, list | tuple):
        return len(a) == len(b) and all(map(same, a, b))
    if isinstance(a, np.ndarray | torch.Tensor):
        return bool(np.array_equal(np.asarray(a), np.asarray(b), equal_nan=True))
    return bool(a == b)


@dataclass
class Count:
    """The outcomes of the damaged files of one kind."""

    refused: int = 0
    as_it_was: int = 0
    plausible: int = 0
    """Read with other content, which is possible for a kind without a checksum."""
    slowest: float = 0.0


def fuzz(kind: Kind, count: int, random: np.random.Generator) -> Count:
    """Damage `count` files of a kind in the working folder; raises AssertionError for any outcome that is not allowed."""
    kind.path.parent.mkdir(parents=True, exist_ok=True)
    kind.write()
    content, good, outcomes = kind.path.read_bytes(), outcome(kind), Count()
    for number in range(count):
        bad = damaged(content, random)
        kind.path.write_bytes(bad)
        begun = time.perf_counter()
        try:
            read = outcome(kind)
        except Exception as error:
            raise AssertionError(f"{kind.path}: {type(error).__name__}: {error}; file {number}") from error
        outcomes.slowest = max(outcomes.slowest, time.perf_counter() - begun)
        if isinstance(read, str):
            lines = read.splitlines() if kind.path != PARAMS else read.splitlines()[:1]
            assert len(lines) == 1, f"{read!r} is not one line; file {number}"
            assert str(kind.path) in read, f"{read!r} does not name the file; file {number}"
            outcomes.refused += 1
        elif same(read, good):
            outcomes.as_it_was += 1
        else:
            assert not kind.guarded, f"{kind.path} was believed, with other numbers; file {number}"
            outcomes.plausible += 1
    kind.path.write_bytes(content)
    return outcomes


def outcome(kind: Kind) -> Any:
    """What the reader returns, or the text of its refusal."""
    try:
        return kind.read()
    except Refused as error:
        return str(error)


def main(count: int) -> None:
    """Damage `count` files of each kind and print a table."""
    random = np.random.default_rng(0)
    print(f"{'kind':18}{'damaged':>9}{'refused':>9}{'as it was':>11}{'plausible':>11}{'believed':>10}{'slowest':>11}")
    with TemporaryDirectory() as folder:
        os.chdir(folder)
        for name, kind in KINDS.items():
            one = fuzz(kind, count, random)
            print(f"{name:18}{count:9}{one.refused:9}{one.as_it_was:11}{one.plausible:11}{0:10}{1000 * one.slowest:8.0f} ms")
            assert one.slowest < MOST_SECONDS, f"{name}: one file took {one.slowest:.1f} s"
        os.chdir("/")
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    assert memory < MOST_BYTES, f"{memory / 1e6:.0f} MB of memory were needed"
    print(f"{count * len(KINDS)} files, {memory / 1e6:.0f} MB of memory at most")


if __name__ == "__main__":
    main(int(sys.argv[1]))
