"""Arrays in NPZ files: written with the same bytes everywhere, checked before they are read."""

import pickle
from pathlib import Path
from zipfile import ZIP_DEFLATED, ZipFile

import numpy as np
import pytest

from hnn.core.errors import CorruptFile, Refused
from hnn.files import arrays
from hnn.files.array_schema import Array, Header, Schema
from hnn.files.arrays import read_array, read_arrays, write_arrays


@pytest.fixture(autouse=True)
def empty_folder(tmp_path, monkeypatch):
    """An empty working folder."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_write_arrays_gives_bytes_that_no_version_of_python_changes(empty_folder):
    """Date, system, permissions and versions in the headers of the archive are constants; numpy reads it."""
    arrays = {"x": np.arange(3.0), "sets/y": np.array(2, np.uint8)}
    write_arrays(empty_folder / "n.npz", arrays)
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


@pytest.mark.parametrize("others", [{}, {"t": np.zeros(2)}])
def test_read_array_gives_the_named_array_of_several(others):
    np.savez("a.npz", **others, frames=np.arange(3.0))
    assert read_array(Path("a.npz"), "frames").tolist() == [0, 1, 2]


def test_read_array_gives_the_only_array_whatever_its_name():
    np.savez_compressed("a.npz", clip=np.arange(3, dtype=np.uint8))
    np.save("b.npy", np.arange(4))
    assert read_array(Path("a.npz"), "frames").tolist() == [0, 1, 2]
    assert read_array(Path("b.npy"), "frames").tolist() == [0, 1, 2, 3]


NO_NUMBERS = "given no arrays of numbers, must be an NPY or NPZ file"


@pytest.mark.parametrize(
    ("write", "said"),
    [
        (lambda path: None, "a.npz is not there"),
        (lambda path: path.mkdir(), "a.npz cannot be read: it is not a regular file"),
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
    with pytest.raises(Refused, match=said):
        read_array(Path("a.npz"), "frames")


SCHEMA = Schema(
    {
        "train": {"t": Array("time", increasing=True), "x": Array("time state")},
        "*": {
            "n": Array("", "int64", positive=True),
            "x": Array("_ state", missing=True),
            "z.*": Array("unit", optional=True),
        },
    },
    required=("train",),
    shared=("state",),
    even=("state",),
)
"""Of the files of these tests."""

GOOD = {
    "train.t": np.arange(3.0),
    "train.x": np.ones((3, 2)),
    "a.n": np.array(1),
    "a.x": np.full((7, 2), np.nan),
    "a.z.1": np.ones(4),
}


def test_read_arrays_gives_what_was_written_and_fits_the_schema():
    write_arrays(Path("a.npz"), GOOD)
    read = read_arrays(Path("a.npz"), SCHEMA)
    assert list(read) == list(GOOD)
    assert all(np.array_equal(read[name], GOOD[name], equal_nan=True) for name in GOOD)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"train.t": None}, "has no array train.t"),
        ({"train.t": None, "train.x": None}, "has no array train.t"),
        ({"a.n": None}, "has no array a.n"),
        ({"a.y": np.ones(1)}, "has an array a.y, which is none of this kind of file"),
        ({"x": np.ones(1)}, "has no array x.n"),
        ({"train.t": np.arange(3)}, r"train.t is int64 \(3,\), must be float64 \(time\)"),
        ({"train.t": np.arange(3.0).astype(">f8")}, "train.t is .*, must be float64"),
        ({"train.t": np.ones((3, 1))}, r"train.t is float64 \(3, 1\), must be float64 \(time\)"),
        ({"train.t": np.arange(2.0)}, "train.x is .* with time 2, as in train.t"),
        ({"a.x": np.ones((7, 4))}, "a.x is .* with state 2, as in train.x"),
        ({"train.x": np.ones((3, 3)), "a.x": np.ones((1, 3))}, "train.x is .* with an even state"),
        ({"a.z.1": np.ones(0)}, r"a.z.1 is float64 \(0,\), must be"),
        ({"train.t": np.array([0.0, 2.0, 1.0])}, "train.t does not increase"),
        ({"train.t": np.array([0.0, 1.0, 1.0])}, "train.t does not increase"),
        ({"train.x": np.array([[0, 0], [0, np.nan], [np.inf, 0]])}, "train.x has 2 values that are not finite"),
        ({"a.n": np.array(0)}, "a.n has values that are not positive"),
    ],
)
def test_read_arrays_refuses_names_types_shapes_and_values_that_are_not_declared(changes, said):
    write_arrays(Path("a.npz"), {name: array for name, array in (GOOD | changes).items() if array is not None})
    with pytest.raises(CorruptFile, match=f"^a.npz: {said}") as caught:
        read_arrays(Path("a.npz"), SCHEMA)
    assert str(caught.value).endswith("; `dvc checkout --force a.npz` restores it, or `dvc repro` makes it again")


def test_check_headers_knows_sizes_beforehand_and_least_sizes():
    schema = Schema({"*": {"": Array("frame size")}}, required=("a",), least={"frame": 3}, sizes={"size": 8})
    assert schema.check_headers({"a": Header(np.dtype(float), (3, 8)), "b": Header(np.dtype(float), (4, 8))}) is None
    assert "with size 8, as in the parameters" in schema.check_headers({"a": Header(np.dtype(float), (3, 9))})
    assert "with at least 3 of frame" in schema.check_headers({"a": Header(np.dtype(float), (2, 8))})


def claiming(shape, count, compression=0):
    """Write a.npz whose array `frames` claims a shape, and holds `count` zeros."""
    header = repr({"descr": "<f8", "fortran_order": False, "shape": shape}).encode()
    with ZipFile("a.npz", "w", compression) as archive:
        archive.writestr("frames.npy", b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header + bytes(8 * count))


def refused(monkeypatch, reader):
    """The refusal of a.npz, for which no array may be made."""

    def forbidden(*_, **__):
        raise AssertionError("the array was read")

    monkeypatch.setattr(arrays.np.lib.format, "read_array", forbidden)
    with pytest.raises(Refused) as caught:
        reader(Path("a.npz"))
    return str(caught.value)


BOMBS = Schema({"*": {"": Array("time")}}, required=())


def own(path):
    """Read a file of the project."""
    return read_arrays(path, BOMBS)


def users(path):
    """Read a file of the user."""
    return read_array(path, "frames")


def test_readers_refuse_a_header_that_claims_more_than_there_is(monkeypatch):
    claiming((10**12,), 3)
    assert "an array float64 (1000000000000,) of 8000000000" in refused(monkeypatch, own)
    assert "given no arrays of numbers" in refused(monkeypatch, users)


def test_readers_refuse_a_compressed_bomb_by_its_directory(monkeypatch):
    count = arrays.MOST_BYTES // 8
    claiming((count,), count, ZIP_DEFLATED)
    assert Path("a.npz").stat().st_size < 10**6
    assert "is compressed, must not be" in refused(monkeypatch, own)
    assert f"at most {arrays.MOST_BYTES} are read" in refused(monkeypatch, users)


def test_read_arrays_refuses_a_directory_whose_entries_overlap(monkeypatch):
    """Each of a thousand entries is the whole file."""
    claiming((1000,), 1000)
    with ZipFile("a.npz", "a") as archive:
        entry = archive.infolist()[0]
        for i in range(1000):
            archive.filelist.append(copy := type(entry)(f"{i}.npy"))
            for name in ("compress_size", "file_size", "CRC", "header_offset"):
                setattr(copy, name, getattr(entry, name))
        archive._didModify = True
    assert "has a directory that does not match its content" in refused(monkeypatch, own)


def test_read_arrays_refuses_a_directory_that_lacks_an_entry(monkeypatch):
    """A longer comment of one entry hides the next, whose array is optional."""
    write_arrays(Path("a.npz"), {name: np.ones(2) for name in "abc"})
    content = bytearray(Path("a.npz").read_bytes())
    content[content.index(b"PK\x01\x02") + 32] = 46 + len("b.npy")
    Path("a.npz").write_bytes(content)
    assert ZipFile("a.npz").namelist() == ["a.npy", "c.npy"]
    assert "has a directory that does not match its content" in refused(monkeypatch, own)


def test_read_arrays_refuses_two_arrays_of_one_name(monkeypatch):
    claiming((3,), 3)
    with pytest.warns(UserWarning, match="Duplicate name"), ZipFile("a.npz", "a") as archive:
        archive.writestr("frames.npy", archive.read("frames.npy"))
    assert "has two arrays of one name" in refused(monkeypatch, own)


def test_read_arrays_refuses_pickled_objects():
    np.savez("a.npz", frames=np.array([{}, []], dtype=object))
    with pytest.raises(CorruptFile, match="is not an NPZ file"):
        own(Path("a.npz"))
