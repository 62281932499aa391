"""Arrays in NPZ files: names, types and shapes are checked against the size of the file before any number is read.

A zip archive and the header of an array can claim any size in a few bytes. Files of the project are not compressed, so that
none of them unpacks to more than its own size.
"""

import os
import warnings
from collections.abc import Mapping
from io import BytesIO
from math import prod
from pathlib import Path
from typing import IO, BinaryIO
from zipfile import ZIP_STORED, ZipFile, ZipInfo, is_zipfile

import numpy as np
from numpy import ndarray

from hnn.core.errors import Refused
from hnn.files.array_schema import Header, Schema
from hnn.files.formats import writing
from hnn.files.reading import corrupt, existing, opened

__all__ = ["read_array", "read_arrays", "write_arrays"]

MOST_BYTES = 2**28
"""Largest array that is read from a file of the user."""

LOCAL_HEADER, ZIP64_EXTRA = 30, 20
"""Bytes in front of each entry's name in a zip archive, and those behind it if the entry is larger than 2 GB."""

SUFFIX = ".npy"
NO_ARRAYS = "given no arrays of numbers, must be an NPY or NPZ file, as numpy.save writes it"


def write_arrays(path: Path, arrays: Mapping[str, ndarray]) -> None:
    """Write arrays as uncompressed NPZ.

    `numpy.savez` leaves the version in the archive's headers to Python's zipfile, so that its bytes differ between versions.
    """
    with writing(path) as temporary, ZipFile(temporary, "w") as archive:
        for name, array in arrays.items():
            content, entry = BytesIO(), ZipInfo(f"{name}{SUFFIX}")
            np.lib.format.write_array(content, np.asanyarray(array), allow_pickle=False)
            entry.create_system = 3  # Unix, wherever it is written
            archive.writestr(entry, content.getvalue())


def read_arrays(path: Path, schema: Schema) -> dict[str, ndarray]:
    """All arrays of a file of the project; raises `CorruptFile` unless they are those of the schema and undamaged.

    The archive has a checksum of each array.
    """
    with opened(path, "an NPZ file") as file, ZipFile(file) as archive:
        entries = archive.infolist()
        names = [entry.filename.removesuffix(SUFFIX) for entry in entries]
        if len(set(names)) < len(names):
            raise corrupt(path, "has two arrays of one name")
        if any(entry.compress_type != ZIP_STORED or entry.file_size != entry.compress_size for entry in entries):
            raise corrupt(path, "is compressed, must not be")
        if not without_gaps(entries, archive.start_dir):
            raise corrupt(path, "has a directory that does not match its content")
        if problem := schema.check_headers({n: header(archive, one) for n, one in zip(names, entries, strict=True)}):
            raise corrupt(path, problem)
        arrays = {}
        for name, entry in zip(names, entries, strict=True):
            with archive.open(entry) as member:
                arrays[name] = np.lib.format.read_array(member, allow_pickle=False)
            if problem := schema.check_values(name, arrays[name]):
                raise corrupt(path, problem)
        return arrays


def without_gaps(entries: list[ZipInfo], end: int) -> bool:
    """True if the entries of an archive follow each other without gap or overlap up to its directory, at the offset `end`.

    The directory has no checksum: without this, an entry might be lost, or read many times.
    """
    starts = [entry.header_offset for entry in entries]
    between = (
        following - one.header_offset - LOCAL_HEADER - len(one.filename.encode()) - one.file_size
        for one, following in zip(entries, [*starts[1:], end], strict=True)
    )
    return starts[:1] in ([], [0]) and all(gap in (0, ZIP64_EXTRA) for gap in between)


def header(archive: ZipFile, entry: ZipInfo) -> Header:
    """Type and shape of an array; raises `ValueError` unless they make up the size of its entry in the archive."""
    with archive.open(entry) as member:
        return header_of(member, entry.file_size)


def header_of(file: IO[bytes], size: int) -> Header:
    """Type and shape of the array in a file of so many bytes; raises `ValueError` where they make up another size."""
    with warnings.catch_warnings(action="error"):  # of headers written by Python 2, and of literals that are none
        version = np.lib.format.read_magic(file)
        read = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}.get(version)
        if read is None:
            raise ValueError(f"version {version} of the NPY format, must be 1.0 or 2.0")
        shape, _, dtype = read(file)
    claimed = file.tell() + prod(shape) * dtype.itemsize
    if dtype.hasobject or claimed != size:
        raise ValueError(f"an array {dtype} {shape} of {claimed} bytes in an entry of {size}")
    return Header(dtype, shape)


def read_array(path: Path, name: str) -> ndarray:
    """The array of a user's NPY file, or of an NPZ file the one called `name` or the only one; compressed or not.

    Raises `Refused` for a file that is not there, has no such array, or one of more than `MOST_BYTES`; pickled objects are not
    loaded.
    """
    with existing(path, advice="") as file:
        try:
            if is_zipfile(file):
                return member_array(path, file, name)
            file.seek(0)
            return limited_array(path, file, os.fstat(file.fileno()).st_size)
        except Refused:
            raise
        except Exception:  # see `opened`
            raise Refused(f"{path}: {NO_ARRAYS}") from None


def member_array(path: Path, file: BinaryIO, name: str) -> ndarray:
    """`read_array` of an NPZ file."""
    with ZipFile(file) as archive:
        entries = {one.filename.removesuffix(SUFFIX): one for one in archive.infolist() if one.filename.endswith(SUFFIX)}
        entry = next(iter(entries.values())) if len(entries) == 1 else entries.get(name)
        if entry is None:
            given = ", ".join(one.filename.removesuffix(SUFFIX) for one in archive.infolist()) or "nothing"
            raise Refused(f"{path}: given {given}; must have an array called {name}, or a single one")
        with archive.open(entry) as member:
            return limited_array(path, member, entry.file_size)


def limited_array(path: Path, file: IO[bytes], size: int) -> ndarray:
    """The array in a file of so many bytes, of at most `MOST_BYTES`."""
    if size > MOST_BYTES:
        raise Refused(f"{path}: given an array of {size} bytes, at most {MOST_BYTES} are read: cut the clip")
    header_of(file, size)
    file.seek(0)
    array: ndarray = np.lib.format.read_array(file, allow_pickle=False)
    return array
