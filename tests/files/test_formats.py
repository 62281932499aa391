"""Files that are written whole, with bytes that depend on the content alone."""

import base64
import pickle
from pathlib import Path
from zipfile import ZipFile

import numpy as np
import pytest
from matplotlib.figure import Figure
from PIL import Image

from hnn.files import formats


@pytest.fixture(autouse=True)
def empty_folder(tmp_path, monkeypatch):
    """An empty working folder."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def figure():
    """A small figure of coloured random curves."""
    drawn = Figure(figsize=(2, 1.5))
    axes = drawn.subplots()
    for values in np.random.default_rng(0).standard_normal((3, 20)):
        axes.plot(values)
    return drawn


def test_writing_replaces_the_file_only_if_nothing_was_raised(empty_folder):
    path = empty_folder / "a" / "b.txt"
    formats.write_text(path, "old")

    def write_half():
        with formats.writing(path) as temporary:
            temporary.write_text("half")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_half()
    assert path.read_text() == "old"
    assert list(path.parent.iterdir()) == [path]


def test_write_json_refuses_nan_and_leaves_no_file(empty_folder):
    with pytest.raises(ValueError, match="JSON"):
        formats.write_json(empty_folder / "a.json", {"a": float("nan")})
    assert not list(empty_folder.iterdir())


def test_read_json_is_the_inverse_of_write_json(empty_folder):
    content = {"a": [0.1, None, "é"], "b": {"c": True}}
    formats.write_json(empty_folder / "a.json", content)
    assert formats.read_json(empty_folder / "a.json") == content


def test_read_rows_gives_the_rows_of_write_rows_as_text(empty_folder):
    formats.write_rows(empty_folder / "a.csv", [{"task": "t", "mean": 0.5}, {"task": "u", "mean": None}])
    assert formats.read_rows(empty_folder / "a.csv") == [{"task": "t", "mean": "0.5"}, {"task": "u", "mean": ""}]


def test_read_columns_gives_numbers_by_column(empty_folder):
    formats.write_rows(empty_folder / "a.csv", [{"step": 0, "loss": 0.5}, {"step": 10, "loss": 1e-7}])
    columns = formats.read_columns(empty_folder / "a.csv")
    assert columns["step"].tolist() == [0, 10]
    assert columns["loss"].tolist() == [0.5, 1e-7]


def test_write_functions_give_the_same_bytes_for_the_same_content(empty_folder):
    def write(folder):
        formats.write_picture(folder / "f.png", figure())
        formats.write_picture(folder / "a.gif", np.arange(5 * 4 * 6, dtype=np.uint8).reshape(5, 4, 6))
        formats.write_json(folder / "j.json", {"a": 0.1})
        formats.write_rows(folder / "r.csv", [{"a": 0.1, "b": "x"}])
        formats.write_arrays(folder / "n.npz", {"x": np.arange(3.0)})
        return {path.name: path.read_bytes() for path in folder.iterdir()}

    assert write(empty_folder / "one") == write(empty_folder / "two")


def test_write_arrays_gives_bytes_that_no_version_of_python_changes(empty_folder):
    """Date, system, permissions and versions in the headers of the archive are constants; numpy reads it."""
    arrays = {"x": np.arange(3.0), "sets/y": np.array(2, np.uint8)}
    formats.write_arrays(empty_folder / "n.npz", arrays)
    local = bytes.fromhex("504b0304 1400 0000 0000 0000 2100")  # signature, version 2.0, no flag, stored, 1980-01-01 00:00
    central = bytes.fromhex("504b0102 1403 1400 0000 0000 0000 2100")  # the same, made by version 2.0 on Unix
    content = (empty_folder / "n.npz").read_bytes()
    assert content.startswith(local)
    assert content.count(local) == content.count(central) == 2
    with ZipFile(empty_folder / "n.npz") as archive:
        assert [entry.filename for entry in archive.infolist()] == ["x.npy", "sets/y.npy"]
        assert {(entry.external_attr, entry.extra, entry.comment) for entry in archive.infolist()} == {(0o600 << 16, b"", b"")}
    with np.load(empty_folder / "n.npz") as read:
        assert {name: (read[name].dtype, read[name].tolist()) for name in read} == {
            name: (array.dtype, array.tolist()) for name, array in arrays.items()
        }


def test_write_picture_of_frames_is_a_gif_with_every_frame(empty_folder):
    frames = np.arange(5 * 4 * 6, dtype=np.uint8).reshape(5, 4, 6)
    uri = formats.write_picture(empty_folder / "a.gif", frames, 0.05)
    assert uri.removeprefix("data:image/gif;base64,") == base64.b64encode((empty_folder / "a.gif").read_bytes()).decode()
    with Image.open(empty_folder / "a.gif") as image:
        assert (image.n_frames, image.size) == (5, (6, 4))
        assert image.info["duration"] == 50


def test_write_picture_of_a_figure_keeps_its_size_and_appearance_in_256_colours(empty_folder):
    drawn = figure()
    drawn.savefig("full-colour.png", format="png")
    assert formats.write_picture(empty_folder / "f.png", drawn).startswith("data:image/png;base64,")
    with Image.open("full-colour.png") as before, Image.open("f.png") as after:
        assert before.size == after.size
        difference = np.asarray(before.convert("RGB"), float) - np.asarray(after.convert("RGB"), float)
        assert np.abs(difference).mean() < 1
        assert len(after.getcolors()) <= 256


@pytest.mark.parametrize("others", [{}, {"t": np.zeros(2)}])
def test_read_array_gives_the_named_array_of_several(others):
    np.savez("a.npz", **others, frames=np.arange(3.0))
    assert formats.read_array(Path("a.npz"), "frames").tolist() == [0, 1, 2]


def test_read_array_gives_the_only_array_whatever_its_name():
    np.savez_compressed("a.npz", clip=np.arange(3, dtype=np.uint8))
    np.save("b.npy", np.arange(4))
    assert formats.read_array(Path("a.npz"), "frames").tolist() == [0, 1, 2]
    assert formats.read_array(Path("b.npy"), "frames").tolist() == [0, 1, 2, 3]


NO_NUMBERS = "given no arrays of numbers, must be an NPY or NPZ file"


@pytest.mark.parametrize(
    ("write", "said"),
    [
        (lambda path: None, "a.npz cannot be read: No such file or directory"),
        (lambda path: path.mkdir(), "a.npz cannot be read: Is a directory"),
        (lambda path: path.write_bytes(b""), NO_NUMBERS),
        (lambda path: path.write_text("1,2,3"), NO_NUMBERS),
        (lambda path: path.write_bytes(pickle.dumps([1, 2])), NO_NUMBERS),
        (lambda path: path.write_bytes(b"PK\x03\x04 cut off"), NO_NUMBERS),
        (lambda path: np.savez(path, frames=np.array([{}, []], dtype=object)), NO_NUMBERS),
        (
            lambda path: np.savez(path, a=np.zeros(2), b=np.zeros(2)),
            "given a, b; must have an array called frames, or a single",
        ),
        (lambda path: np.savez(path), "given nothing; must have an array called frames"),
        (lambda path: ZipFile(path, "w").writestr("frames", b"text"), "given frames; must have an array"),
    ],
)
def test_read_array_refuses_what_is_no_file_of_arrays(write, said):
    write(Path("a.npz"))
    with pytest.raises(ValueError, match=said):
        formats.read_array(Path("a.npz"), "frames")
