"""Trials: the runs of a recording of an unknown system."""

import re
from collections.abc import Iterator, Sequence

import numpy as np
from numpy import ndarray

from hnn.core.errors import Refused
from hnn.core.trajectories import Trial
from hnn.datasets.columns import Columns, check_numbers, scale_of
from hnn.datasets.table import Table
from hnn.params.base import hint

__all__ = ["LEAST_ROWS", "Trial", "incomplete_rows", "trials"]

LEAST_ROWS = 16
"""A trial has at least so many rows."""


def trials(tables: Sequence[Table], columns: Columns, mass: float = 1.0) -> list[Trial]:
    """The runs in the tables, in s and rad where the headers say ms or degrees, with p = mass times the velocities.

    p is None without columns of velocities or momenta. Rows with a missing value are left out, which leaves a gap. Raises
    `Refused`, with file, line and remedy, for a missing column, text, infinite values, times that do not increase, runs of
    fewer than `LEAST_ROWS` rows, and positions that do not vary.
    """
    several = len({table.path for table in tables}) > 1
    found: dict[str, Trial] = {}
    for table in tables:
        check_columns(table, columns, tables[0])
        for label, rows in runs(table, columns):
            words = [*([table.path.stem] if several or not table.name else []), table.name, label]
            name = re.sub(r"[^A-Za-z0-9_-]+", "_", "_".join(filter(None, words))).strip("_") or "trial"
            name = f"{name}_" if name == "quantity" else name  # a name of its own in files of predictions
            if name in found:
                raise Refused(f"{table.path}: a second trial is called {name}; rename the file")
            found[name] = trial(table, columns, mass, name, rows)
    for i, column in enumerate(columns.positions):
        if all(np.ptp(one.q[:, i]) == 0 for one in found.values()):
            value = next(iter(found.values())).q[0, i]
            raise Refused(
                f"{tables[0].path}: {tables[0].where(0)}: column {column!r} is {value:g} in all rows, so nothing is learned "
                "from it; give --q without it"
            )
    return list(found.values())


def check_columns(table: Table, columns: Columns, first: Table) -> None:
    """Refuse a table without one of the columns, or with text in one of them."""
    for name in columns.used:
        if name not in table.columns:
            other = f", which {first.path} has" if table is not first else ""
            raise Refused(
                f"{table.path}: {table.where(0)}: no column {name!r}{other}; {hint(name, table.columns)}; "
                "name columns alike in all files"
            )
    check_numbers(table, columns.numbers)


def runs(table: Table, columns: Columns) -> Iterator[tuple[str, slice | ndarray]]:
    """Label and rows of each run of a table, in the order of their first rows; the whole table without a column of trials."""
    if columns.trial is None:
        yield "", slice(0, table.rows)
        return
    numbers = table.columns[columns.trial]
    if not np.isfinite(numbers).all():
        row = int(np.argmin(np.isfinite(numbers)))
        raise Refused(
            f"{table.path}: {table.where(row)}: column {columns.trial!r} has no value; say which trial the row is of"
        )
    starts = np.concatenate([[0], np.flatnonzero(np.diff(numbers)) + 1])
    ends = np.append(starts[1:], len(numbers))
    texts = table.labels.get(columns.trial)
    for number in dict.fromkeys(numbers[starts].tolist()):
        own = np.flatnonzero(numbers[starts] == number)
        parts = [np.arange(starts[i], ends[i]) for i in own]
        rows = slice(starts[own[0]], ends[own[0]]) if len(own) == 1 else np.concatenate(parts)
        yield texts[int(number)] if texts else f"{number:g}", rows


def incomplete(table: Table, columns: Columns, rows: slice | ndarray) -> ndarray:
    """Mask, (rows,), of the rows with a missing value in a column that is used."""
    missing = np.zeros(len(table.columns[columns.positions[0]][rows]), bool)
    for name in columns.numbers:
        missing |= np.isnan(table.columns[name][rows])
    return missing


def incomplete_rows(tables: Sequence[Table], columns: Columns) -> tuple[int, str]:
    """Number of rows with a missing value in the tables, which are left out, and the place of the first; (0, "") for none."""
    masks = [(table, incomplete(table, columns, slice(None))) for table in tables]
    first = next(((table, int(mask.argmax())) for table, mask in masks if mask.any()), None)
    return sum(int(mask.sum()) for _, mask in masks), f"{first[0].path.name}, {first[0].where(first[1])}" if first else ""


def trial(table: Table, columns: Columns, mass: float, name: str, rows: slice | ndarray) -> Trial:
    """One run of a table."""
    kept = ~incomplete(table, columns, rows)
    numbers = np.arange(table.rows)[rows][kept]  # rows of the table
    if len(numbers) < LEAST_ROWS:
        place = table.where(int(np.arange(table.rows)[rows][0])) if len(kept) else "no rows"
        raise Refused(
            f"{table.path}: {place}: trial {name}: given {len(numbers)} complete row{'s' if len(numbers) != 1 else ''}, "
            f"must be at least {LEAST_ROWS}; leave it out, or record longer"
        )

    def column(one: str) -> ndarray:
        """The values of a column in its base unit."""
        values = table.columns[one][rows]
        values = values if kept.all() else values[kept]
        if not np.isfinite(values).all():
            row = int(numbers[np.argmin(np.isfinite(values))])
            raise Refused(f"{table.path}: {table.where(row)}: column {one!r} is infinite; correct or delete the line")
        return values * scale_of(one)

    def together(names: Sequence[str]) -> ndarray:
        """Columns as (time, n)."""
        x = np.empty((len(numbers), len(names)))
        for i, one in enumerate(names):
            x[:, i] = column(one)
        return x

    if columns.time:
        t = column(columns.time)
        check_times(table, columns.time, t, numbers)
    else:
        t = np.flatnonzero(kept) * float(columns.time_step or 1.0)
    p = together(columns.momenta) if columns.momenta else mass * together(columns.velocities) if columns.velocities else None
    return Trial(name, t, together(columns.positions), p)


def check_times(table: Table, name: str, t: ndarray, rows: ndarray) -> None:
    """Refuse times that do not increase."""
    steps = np.diff(t)
    if (steps > 0).all():
        return
    i = int(np.argmax(steps <= 0))
    place = f"{table.path}: {table.where(int(rows[i + 1]))}: column {name!r}"
    if steps[i] == 0:
        raise Refused(f"{place}: {t[i]:g} s twice; delete one of the lines, or give --dt if rows are evenly spaced")
    raise Refused(
        f"{place}: time runs backwards, from {t[i]:g} to {t[i + 1]:g} s; correct it, or give --trial if a new run begins"
    )
