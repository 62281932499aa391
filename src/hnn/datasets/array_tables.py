"""Tables in files of arrays: NPZ, and MATLAB's .mat, whose cell arrays hold a trial each."""

import struct
import zlib
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from zipfile import BadZipFile, ZipFile

import numpy as np
from numpy import ndarray

from hnn.core.errors import Refused
from hnn.datasets.table import Table, distinct

__all__ = ["read_mat_tables", "read_npz_tables"]

Variables = Mapping[str, ndarray | list[ndarray]]
"""Arrays by name; a list has one for each trial."""

TIMES = ("t", "time", "times", "timestamp", "tspan")
"""Names of vectors of times, in lower case, without the suffix of a data set."""


def read_npz_tables(path: Path) -> list[Table]:
    """The tables of an NPZ file: vectors (time,), matrices (time, columns), or (trials, time) and (trials, time, columns).

    Raises `Refused` for a file with pickled objects, which are never loaded, and for one that is damaged.
    """
    arrays: dict[str, ndarray] = {}
    try:
        with ZipFile(path) as archive:
            for entry in archive.namelist():
                with archive.open(entry) as member:
                    name = entry.removesuffix(".npy")
                    arrays[name] = np.lib.format.read_array(member, allow_pickle=False)
    except (BadZipFile, OSError, EOFError, zlib.error, NotImplementedError, RuntimeError):
        raise Refused(f"{path}: is no NPZ file, or is damaged; write it again with numpy.savez") from None
    except ValueError as error:
        if "object" not in str(error).lower():
            raise Refused(f"{path}: {name}: is no array, or is damaged; write it again with numpy.savez") from None
        raise Refused(
            f"{path}: {name}: holds Python objects, which are not loaded as they may run code; "
            "save arrays of numbers, one for each column"
        ) from None
    return tables_of(path, by_trial(arrays))


def by_trial(arrays: Mapping[str, ndarray]) -> Variables:
    """The arrays, and those of (trials, time, …) as lists, where one of three dimensions says how many trials there are."""
    deep = [array.shape[:2] for array in arrays.values() if array.ndim == 3]
    if not deep:
        return arrays
    trials, rows = deep[0]
    return {
        name: list(array) if array.ndim > 1 and array.shape[:2] == (trials, rows) else [array] * trials
        for name, array in arrays.items()
        if (array.ndim > 1 and array.shape[:2] == (trials, rows)) or array.shape == (rows,)
    }


def read_mat_tables(path: Path) -> list[Table]:
    """The tables of a MATLAB file up to version 7: vectors and matrices as one, cell arrays as one of each trial."""
    from scipy.io import loadmat
    from scipy.io.matlab import MatReadError

    try:
        content = loadmat(path)
    except NotImplementedError:
        raise Refused(f"{path}: is of MATLAB's version 7.3, which is HDF5; save it with save(file, '-v7')") from None
    except (MatReadError, ValueError, TypeError, OSError, EOFError, KeyError, zlib.error, struct.error, MemoryError):
        raise Refused(f"{path}: is no MATLAB file, or is damaged; save it again with save(file, '-v7')") from None
    variables: dict[str, ndarray | list[ndarray]] = {}
    for name, array in content.items():
        if name.startswith("__") or not isinstance(array, np.ndarray):
            continue
        if array.dtype.names and array.size == 1:  # a structure: its fields
            variables |= {field: cells(array[field].flat[0]) for field in array.dtype.names}
        else:
            variables[name] = cells(array)
    return tables_of(path, variables)


def cells(array: ndarray) -> ndarray | list[ndarray]:
    """The contents of a cell array, (1, trials) or (trials, 1), as a list; another array as it is."""
    if isinstance(array, np.ndarray) and array.dtype == object:
        return [np.asarray(one) for one in array.ravel()]
    return np.asarray(array)


