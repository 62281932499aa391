"""Tables of named columns, as files of recordings hold them."""

import csv
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from io import StringIO
from pathlib import Path

from numpy import ndarray

__all__ = ["Table", "clean", "distinct", "numbered_row"]


def numbered_row(row: int) -> str:
    """Position of a row of a binary file, from 1."""
    return f"row {row + 1}"


@dataclass(frozen=True)
class Table:
    """Named columns of equal length, of one run or several."""

    path: Path
    columns: Mapping[str, ndarray]
    """Numbers, float64, (rows,), by name; NaN where a value is missing. For a column of text, the number of each text in
    `labels`."""
    name: str = ""
    """Name of the run in its file; empty if the table is the whole file."""
    labels: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Texts of each column of text in the order of their first appearance."""
    first_text: Mapping[str, str] = field(default_factory=dict)
    """Place and content of the first text of each column of text: "line 17: 'abc'"."""
    where: Callable[[int], str] = numbered_row
    """Place of a row, counted from 0, in the file: "line 18"."""

    @property
    def rows(self) -> int:
        """Number of rows."""
        return len(next(iter(self.columns.values()), ()))


def clean(name: str) -> str:
    """A name without characters that do not print, and with single spaces.

    >>> clean(" theta  [rad]\\x1b")
    'theta [rad]'
    """
    return "".join(letter for letter in " ".join(name.split()) if letter.isprintable())


def distinct(names: Iterable[str]) -> list[str]:
    """The names, cleaned; an empty one is called column_<number>, a second one of the same name <name>_2.

    >>> distinct(["t", "", "t"])
    ['t', 'column_2', 't_2']
    """
    found: list[str] = []
    for number, name in enumerate(map(clean, names), 1):
        wanted = base = name or f"column_{number}"
        copy = 2
        while wanted in found:
            wanted, copy = f"{base}_{copy}", copy + 1
        found.append(wanted)
    return found


def fields_of(line: str, separator: str) -> list[str]:
    """Fields of a line of text, without blanks around them and without quotes; an empty separator stands for white space.

    >>> fields_of(' 1.0;"a;b" ; 3', ";")
    ['1.0', 'a;b', '3']
    """
    if not separator:
        return [re.sub(r'^"(.*)"$', r"\1", word) for word in re.findall(r'"[^"]*"|\S+', line)]
    return [word.strip() for word in next(csv.reader(StringIO(line), delimiter=separator, skipinitialspace=True), [])]
