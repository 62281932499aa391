"""Artifacts are read as they were written, and refused if they do not fit the parameters."""

import json
from dataclasses import fields

import numpy as np
import pytest
import torch
from conftest import observed

from hnn.core.cell import Cell
from hnn.core.errors import CorruptFile, Refused
from hnn.core.trajectories import CellRollouts, Counterfactual, Portrait, Rollout, TrueMotion, Visuals
from hnn.files import artifacts, paths
from hnn.files.arrays import write_arrays
from hnn.files.formats import write_json, write_text

CELL = Cell("t", "hnn", "rk4")


@pytest.fixture(autouse=True)
def empty_folder(tmp_path, monkeypatch):
    """An empty working folder."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def assert_same(a, b):
    """Equal dataclasses of arrays, mappings of arrays, numbers and None."""
    for field in fields(a):
        x, y = getattr(a, field.name), getattr(b, field.name)
        if hasattr(x, "keys"):
            assert list(x) == list(y)
            assert all(np.array_equal(x[name], y[name], equal_nan=True) for name in x)
        else:
            assert (x is None and y is None) or np.array_equal(x, y, equal_nan=True)


def test_read_observations_and_motions_give_what_was_written():
    draws, test = [observed("mass_spring", seed=seed) for seed in (1, 2, 3)], observed("mass_spring", trajectories=2, seed=4)
    artifacts.write_observations("t", draws, test, bodies=2)
    assert artifacts.read_bodies("t") == 2
    read, read_test = artifacts.read_observations("t")
    assert_same(test, read_test)
    for written, one in zip(draws, read, strict=True):
        assert_same(written, one)
    train = draws[0]
    artifacts.write_observations("t", [train], test)
    assert (len(artifacts.read_observations("t")[0]), artifacts.read_bodies("t")) == (1, 1)
    motion = TrueMotion(train.t, train.x, np.ones(len(train.x)))
    artifacts.write_motions("t", {"held_out": motion, "long": motion})
    assert list(artifacts.read_motions("t")) == ["held_out", "long"]
    assert_same(artifacts.read_motions("t")["long"], motion)


def rollout(**options):
    """Rollouts of two seeds from three starts at five times."""
    x = np.random.default_rng(0).standard_normal((2, 3, 5, 2))
    quantities = {"energy_mse": x[..., 0, 0], "valid_time": x[..., 0, 1]}
    return Rollout(np.linspace(0, 1, 5), x, x[..., 0], x[0, ..., 0], x[..., 1], 0.5, quantities=quantities, **options)


def visuals():
    """The arrays of all figures of a pixel cell."""
    counterfactual = Counterfactual(np.ones((4, 2)), np.ones(4), np.ones((4, 1, 8, 8), np.uint8), np.array([1, 2, 1]))
    return Visuals(
        {"true": np.ones((5, 1, 8, 8), np.uint8)}, Portrait(np.ones(3), np.ones(2), np.ones((2, 3))), counterfactual
    )


@pytest.mark.parametrize("with_visuals", [False, True])
def test_read_rollouts_gives_what_write_rollouts_wrote(with_visuals):
    sets = {"held_out": rollout(), "long": rollout(learned=np.ones((2, 3, 5)), z=np.ones((2, 3, 5, 2)))}
    written = CellRollouts(sets, visuals() if with_visuals else None)
    artifacts.write_rollouts(CELL, written)
    read = artifacts.read_rollouts(CELL)
    assert list(read.sets) == list(sets)
    for name in sets:
        assert_same(sets[name], read.sets[name])
    assert (read.visuals is not None) == with_visuals
    if with_visuals:
        assert np.array_equal(read.visuals.film["true"], written.visuals.film["true"])
        assert_same(read.visuals.portrait, written.visuals.portrait)
        assert_same(read.visuals.counterfactual, written.visuals.counterfactual)


def test_write_rollouts_and_weights_give_the_same_bytes_for_the_same_content(empty_folder):
    written = []
    for _ in range(2):
        artifacts.write_rollouts(CELL, CellRollouts({"held_out": rollout()}))
        artifacts.write_weights(empty_folder / "w.safetensors", [{"a": torch.arange(3.0)}], {"z": 1, "a": 2})
        written.append([path.read_bytes() for path in (paths.rollouts_path(CELL), empty_folder / "w.safetensors")])
    assert written[0] == written[1]


INTERVAL = {"mean": 0.1, "low": 0.05, "high": 0.2}
METRICS = {
    "train": {"test_loss": INTERVAL, "parameters": 5, "steps": 20},
    "rollout": {
        "energy_error": INTERVAL | {"seeds": [0.1, 0.1], "geometric": True},
        "probe_r2": {"mean": None, "low": None, "high": None, "reason": "no finite value"},
        "integrator": {"method": "dop853", "tolerance": 1e-7, "error": 1e-9, "share": None, "honoured": True},
        "long": {"energy_error": INTERVAL, "mismatch": True},
    },
}


def test_read_cell_gives_the_metrics_of_both_stages_and_of_the_truth_its_rollouts():
    for stage, key in (("train", "t-hnn"), ("rollout", "t-hnn"), ("rollout", "t-truth")):
        write_json(paths.results_path(stage, key), METRICS[stage])
    assert artifacts.read_cell(Cell("t", "hnn")) == METRICS
    assert artifacts.read_cell(Cell("t", "truth")) == {"rollout": METRICS["rollout"]}


@pytest.mark.parametrize(
    ("stage", "content", "said"),
    [
        ("train", None, "is not a mapping of metrics"),
        ("train", {}, "is not a mapping of metrics"),
        ("train", METRICS["train"] | {"steps": -1}, "steps: Input should be greater than or equal to 0"),
        ("train", METRICS["train"] | {"test_loss": None}, "test_loss: Input should be"),
        ("train", {"test_loss": INTERVAL}, "has no number of parameters or steps"),
        ("rollout", [1], "is not a mapping of metrics"),
        ("rollout", {"energy_error": 0.1}, "energy_error: Input should be"),
        ("rollout", {"energy_error": INTERVAL | {"mean": None}}, "energy_error: has neither a mean .* nor a reason"),
        ("rollout", {"energy_error": INTERVAL | {"mean": 0.3}}, "energy_error: mean 0.3 is not between low 0.05 and high 0.2"),
        ("rollout", {"energy_error": INTERVAL | {"mean": "0.1"}}, "energy_error.mean: Input should be a valid number"),
        ("rollout", {"energy_error": INTERVAL | {"x": 1}}, "energy_error.x: Extra inputs are not permitted"),
        ("rollout", {"long": {"energy_error": {"mean": 0.1}}}, "long.energy_error.low: Field required"),
        ("rollout", {"long": {"deeper": {"energy_error": INTERVAL}}}, "long.deeper.mean: Field required"),
        ("rollout", {"mismatch": 1}, "mismatch is 1, must be true or false"),
        ("rollout", {"integrator": {"method": "rk4"}}, "integrator.error: Field required"),
    ],
)
def test_read_cell_refuses_metrics_that_are_missing_or_impossible(stage, content, said):
    for name in METRICS:
        write_json(paths.results_path(name, "t-hnn"), content if name == stage else METRICS[name])
    with pytest.raises(CorruptFile, match=rf"^data/results/{stage}/t-hnn\.json: {said}"):
        artifacts.read_cell(Cell("t", "hnn"))


def test_read_cell_refuses_numbers_that_are_not_finite():
    write_json(paths.results_path("train", "t-hnn"), METRICS["train"])
    for number in ("NaN", "1e999", "-Infinity"):
        text = json.dumps(METRICS["rollout"]).replace('"mean": 0.1', f'"mean": {number}', 1)
        write_text(paths.results_path("rollout", "t-hnn"), text)
        with pytest.raises(CorruptFile, match=r"energy_error\.mean: Input should be a finite number"):
            artifacts.read_cell(Cell("t", "hnn"))


def test_comparisons_of_this_run_and_of_a_revision_are_checked():
    difference = {"ratio": 0.5, "low": 0.4, "high": 0.6, "p": 0.01, "verdict": "better"}
    content = {"pendulum": {"hnn vs baseline": {"held_out": {"energy_error": difference}}}}
    write_json(paths.COMPARISONS, content)
    assert artifacts.read_comparisons() == artifacts.parse_comparisons(json.dumps(content), "HEAD") == content
    difference["p"] = 2
    write_json(paths.COMPARISONS, content)
    with pytest.raises(CorruptFile, match=r"comparisons\.json: pendulum\.hnn vs baseline\.held_out\.energy_error\.p: Input"):
        artifacts.read_comparisons()
    with pytest.raises(Refused, match=r"^HEAD: pendulum"):
        artifacts.parse_comparisons(json.dumps(content), "HEAD")
    with pytest.raises(Refused, match=r"^HEAD: Expecting"):
        artifacts.parse_comparisons("{", "HEAD")


def test_write_cards_writes_one_file_per_cell():
    artifacts.write_cards({"t-hnn": "# t", "t-baseline": "# b"})
    assert {path.name: path.read_text() for path in paths.CARDS.iterdir()} == {
        "t-hnn.md": "# t",
        "t-baseline.md": "# b",
    }


CANVAS = {
    "pixels": 28,
    "channels": 1,
    "line_width": 0.14,
    "supersampling": 2,
    "centre_x": 0.0,
    "centre_y": -0.5,
    "half_width": 0.7,
}
SYSTEM = {"name": "pendulum", "length": 1.0}


def test_read_canvas_gives_the_fields_and_the_system_that_were_written(empty_folder, monkeypatch):
    artifacts.write_canvas("t", CANVAS, SYSTEM)
    assert artifacts.read_canvas("t") == (CANVAS, SYSTEM)
    monkeypatch.chdir("/")
    assert artifacts.read_canvas("t", empty_folder) == (CANVAS, SYSTEM)


def test_read_canvas_refuses_a_missing_file_and_one_that_lacks_fields():
    with pytest.raises(FileNotFoundError, match=r"data/results/render/t.json is not there; run `make repro`"):
        artifacts.read_canvas("t")
    write_json(paths.results_path("render", "t"), CANVAS)
    with pytest.raises(CorruptFile, match=r"t.json: canvas: Field required"):
        artifacts.read_canvas("t")
    artifacts.write_canvas("t", CANVAS | {"pixels": 10**9}, SYSTEM)
    with pytest.raises(CorruptFile, match=r"t.json: canvas.pixels: Input should be less than"):
        artifacts.read_canvas("t")


def probe(degree):
    """The fields of a probe from two latents to two states."""
    coefficients = np.full(((degree + 1) * (degree + 2) // 2, 2), float(degree))
    return {"degree": degree, "mean": np.zeros(2), "std": np.ones(2), "coefficients": coefficients}


def test_read_probes_gives_the_fields_of_every_seed_in_their_order(empty_folder, monkeypatch):
    probes = [probe(seed + 1) for seed in range(11)]
    artifacts.write_probes(CELL, probes)
    monkeypatch.chdir("/")
    read = artifacts.read_probes(CELL, empty_folder)
    assert [int(one["degree"]) for one in read] == list(range(1, 12))
    assert all(np.array_equal(a["coefficients"], b["coefficients"]) for a, b in zip(read, probes, strict=True))


def test_read_probes_refuses_a_missing_file_in_plain_words():
    with pytest.raises(FileNotFoundError, match=r"data/probes/t-hnn-rk4.npz is not there; run `make repro`"):
        artifacts.read_probes(CELL)


@pytest.mark.parametrize(
    ("probes", "said"),
    [
        ([probe(1) | {"degree": 2}], "0.coefficients has 3 rows, not those of degree 2"),
        ([probe(1) | {"degree": 10**12}], "0.coefficients has 3 rows, not those of degree 10"),
        ([probe(1), probe(1) | {"std": np.zeros(2)}], "1.std has values that are not positive"),
    ],
)
def test_read_probes_refuses_coefficients_of_another_degree(probes, said):
    artifacts.write_probes(CELL, probes)
    with pytest.raises(CorruptFile, match=said):
        artifacts.read_probes(CELL)


def test_read_probes_refuses_seeds_that_are_not_counted_from_zero():
    arrays = {f"{seed}.{name}": np.asarray(value) for seed in (0, 2) for name, value in probe(1).items()}
    write_arrays(paths.probes_path(CELL), arrays)
    with pytest.raises(CorruptFile, match="has the seeds 0, 2, must be 0 to 1"):
        artifacts.read_probes(CELL)


def test_read_frames_gives_frames_that_fit_the_parameters():
    frames = {"train": np.zeros((3, 2, 5, 1, 8, 8), np.uint8), "test": np.ones((1, 4, 1, 8, 8), np.uint8)}
    artifacts.write_frames("t", frames)
    read = artifacts.read_frames("t", 8, 1)
    assert all(np.array_equal(read[name], frames[name]) for name in frames)


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        ("test", np.zeros((2, 5, 8, 8), np.uint8)),  # no channels
        ("train", np.zeros((2, 4, 2, 1, 8, 8), np.uint8)),  # too few frames for a motion
        ("test", np.zeros((2, 5, 3, 8, 8), np.uint8)),
        ("test", np.zeros((2, 5, 1, 9, 8), np.uint8)),
        ("test", np.zeros((2, 2, 1, 8, 8), np.uint8)),  # too few frames for a motion
        ("test", np.zeros((2, 5, 1, 8, 8))),
        ("train", np.zeros((2, 5, 1, 8, 8), np.uint8)),  # no draws
    ],
)
def test_read_frames_refuses_frames_that_do_not_fit_the_parameters(name, wrong):
    good = {"train": np.zeros((2, 4, 3, 1, 8, 8), np.uint8), "test": np.zeros((2, 3, 1, 8, 8), np.uint8)}
    artifacts.write_frames("t", good)
    artifacts.read_frames("t", 8, 1)
    artifacts.write_frames("t", good | {name: wrong})
    with pytest.raises(CorruptFile, match=rf"frames/t.npz: {name} is {wrong.dtype} \(2, .* must be "):
        artifacts.read_frames("t", 8, 1)
