import numpy as np
import pytest
import torch
from conftest import observed

from hnn import io, plotting
from hnn.trajectories import TrueMotion


@pytest.fixture(autouse=True)
def in_an_empty_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def test_a_file_is_written_whole_or_not_at_all(tmp_path):
    path = tmp_path / "a" / "b.txt"
    io.write_text(path, "old")

    def write_half():
        with io.writing(path) as temporary:
            temporary.write_text("half")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_half()
    assert path.read_text() == "old"
    assert list(path.parent.iterdir()) == [path]


def test_observations_and_motions_come_back_as_they_went():
    train, test = observed("mass_spring", seed=1), observed("mass_spring", seed=2)
    io.write_observations("t", train, test)
    for old, new in zip((train, test), io.read_observations("t"), strict=True):
        assert all(np.array_equal(getattr(old, name), getattr(new, name)) for name in ("t", "x", "dx"))
    motion = TrueMotion(train.t, train.x, np.ones(len(train.x)))
    io.write_motions("t", {"held_out": motion, "long": motion})
    assert list(io.read_motions("t")) == ["held_out", "long"]
    assert np.array_equal(io.read_motions("t")["long"].x, motion.x)


def test_weights_come_back_with_what_builds_their_network(tmp_path):
    members = [{"a.weight": torch.randn(3, 2), "b": torch.randn(1)} for _ in range(12)]
    io.write_weights(tmp_path / "w.safetensors", members, {"name": "hnn", "degrees": 1})
    found, about = io.read_weights(tmp_path / "w.safetensors")
    assert about == {"name": "hnn", "degrees": 1}
    assert len(found) == 12
    for old, new in zip(members, found, strict=True):
        assert old.keys() == new.keys()
        assert all(torch.equal(old[name], new[name]) for name in old)


def test_the_same_content_gives_the_same_bytes(tmp_path):
    x = np.random.default_rng(0).standard_normal((1, 3, 20, 2))

    def write(folder):
        io.write_rollouts("t", "m", {"held_out": {"x": x}})
        io.write_weights(folder / "w.safetensors", [{"a": torch.arange(3.0)}], {"z": 1, "a": 2})
        io.write_figure(folder / "f.png", plotting.portraits(x[0], {"hnn": x[0]}, "title"))
        io.write_json(folder / "j.json", {"a": 0.1})
        io.write_rows(folder / "r.csv", [{"a": 0.1, "b": "x"}])
        found = [io.rollouts_path("t", "m"), *sorted(folder.iterdir())]
        return {path.name: path.read_bytes() for path in found}

    (tmp_path / "one").mkdir()
    (tmp_path / "two").mkdir()
    assert write(tmp_path / "one") == write(tmp_path / "two")


def test_a_number_that_is_none_is_not_written_as_json(tmp_path):
    with pytest.raises(ValueError, match="JSON"):
        io.write_json(tmp_path / "a.json", {"a": float("nan")})
    assert not list(tmp_path.iterdir())


def test_rows_come_back_as_text(tmp_path):
    io.write_rows(tmp_path / "a.csv", [{"task": "t", "mean": 0.5}, {"task": "u", "mean": None}])
    assert io.read_rows(tmp_path / "a.csv") == [{"task": "t", "mean": "0.5"}, {"task": "u", "mean": ""}]
