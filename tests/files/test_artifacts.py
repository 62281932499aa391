"""Artifacts are read as they were written, and refused if they do not fit the parameters."""

from dataclasses import fields

import numpy as np
import pytest
import torch
from conftest import observed

from hnn.core.cell import Cell
from hnn.core.errors import Refused
from hnn.core.trajectories import CellRollouts, Counterfactual, Portrait, Rollout, TrueMotion, Visuals
from hnn.files import artifacts, paths
from hnn.files.formats import write_json

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
    artifacts.write_observations("t", draws, test)
    read, read_test = artifacts.read_observations("t")
    assert_same(test, read_test)
    for written, one in zip(draws, read, strict=True):
        assert_same(written, one)
    train = draws[0]
    artifacts.write_observations("t", [train], test)
    assert len(artifacts.read_observations("t")[0]) == 1
    motion = TrueMotion(train.t, train.x, np.ones(len(train.x)))
    artifacts.write_motions("t", {"held_out": motion, "long": motion})
    assert list(artifacts.read_motions("t")) == ["held_out", "long"]
    assert_same(artifacts.read_motions("t")["long"], motion)


def test_read_weights_gives_the_weights_of_each_seed_and_the_arguments_of_the_network(empty_folder):
    members = [{"a.weight": torch.randn(3, 2), "b": torch.randn(1)} for _ in range(12)]
    artifacts.write_weights(empty_folder / "w.safetensors", members, {"name": "hnn", "degrees": 1})
    read, about = artifacts.read_weights(empty_folder / "w.safetensors")
    assert about == {"name": "hnn", "degrees": 1}
    assert len(read) == 12
    for written, weights in zip(members, read, strict=True):
        assert written.keys() == weights.keys()
        assert all(torch.equal(written[name], weights[name]) for name in written)


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


def test_read_cell_gives_the_metrics_of_both_stages_and_of_the_truth_its_rollouts():
    for stage, key in (("train", "t-hnn"), ("rollout", "t-hnn"), ("rollout", "t-truth")):
        write_json(paths.results_path(stage, key), {"stage": f"{stage} {key}"})
    assert artifacts.read_cell(Cell("t", "hnn")) == {"train": {"stage": "train t-hnn"}, "rollout": {"stage": "rollout t-hnn"}}
    assert artifacts.read_cell(Cell("t", "truth")) == {"rollout": {"stage": "rollout t-truth"}}


def test_write_cards_writes_one_file_per_cell():
    artifacts.write_cards({"t-hnn": "# t", "t-baseline": "# b"})
    assert {path.name: path.read_text() for path in paths.CARDS.iterdir()} == {
        "t-hnn.md": "# t",
        "t-baseline.md": "# b",
    }


def test_read_canvas_gives_the_fields_and_the_system_that_were_written(empty_folder, monkeypatch):
    fields, system = {"pixels": 28, "half_width": 0.7}, {"name": "pendulum", "length": 1.0}
    artifacts.write_canvas("t", fields, system)
    assert artifacts.read_canvas("t") == (fields, system)
    monkeypatch.chdir("/")
    assert artifacts.read_canvas("t", empty_folder) == (fields, system)


def test_read_canvas_refuses_a_missing_file_and_that_of_an_older_version():
    with pytest.raises(FileNotFoundError, match=r"data/results/render/t.json is not there; run `make repro`"):
        artifacts.read_canvas("t")
    write_json(paths.results_path("render", "t"), {"pixels": 28, "half_width": 0.7})
    with pytest.raises(Refused, match=r"t.json was written by an older version; run `make repro`"):
        artifacts.read_canvas("t")


def test_read_probes_gives_the_fields_of_every_seed_in_their_order(empty_folder, monkeypatch):
    probes = [{"degree": seed, "coefficients": np.full((seed + 1, 2), float(seed))} for seed in range(11)]
    artifacts.write_probes(CELL, probes)
    monkeypatch.chdir("/")
    read = artifacts.read_probes(CELL, empty_folder)
    assert [int(one["degree"]) for one in read] == list(range(11))
    assert all(np.array_equal(a["coefficients"], b["coefficients"]) for a, b in zip(read, probes, strict=True))


def test_read_probes_refuses_a_missing_file_in_plain_words():
    with pytest.raises(FileNotFoundError, match=r"data/probes/t-hnn-rk4.npz is not there; run `make repro`"):
        artifacts.read_probes(CELL)


def test_read_frames_gives_frames_that_fit_the_parameters():
    frames = {"train": np.zeros((3, 2, 5, 1, 8, 8), np.uint8), "test": np.ones((1, 4, 1, 8, 8), np.uint8)}
    artifacts.write_frames("t", frames)
    read = artifacts.read_frames("t", 8, 1)
    assert all(np.array_equal(read[name], frames[name]) for name in frames)


@pytest.mark.parametrize(
    "wrong",
    [
        np.zeros((2, 5, 8, 8), np.uint8),  # no channels
        np.zeros((2, 4, 2, 1, 8, 8), np.uint8),  # of draws, too few frames for a motion
        np.zeros((2, 5, 3, 8, 8), np.uint8),
        np.zeros((2, 5, 1, 9, 8), np.uint8),
        np.zeros((2, 2, 1, 8, 8), np.uint8),  # too few frames for a motion
        np.zeros((2, 5, 1, 8, 8)),
    ],
)
def test_read_frames_refuses_frames_that_do_not_fit_the_parameters(wrong):
    artifacts.write_frames("t", {"train": wrong})
    with pytest.raises(Refused, match=r"frames/t.npz: train has shape \(2, .* render.pixels 8 and render.channels 1 need"):
        artifacts.read_frames("t", 8, 1)
