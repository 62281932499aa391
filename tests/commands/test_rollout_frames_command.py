"""`python -m hnn rollout … --frames`: a film of the motion that a pixel cell predicts, and refusals of unsuitable clips."""

from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from test_summary import call

import hnn
from hnn.core.cell import Cell
from hnn.files import artifacts, paths
from hnn.pixels.latent_model import make_latent_model
from hnn.pixels.probe import Probe

ROOT = Path(__file__).resolve().parents[2]
SIZE, SCALE = 8, 21
CLIP = np.random.default_rng(0).integers(256, size=(5, 1, SIZE, SIZE), dtype=np.uint8)
PROBE = Probe(1, np.zeros(2), np.ones(2), np.array([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0]]))
"""x = z."""


def train(step_map, channels=1):
    """Write a cell of two seeds at initial weights."""
    about = {"pixels": 2 * channels * SIZE**2, "hidden": 16, "latent": 2, "time_unit": 0.25, "name": "hnn", "model_hidden": 8}
    about |= {"model_layers": 2, "model_activation": "tanh", "step_map": step_map, "frame_step": 0.05}
    members = [make_latent_model(**about, generator=torch.Generator().manual_seed(seed)).float() for seed in (0, 1)]
    cell = Cell("pixel_pendulum", "hnn", step_map)
    artifacts.write_weights(paths.weights_path(cell), [one.state_dict() for one in members], about)
    artifacts.write_probes(cell, [asdict(PROBE)] * 2)


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A project with a pixel cell for each step map, and a clip of five frames."""
    (tmp_path / "params.yaml").write_text((ROOT / "params.yaml").read_text())
    monkeypatch.chdir(tmp_path)
    train("rk4")
    train("euler")
    np.savez("clip.npz", frames=CLIP)
    return tmp_path


def roll(*others, task="pixel_pendulum", model="hnn", frames="clip.npz", out="film.gif"):
    return call("rollout", task, model, "--frames", frames, "--out", out, *others)


def film(path="film.gif"):
    """(true, predicted) frames (time, size, size) of a film, and its seconds per frame."""
    with Image.open(path) as image:
        seconds, frames = image.info["duration"] / 1000, []
        for i in range(image.n_frames):
            image.seek(i)
            frames.append(np.asarray(image.convert("L"))[SCALE // 2 :: SCALE])
    whole = np.stack(frames)
    return whole[..., SCALE // 2 : SCALE * SIZE : SCALE], whole[..., SCALE * (SIZE + 1) + SCALE // 2 :: SCALE], seconds


def alike(a, b):
    """True if frames differ by no more than a film's 16 levels of grey do; of independent frames the mean is 85."""
    return np.abs(a.astype(float) - b).mean() < 12


def predicted(count, **words):
    """The frames (count, size, size) that the cell predicts."""
    model = hnn.load_pixels("pixel_pendulum", "hnn", **words)
    return (255 * model.decode(model.rollout(CLIP, count - 1)).clamp(0, 1)).view(-1, SIZE, SIZE).numpy()


def test_rollout_frames_writes_true_frames_beside_predicted_ones(project, capsys):
    assert roll() is None
    true, found, seconds = film()
    assert len(true) == 5
    assert seconds == 0.05
    assert alike(true, CLIP[:, 0])
    assert alike(found, predicted(5))
    assert not alike(found, CLIP[:, 0])
    said = capsys.readouterr()
    model = hnn.load_pixels("pixel_pendulum", "hnn")
    first, last = model.encode(CLIP[:2])[0].tolist(), model.rollout(CLIP, 4)[-1].tolist()
    assert said.out == (
        "film.gif: 5 frames, 0.2 s, true ones on the left, predicted ones on the right; "
        f"states: first {first[0]:.3g}, {first[1]:.3g}, last {last[0]:.3g}, {last[1]:.3g}; q in rad, p in kg m²/s\n"
    )
    assert said.err == ""


def test_rollout_frames_goes_on_after_the_clip_and_stops_before_its_end(project):
    assert roll("--until", "0.4") is None
    true, found, _ = film()
    assert len(true) == 9
    assert alike(true[:5], CLIP[:, 0])
    assert np.ptp(true[5:]) == 0
    assert alike(found, predicted(9))
    assert roll("--until", "0.1") is None
    assert alike(film()[0], CLIP[:3, 0])


def test_rollout_frames_uses_the_given_seed_and_step_map(project):
    for words in ({"seed": 1}, {"step_map": "euler"}):
        [(name, value)] = words.items()
        assert roll(f"--{name.replace('_', '-')}", str(value), "--until", "3") is None
        assert alike(film()[1], predicted(61, **words))
        assert not np.array_equal(predicted(61, **words), predicted(61))
    assert "seed: given 2, allowed: 0 to 1" in roll("--seed", "2")
    assert "--step-map: given 'rk5'; did you mean 'rk4'? known: rk4, euler" in roll("--step-map", "rk5")


