"""Tables of recordings, read from CSV and other text, Parquet, NPZ and MATLAB files."""

import re
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
from numpy import ndarray

from hnn.core.errors import Refused
from hnn.datasets.array_tables import read_mat_tables, read_npz_tables
from hnn.datasets.table import Table, distinct
from hnn.datasets.text_tables import read_text_table

__all__ = ["Table", "files_of", "read_tables"]


def files_of(folder: Path) -> list[Path]:
    """The files of a folder with a recording, in the order of their names, numbers in them by value.

    Raises `Refused` for a folder that is not there or has no files.
    """
    if not folder.is_dir():
        raise Refused(f"{folder}: there is no such folder; `dvc pull {folder}` brings a recording of others back")
    files = in_order(path for path in folder.iterdir() if path.is_file() and not path.name.startswith("."))
    if not files:
        raise Refused(f"{folder}: has no files; `dvc checkout {folder}.dvc` restores them")
    return files


def in_order(paths: Iterable[Path]) -> list[Path]:
    """The paths by name, numbers in them by value: run_2 before run_10.

    >>> [str(path) for path in in_order([Path("run_10"), Path("run_2")])]
    ['run_2', 'run_10']
    """

    def key(path: Path) -> list[tuple[int, str]]:
        """The name as alternating texts and numbers."""
        return [(int(word), "") if word.isdecimal() else (-1, word) for word in re.split(r"(\d+)", path.name)]

    return sorted(paths, key=key)


def read_tables(files: Sequence[Path]) -> list[Table]:
    """The tables of all files, in their order by name.

    Raises `Refused`, with the file, the line and a remedy, for what cannot be read.
    """
    return [table for path in in_order(files) for table in read_file(path)]


def read_file(path: Path) -> list[Table]:
    """The tables of one file: one for the whole file, or one for each trial of a file of arrays."""
    if path.is_dir():
        raise Refused(f"{path}: is a folder; give its files: {path}/*")
    if not path.exists():
        raise Refused(f"{path}: there is no such file")
    if not path.is_file():
        raise Refused(f"{path}: is no regular file; copy what it gives to a file first")
    try:
        if path.stat().st_size == 0:
            raise Refused(f"{path}: is empty; record it again, or leave it out")
        kind = path.suffix.lower()
        if kind == ".npz":
            return read_npz_tables(path)
        if kind == ".mat":
            return read_mat_tables(path)
        return [read_parquet_table(path) if kind in (".parquet", ".pq") else read_text_table(path)]
    except OSError as error:
        raise Refused(f"{path}: cannot be read: {error.strerror or error}") from None


def read_parquet_table(path: Path) -> Table:
    """The table of a Parquet file."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        content = pq.read_table(path)
    except (pa.ArrowException, ValueError):
        raise Refused(f"{path}: is no Parquet file, or is damaged; write it again") from None
    columns: dict[str, ndarray] = {}
    labels, first_text = {}, {}
    for name, column in zip(distinct(content.column_names), content.columns, strict=True):
        if pa.types.is_integer(column.type) or pa.types.is_floating(column.type) or pa.types.is_boolean(column.type):
            columns[name] = column.cast(pa.float64(), safe=False).to_numpy()
        elif pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
            coded = column.combine_chunks().dictionary_encode()
            columns[name] = coded.indices.cast(pa.float64()).to_numpy(zero_copy_only=False)
            labels[name] = tuple(str(one) for one in coded.dictionary.to_pylist())
            first_text[name] = f"row 1: {str(column[0])[:40]!r}"
    if not columns:
        raise Refused(f"{path}: has no columns of numbers: {', '.join(content.column_names)[:100] or 'no columns'}")
    return Table(path, {name: np.asarray(column, np.float64) for name, column in columns.items()}, "", labels, first_text)
