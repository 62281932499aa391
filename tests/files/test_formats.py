"""Files that are written whole, with bytes that depend on the content alone."""

import base64

import numpy as np
import pytest
from matplotlib.figure import Figure
from PIL import Image

from hnn.core.errors import CorruptFile, MissingFile, Refused
from hnn.files import formats
from hnn.files.arrays import write_arrays


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
        write_arrays(folder / "n.npz", {"x": np.arange(3.0)})
        return {path.name: path.read_bytes() for path in folder.iterdir()}

    assert write(empty_folder / "one") == write(empty_folder / "two")


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


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"a,b\n1,2,3\n", "row 2 has another number of values"),
        (b"a,b\n1\n", "row 2 has another number of values"),
        (b"a,b\n1,x\n", "could not convert string to float"),
        (b"a,b\n", "is not CSV of numbers"),
        (b"", "is not CSV of numbers"),
        (b"a,b\n1,\xff\n", "UnicodeDecodeError"),
        (b'a,b\n1,"2\n', "is not CSV of numbers"),
    ],
)
def test_read_columns_refuses_what_is_no_table_of_numbers_in_one_line(empty_folder, content, said):
    path = empty_folder / "a.csv"
    path.write_bytes(content)
    with pytest.raises(CorruptFile, match=said) as caught:
        formats.read_columns(path)
    assert "\n" not in str(caught.value)
    assert f"`dvc checkout --force {path}` restores it" in str(caught.value)


@pytest.mark.parametrize("content", [b"", b"{", b"\xff", b"[" * 100_000, b"9" * 10_000])
def test_read_json_refuses_what_is_no_json_in_one_line(empty_folder, content):
    (empty_folder / "a.json").write_bytes(content)
    with pytest.raises(CorruptFile, match=r"a\.json: is not JSON") as caught:
        formats.read_json(empty_folder / "a.json")
    assert "\n" not in str(caught.value)


def test_readers_refuse_a_file_that_is_missing_a_folder_or_too_large(empty_folder, monkeypatch):
    with pytest.raises(MissingFile, match=r"a\.json is not there; run `make repro`"):
        formats.read_json(empty_folder / "a.json")
    (empty_folder / "a.json").mkdir()
    with pytest.raises(Refused, match=r"a\.json cannot be read: it is not a regular file"):
        formats.read_json(empty_folder / "a.json")
    monkeypatch.setattr("hnn.files.reading.MOST_TEXT", 3)
    (empty_folder / "b.json").write_text("1234")
    with pytest.raises(CorruptFile, match="has 4 bytes, at most 3 are read"):
        formats.read_json(empty_folder / "b.json")
