"""`make pixels`: the queue of experiments, and what is measured of their cells."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from hnn.commands import pixels
from hnn.commands.pixels import HORIZONS, Pretrained, Task
from hnn.core.cell import Cell
from hnn.core.statistics import interval
from hnn.core.trajectories import Rollout
from hnn.files import artifacts, paths
from hnn.params.loading import load_params, read_raw, validate_schema
from hnn.pixels.latent_ensemble import LatentEnsemble
from hnn.pixels.trained import load_latent_members

CELL = Cell("pixel_pendulum", "hnn", "rk4")


def test_every_experiment_has_valid_parameters():
    for name, (*words, target) in pixels.commands().items():
        raw = read_raw(Path("params.yaml"))
        for change in words[1::2]:
            key, _, value = change.partition("=")
            *sections, last = key.split(".")
            section = raw
            for part in sections:
                section = section[part]
            assert last in section, f"{name}: {change}"
            section[last] = pixels_value(value, section[last])
        params, mistakes = validate_schema(raw)
        assert params is not None, mistakes
        (task,) = params.seen
        assert target in ("report", f"pretrain@{task}", f"pretrain_friction@{task}")


def pixels_value(text, like):
    """A value of the command line, of the type of the one that it replaces."""
    if isinstance(like, list):
        return [part for part in text.strip("[]").split(",") if part]
    return type(like)(text)


@pytest.fixture
def tiny_cell(finished, monkeypatch):
    """(task, ensemble) of the HNN of the finished project, which is the working folder."""
    monkeypatch.chdir(finished)
    return Task(load_params(), CELL.task), LatentEnsemble(load_latent_members(paths.weights_path(CELL)))


def test_readings_of_all_degrees_and_of_pictures(tiny_cell):
    task, ensemble = tiny_cell
    reads = pixels.readings(task, CELL, pixels.fitted_readouts(task, ensemble))
    assert [one.reading for one in reads] == [*pixels.DEGREES, "decoded pictures"]
    for one in reads:
        assert len(one.texts()) == len(pixels.COLUMNS)
        assert one.sets["floor"]["coordinate_error"].mean > 0


def test_far_rollouts_begin_as_those_of_the_pipeline(tiny_cell, monkeypatch):
    task, ensemble = tiny_cell
    monkeypatch.setattr(pixels, "HORIZONS", (12, 40))
    monkeypatch.setattr(pixels, "SHOWN", (0, 40))
    readout = pixels.fitted_readouts(task, ensemble)["linear"]
    far = pixels.far_rollouts(task, CELL, ensemble, readout, pixels.far_motion(task, 40))
    held_out = pixels.readings(task, CELL, {"linear": readout})[0].sets["held_out"]
    begun = interval(far.horizons[12]["coordinate_error"], geometric=True)
    assert begun.mean == pytest.approx(held_out["coordinate_error"].mean, rel=1e-6)
    assert set(far.horizons) == {12, 40}
    true, decoded = far.films
    assert np.array_equal(true.frames[0], artifacts.read_frames(CELL.task, 8, 1)["held_out"][0, 0])
    assert decoded.frames.shape == true.frames.shape == (2, 1, 8, 8)
    assert HORIZONS[-1] == 10_000


def test_growth_is_the_root_mean_square_between_two_times_of_a_typical_start():
    t = np.arange(101.0)
    x, energy = np.zeros((2, 3, 101, 2)), np.broadcast_to(2 * t, (2, 3, 101))
    rolled = Rollout(t, x, energy, true_energy=np.zeros((3, 101)), distance=np.ones((2, 3, 101)), energy_scale=2.0)
    energies, distances = pixels.growth(CELL, rolled)
    assert energies.values.shape == (2, len(energies.frames))
    assert np.allclose(energies.values, energies.frames, rtol=0.05)
    assert np.allclose(distances.values, 1)
    escaped = np.ones((2, 3, 101))
    escaped[:, 0] = 1e6
    (_, distances) = pixels.growth(CELL, replace(rolled, distance=escaped))
    assert np.allclose(distances.values, 100)


def far(model, error, task="pixel_pendulum"):
    """Far rollouts of five seeds and eight starts whose errors are about `error`, read with an error of 0.01."""
    spread = np.exp(0.1 * np.random.default_rng(0).normal(size=(5, 8)))
    found = {"energy_error": error * spread, "coordinate_error": 0.01 * spread, "valid_time": spread / error}
    return pixels.Far(Cell(task, model, "rk4"), {100: found}, {name: 0.01 * spread for name in found}, [], [])


def test_far_verdicts_are_given_above_the_floor_alone():
    ((task, energy, coordinates, valid),) = pixels.far_verdicts([[far("baseline", 1.0), far("hnn", 0.1)]])
    assert task == "pixel_pendulum"
    assert energy.startswith("10 times smaller")
    assert coordinates.startswith("at the floor of the reading")
    assert valid.startswith("10 times longer")


def test_pretrained_counts_the_fits_that_collapsed():
    row = Pretrained("pixel_spring", (0.0, 0.0, 1.0, 3.0), (0.9,) * 4, (0.1, 0.1, 0.1, 0.1)).row()
    assert (row["seeds"], row["collapsed once"], row["twice"], row["three times"]) == ("4", "2", "1", "1")
    assert row["canonical error"] == "0.1 (0.1 to 0.1)"


def test_verdict_text_is_a_ratio_in_words():
    entry = {"ratio": 0.25, "low": 0.125, "high": 0.5, "p": 1e-3, "verdict": "better"}
    assert pixels.verdict_text(entry, "energy_error") == "4 times smaller [2, 8]"
    assert pixels.verdict_text(entry | {"verdict": "worse"}, "valid_time") == "4 times shorter [2, 8]"
