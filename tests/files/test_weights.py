"""Weights are read as they were written, or refused: damaged, of another cell, or of networks that cannot be."""

import json
import struct
import time

import pytest
import torch

from hnn.core.errors import CorruptFile, Refused
from hnn.files import weights
from hnn.files.weights import read_weights, write_weights

ABOUT = {"name": "hnn", "degrees": 1, "hidden": 3, "layers": 2}


@pytest.fixture(autouse=True)
def empty_folder(tmp_path, monkeypatch):
    """An empty working folder."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_read_weights_gives_the_weights_of_each_seed_and_the_arguments_of_the_network(empty_folder):
    members = [{"a.weight": torch.randn(3, 2), "b": torch.randn(1)} for _ in range(12)]
    write_weights(empty_folder / "w.safetensors", members, {"name": "hnn", "degrees": 1})
    read, about = read_weights(empty_folder / "w.safetensors")
    assert about == {"name": "hnn", "degrees": 1}
    assert len(read) == 12
    for written, found in zip(members, read, strict=True):
        assert written.keys() == found.keys()
        assert all(torch.equal(written[name], found[name]) for name in written)


@pytest.fixture
def path(empty_folder):
    """The weights of two seeds of a cell."""
    write_weights(empty_folder / "t-hnn.safetensors", [{"a": torch.ones(3, 2), "b": torch.zeros(())} for _ in range(2)], ABOUT)
    return empty_folder / "t-hnn.safetensors"


def rewritten(path, change, sign=True):
    """Change the header (dict) and the numbers (bytearray) of a file by a function; with the checksum made anew if `sign`."""
    content = path.read_bytes()
    (size,) = struct.unpack("<Q", content[:8])
    header, numbers = json.loads(content[8 : 8 + size]), bytearray(content[8 + size :])
    about = json.loads(header["__metadata__"]["hnn"])
    change(about, header, numbers)
    header["__metadata__"]["hnn"] = json.dumps(about, sort_keys=True)

    def write():
        text = json.dumps(header).encode()
        path.write_bytes(struct.pack("<Q", len(text)) + text + numbers)

    write()
    if sign:
        from safetensors.torch import load_file

        about["sha256"] = weights.checksum({n: v for n, v in about.items() if n != "sha256"}, load_file(path))
        header["__metadata__"]["hnn"] = json.dumps(about, sort_keys=True)
        write()


def about_is(**changes):
    """A change of the metadata."""
    return lambda about, header, numbers: about.update(changes)


def number_is(value):
    """A change of the first number, of float64."""
    return lambda about, header, numbers: numbers.__setitem__(slice(8), struct.pack("<d", value))


def renamed(old, new):
    """A change of the name of an array."""
    return lambda about, header, numbers: header.update({new: header.pop(old)})


def test_a_signed_file_is_read(path):
    rewritten(path, about_is(hidden=2))
    assert read_weights(path)[1]["hidden"] == 2


@pytest.mark.parametrize(
    ("change", "sign", "said"),
    [
        (number_is(1.0000001), False, "has other content than its checksum says"),
        (about_is(hidden=2), False, "has other content than its checksum says"),
        (number_is(float("nan")), True, "0.a has values that are not finite"),
        (about_is(seeds=10**7), True, "says that it has 10000000 seeds; its 4 arrays are not theirs"),
        (about_is(seeds=10**9), True, "says seeds 1000000000, must be"),
        (about_is(seeds=1), True, "says that it has 1 seeds; its 4 arrays"),
        (about_is(seeds=0), True, "says seeds 0, must be a positive whole number"),
        (about_is(seeds=2.0), True, "says seeds 2.0, must be a positive whole number"),
        (about_is(hidden=10**6), True, "says that its networks are larger than its weights"),
        (about_is(pixels=10**6, hidden=1000), True, "says that its networks are larger than its weights"),
        (about_is(hidden=10**12), True, "says hidden 1000000000000, must be"),
        (about_is(layers=10**6), True, "says layers 1000000, must be"),
        (about_is(hidden=-1), True, "says hidden -1, must be"),
        (about_is(hidden=None), True, "says hidden None, must be"),
        (about_is(hidden=[3]), True, r"says hidden \[3\], must be"),
        (about_is(time_unit=float("inf")), True, "says time_unit inf, must be"),
        (about_is(key="t-baseline"), True, "has the weights of t-baseline"),
        (lambda about, *_: about.pop("sha256"), False, "has no checksum: it was written by an older version"),
        (lambda about, header, _: header["__metadata__"].update(x="y") or about.clear(), False, "has no checksum"),
        (renamed("0.a", "0.c"), True, ".*its 4 arrays are not theirs"),
        (renamed("1.a", "7.a"), True, ".*its 4 arrays are not theirs"),
        (renamed("1.a", "a"), True, ".*its 4 arrays are not theirs"),
        (lambda about, header, _: header["0.a"].update(dtype="I64"), True, "0.a is not an array of float32 or float64"),
    ],
)
def test_read_weights_refuses_in_one_line_and_at_once(path, change, sign, said):
    rewritten(path, change, sign)
    begun = time.perf_counter()
    with pytest.raises(CorruptFile, match=f"t-hnn.safetensors: {said}") as caught:
        read_weights(path)
    assert time.perf_counter() - begun < 1
    assert "\n" not in str(caught.value)


def test_read_weights_refuses_a_file_under_the_name_of_another_cell(path):
    path.rename("t-baseline.safetensors")
    with pytest.raises(CorruptFile, match=r"t-baseline.safetensors: has the weights of t-hnn; `dvc checkout"):
        read_weights(path.with_name("t-baseline.safetensors"))


@pytest.mark.parametrize("content", [b"", b"\xff" * 8, struct.pack("<Q", 2) + b"{}", b"PK\x03\x04"])
def test_read_weights_refuses_what_is_no_safetensors_file(path, content):
    path.write_bytes(content)
    with pytest.raises(CorruptFile, match=r"t-hnn\.safetensors: "):
        read_weights(path)


def test_write_weights_refuses_weights_that_are_not_finite_and_leaves_the_old_file(path):
    before = path.read_bytes()
    with pytest.raises(Refused, match=r"1\.a has values that are not finite; the fit has diverged: lower its learning rate"):
        write_weights(path, [{"a": torch.ones(1)}, {"a": torch.tensor([torch.inf])}], ABOUT)
    assert path.read_bytes() == before
