import base64

import numpy as np
import pytest
import torch
from conftest import observed
from PIL import Image

from hnn.core.errors import Refused
from hnn.core.trajectories import TrueMotion
from hnn.figures import states
from hnn.files import artifacts, formats, paths


@pytest.fixture(autouse=True)
def in_an_empty_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def test_a_file_is_written_whole_or_not_at_all(tmp_path):
    path = tmp_path / "a" / "b.txt"
    formats.write_text(path, "old")

    def write_half():
        with formats.writing(path) as temporary:
            temporary.write_text("half")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_half()
    assert path.read_text() == "old"
    assert list(path.parent.iterdir()) == [path]


def test_observations_and_motions_come_back_as_they_went():
    train, test = observed("mass_spring", seed=1), observed("mass_spring", seed=2)
    artifacts.write_observations("t", train, test)
    for old, new in zip((train, test), artifacts.read_observations("t"), strict=True):
        assert all(np.array_equal(getattr(old, name), getattr(new, name)) for name in ("t", "x", "dx"))
    motion = TrueMotion(train.t, train.x, np.ones(len(train.x)))
    artifacts.write_motions("t", {"held_out": motion, "long": motion})
    assert list(artifacts.read_motions("t")) == ["held_out", "long"]
    assert np.array_equal(artifacts.read_motions("t")["long"].x, motion.x)


def test_weights_come_back_with_what_builds_their_network(tmp_path):
    members = [{"a.weight": torch.randn(3, 2), "b": torch.randn(1)} for _ in range(12)]
    artifacts.write_weights(tmp_path / "w.safetensors", members, {"name": "hnn", "degrees": 1})
    found, about = artifacts.read_weights(tmp_path / "w.safetensors")
    assert about == {"name": "hnn", "degrees": 1}
    assert len(found) == 12
    for old, new in zip(members, found, strict=True):
        assert old.keys() == new.keys()
        assert all(torch.equal(old[name], new[name]) for name in old)


def test_the_same_content_gives_the_same_bytes(tmp_path):
    t, x = np.linspace(0, 1, 20), np.random.default_rng(0).standard_normal((1, 3, 20, 2))

    def write(folder):
        artifacts.write_rollouts("t", "m", {"held_out": {"x": x}})
        artifacts.write_weights(folder / "w.safetensors", [{"a": torch.arange(3.0)}], {"z": 1, "a": 2})
        formats.write_picture(paths.figure_path("f.png"), states.portraits(t, x[0], {"hnn": x[0]}, "title", ("q", "p")))
        formats.write_json(folder / "j.json", {"a": 0.1})
        formats.write_rows(folder / "r.csv", [{"a": 0.1, "b": "x"}])
        found = [paths.rollouts_path("t", "m"), paths.figure_path("f.png"), *sorted(folder.iterdir())]
        return {path.name: path.read_bytes() for path in found}

    (tmp_path / "one").mkdir()
    (tmp_path / "two").mkdir()
    assert write(tmp_path / "one") == write(tmp_path / "two")


def test_a_number_that_is_none_is_not_written_as_json(tmp_path):
    with pytest.raises(ValueError, match="JSON"):
        formats.write_json(tmp_path / "a.json", {"a": float("nan")})
    assert not list(tmp_path.iterdir())


def test_rows_come_back_as_text(tmp_path):
    formats.write_rows(tmp_path / "a.csv", [{"task": "t", "mean": 0.5}, {"task": "u", "mean": None}])
    assert formats.read_rows(tmp_path / "a.csv") == [{"task": "t", "mean": "0.5"}, {"task": "u", "mean": ""}]


def test_frames_come_back_if_they_are_what_the_parameters_say():
    frames = {"train": np.zeros((2, 5, 1, 8, 8), np.uint8), "test": np.ones((1, 4, 1, 8, 8), np.uint8)}
    artifacts.write_frames("t", frames)
    found = artifacts.read_frames("t", 8, 1)
    assert all(np.array_equal(found[name], frames[name]) for name in frames)


@pytest.mark.parametrize(
    "wrong",
    [
        np.zeros((2, 5, 8, 8), np.uint8),  # no channels
        np.zeros((2, 5, 3, 8, 8), np.uint8),
        np.zeros((2, 5, 1, 9, 8), np.uint8),
        np.zeros((2, 2, 1, 8, 8), np.uint8),  # two frames are no motion
        np.zeros((2, 5, 1, 8, 8)),
    ],
)
def test_frames_of_another_shape_are_refused_with_the_parameters_that_they_should_fit(wrong):
    artifacts.write_frames("t", {"train": wrong})
    with pytest.raises(Refused, match=r"frames/t.npz: train has shape \(2, .* render.pixels 8 and render.channels 1 need"):
        artifacts.read_frames("t", 8, 1)


def test_an_animation_has_every_frame_and_the_same_bytes_each_time():
    frames = np.arange(5 * 4 * 6, dtype=np.uint8).reshape(5, 4, 6)
    uri, path = formats.write_picture(paths.figure_path("a.gif"), frames, 0.05), paths.figure_path("a.gif")
    once = path.read_bytes()
    assert uri.removeprefix("data:image/gif;base64,") == base64.b64encode(once).decode()
    with Image.open(path) as image:
        assert (image.n_frames, image.size) == (5, (6, 4))
        assert image.info["duration"] == 50
    formats.write_picture(paths.figure_path("a.gif"), frames, 0.05)
    assert path.read_bytes() == once


def test_a_figure_keeps_its_size_and_looks_the_same_with_few_colours():
    x = np.random.default_rng(0).standard_normal((3, 20, 2))
    figure = states.portraits(np.linspace(0, 1, 20), x, {"hnn": x}, "title", ("q", "p"))
    figure.savefig("all-colours.png", format="png")
    assert formats.write_picture(paths.figure_path("f.png"), figure).startswith("data:image/png;base64,")
    with Image.open("all-colours.png") as before, Image.open(paths.figure_path("f.png")) as after:
        assert before.size == after.size
        off = np.asarray(before.convert("RGB"), float) - np.asarray(after.convert("RGB"), float)
        assert np.abs(off).mean() < 1
        assert len(after.getcolors()) <= 256


def test_columns_are_numbers():
    path = paths.curve_path("pendulum-hnn")
    formats.write_rows(path, [{"step": 0, "loss": 0.5}, {"step": 10, "loss": 1e-7}])
    found = formats.read_columns(path)
    assert found["step"].tolist() == [0, 10]
    assert found["loss"].tolist() == [0.5, 1e-7]