@pytest.mark.parametrize("clip", [CLIP[:, 0], np.moveaxis(CLIP, 1, -1), CLIP.astype(float)])
def test_rollout_frames_takes_npy_files_of_every_layout(project, clip):
    np.save("clip.npy", clip)
    assert roll(frames="clip.npy") is None
    assert alike(film()[0], CLIP[:, 0])


def test_rollout_frames_of_a_cell_that_sees_colours_takes_colours_alone(project):
    train("rk4", channels=3)
    assert "given 1 channel (grey), this cell was trained on 3 (red, green, blue): repeat it" in roll()
    coloured = np.repeat(np.moveaxis(CLIP, 1, -1), 3, axis=-1)
    np.savez("clip.npz", frames=coloured)
    assert roll() is None
    assert alike(film()[0], CLIP[:, 0])


def test_rollout_frames_without_a_probe_says_no_state(project, capsys):
    paths.probes_path(Cell("pixel_pendulum", "hnn", "rk4")).unlink()
    assert roll() is None
    assert capsys.readouterr().out.endswith("predicted ones on the right\n")


@pytest.mark.parametrize(
    ("clip", "said"),
    [
        (np.zeros((5, 64, 64)), "given 64 x 64, this cell was trained on 8 x 8: resample"),
        (CLIP[:1], "frames: given 1, must be at least 2"),
        (np.zeros((5, 8, 8, 3)), "given 3 channels (colours), this cell was trained on 1 (grey)"),
        (np.zeros((8, 8)), "given the shape (8, 8), must be (time, size, size)"),
        (CLIP * 2.0, "must be 0 to 255"),
        (CLIP / 255, "must be 0 to 255: multiply by 255"),
        (np.where(CLIP > 250, np.nan, CLIP), "given brightness nan to nan"),
        (CLIP.astype(str), "given <U3, must be numbers"),
        (CLIP.astype(object), "clip.npz: given no arrays of numbers"),
    ],
    ids=["size", "one", "colours", "axes", "bright", "scaled", "nan", "text", "pickled"],
)
def test_rollout_frames_refuses_unsuitable_clips_in_one_line_and_writes_nothing(project, clip, said):
    np.savez("clip.npz", frames=clip)
    line = roll()
    assert said in line
    assert "\n" not in line
    assert not Path("film.gif").exists()


@pytest.mark.parametrize(
    ("words", "others", "said"),
    [
        ({"frames": "other.npz"}, (), "other.npz is not there"),
        ({"frames": "params.yaml"}, (), "params.yaml: given no arrays of numbers"),
        (
            {"task": "pendulum"},
            (),
            "pendulum: its cells start from a state, not from frames; give --start and --until instead",
        ),
        ({"task": "pixel_pendulm"}, (), "task: given 'pixel_pendulm'; did you mean 'pixel_pendulum'?"),
        ({"task": "pixel_spring"}, (), "no trained cell pixel_spring-hnn-rk4"),
        ({"model": "truth"}, (), "model: given 'truth'; known: baseline, hnn"),
        ({"model": "baseline"}, (), "no trained cell pixel_pendulum-baseline-rk4"),
        ({"out": "film.mp4"}, (), "--out: given film.mp4, must end in .gif"),
        ({"out": "folder.gif"}, (), "--out: folder.gif cannot be written: it is a folder"),
        ({}, ("--until", "0.04"), "--until: given 0.04, allowed: 0.05 to 499.95 seconds, of frames 0.05 s apart"),
        ({}, ("--until", "1e9"), "--until: given 1e+09, allowed: 0.05 to 499.95 seconds"),
        ({}, ("--until", "nan"), "--until: given nan, allowed"),
        ({}, ("--points", "9"), "--points: given with --frames, where it has no meaning; leave it out"),
        ({}, ("--step", "0.1"), "--step: given with --frames, where it has no meaning"),
    ],
)
def test_rollout_frames_refuses_bad_arguments_in_one_line_and_writes_nothing(project, words, others, said):
    Path("folder.gif").mkdir()
    line = roll(*others, **words)
    assert said in line
    assert "\n" not in line
    assert list(Path().glob("*.gif")) == [Path("folder.gif")]


def test_rollout_takes_either_a_start_or_frames(project, capsys):
    assert roll("--start", "1,0") == 2
    assert "not allowed with argument" in capsys.readouterr().err
    assert call("rollout", "pixel_pendulum", "hnn", "--out", "film.gif") == 2
    assert "one of the arguments --start --frames is required" in capsys.readouterr().err


def test_rollout_frames_warns_of_a_rollout_that_diverges(project, monkeypatch, capsys):
    model = hnn.load_pixels("pixel_pendulum", "hnn")
    with torch.no_grad():
        for weight in model.network.dynamics.parameters():
            weight.fill_(torch.nan)
    monkeypatch.setattr("hnn.commands.rollout_frames.load_pixels", lambda *_, **__: model)
    assert roll() is None
    assert "warning: the rollout diverges after t = 0" in capsys.readouterr().err
    assert film()[1][-1].max() == 0