def tables_of(path: Path, variables: Variables) -> list[Table]:
    """One table of all arrays, or one of each trial if there are lists; raises `Refused` if none has columns of numbers."""
    lists = {name: arrays for name, arrays in variables.items() if isinstance(arrays, list) and all(map(numeric, arrays))}
    found = []
    for suffix, members in data_sets(lists).items():
        named = next((name for name in members if base(name, suffix).lower() not in TIMES), next(iter(members)))
        for i in range(len(lists[named])):
            columns = columns_of({base(name, suffix): lists[name][i] for name in members})
            found.append(Table(path, columns, name=f"{named}_{i + 1}"))
    if not lists:
        arrays = {name: array for name, array in variables.items() if isinstance(array, np.ndarray) and numeric(array)}
        found = [Table(path, columns_of(arrays))]
    if not any(table.columns for table in found):
        has = ", ".join(f"{name} {shape(array)}" for name, array in variables.items()) or "nothing"
        raise Refused(f"{path}: holds {has[:100]}; must hold vectors or matrices of numbers, one row or column for each time")
    return found


def numeric(array: ndarray) -> bool:
    """True for an array of real numbers."""
    return array.dtype.kind in "fiub"


def shape(array: ndarray | list[ndarray]) -> str:
    """The shape of an array, or the number of a list's."""
    return f"of {len(array)} cells" if isinstance(array, list) else f"{array.dtype} {array.shape}"


def base(name: str, suffix: str) -> str:
    """The name of a variable without the suffix of its data set."""
    return name.removesuffix(f"_{suffix}") if suffix else name


def data_sets(lists: Mapping[str, list[ndarray]]) -> dict[str, list[str]]:
    """The names of the variables of each data set by its suffix: {"id": ["Y_id", "Time_id"], "vad": […]}.

    Variables belong to different data sets if their names differ in what follows the last underscore and every data set then
    has the same variables, each with as many trials of the same lengths; else all are of one data set.
    """
    sets: dict[str, list[str]] = {}
    for name in lists:
        sets.setdefault(name.rpartition("_")[2] if "_" in name.strip("_") else "", []).append(name)
    names = [{base(name, suffix) for name in members} for suffix, members in sets.items()]
    if all(one == names[0] for one in names) and all(same_lengths([lists[n] for n in one]) for one in sets.values()):
        return sets
    most = Counter(len(arrays) for arrays in lists.values()).most_common(1)[0][0]
    return {"": [name for name, arrays in lists.items() if len(arrays) == most]}


def same_lengths(variables: list[list[ndarray]]) -> bool:
    """True if the lists are of one length, and their arrays of one number of rows in each trial."""
    return len({tuple(max(array.shape, default=0) for array in arrays) for arrays in variables}) == 1


def columns_of(arrays: Mapping[str, ndarray]) -> dict[str, ndarray]:
    """The columns of the arrays that have as many rows as most of them: of X (rows, 3) or (3, rows) X_1, X_2, X_3.

    >>> columns_of({"t": np.zeros((5, 1)), "X": np.zeros((2, 5)), "dt": np.ones((1, 1))}).keys()
    dict_keys(['t', 'X_1', 'X_2'])
    """
    flat = {name: array.squeeze() for name, array in arrays.items() if array.size > 1 and array.squeeze().ndim <= 2}
    if not flat:
        return {}
    times = [len(array) for name, array in flat.items() if name.lower() in TIMES and array.ndim == 1]
    counts = Counter(max(array.shape) for array in flat.values())
    rows = times[0] if times else max(counts, key=lambda length: (counts[length], length))
    columns: dict[str, ndarray] = {}
    for name, array in flat.items():
        if rows not in array.shape:
            continue
        matrix = array[:, None] if array.ndim == 1 else array if array.shape[0] == rows else array.T
        names = [name] if matrix.shape[1] == 1 else [f"{name}_{i + 1}" for i in range(matrix.shape[1])]
        columns |= {one: matrix[:, i].astype(np.float64) for i, one in enumerate(names)}
    return dict(zip(distinct(columns), columns.values(), strict=True))
