"""Tables in text files, with the separators, decimal marks, encodings and headers of instruments and spreadsheets."""

import codecs
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy import ndarray

from hnn.core.errors import Refused
from hnn.datasets.table import Table, distinct, fields_of
from hnn.parallel.progress import steps_of

if TYPE_CHECKING:
    from pandas import Series

__all__ = ["TextFormat", "read_text_table", "text_format"]

HEAD = 2**16
"""Bytes at the beginning of a file from which its format is found."""

CHUNK = 2**19
"""Rows that are read at a time."""

MEGABYTE, PROGRESS = 10**6, 50 * 10**6
"""Progress is shown in megabytes, for files of more than `PROGRESS` bytes."""

MOST_LABELS = 1000
"""Most different texts in a column that may number trials."""

MARKS = {codecs.BOM_UTF8: "utf-8-sig", codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16"}
"""Encodings by the byte order mark at the beginning of a file."""

COMMENTS = ("#", "%")
KNOWN = "allowed: CSV, TSV and other tables of text, Parquet, NPZ and MATLAB (.mat); export a spreadsheet as CSV"


@dataclass(frozen=True)
class TextFormat:
    """Format of a table of text."""

    encoding: str
    separator: str
    """Empty: white space."""
    decimal: str
    comment: str | None
    """Character at the beginning of lines that are skipped."""
    first: int
    """Number of lines before the first row."""
    names: tuple[str, ...]

    def number(self, text: str) -> float | None:
        """The number that a field holds, NaN for an empty one; None for text."""
        return as_number(text, self.decimal)


def as_number(text: str, decimal: str) -> float | None:
    """The number that a text holds, NaN for nothing, None for words.

    >>> as_number("1,5", ","), as_number("1_000", "."), as_number("x", ".")
    (1.5, None, None)
    """
    if text.lower() in MISSING:
        return float("nan")
    try:
        return None if "_" in text else float(text.replace(decimal, "."))
    except ValueError:
        return None


MISSING = {"", "nan", "na", "n/a", "null", "none", "-nan", "#n/a"}
"""Words for a missing value."""


def text_format(path: Path) -> TextFormat:
    """The format of a text file, from its beginning; raises `Refused` for a file that is empty, binary or has no numbers."""
    with path.open("rb") as file:
        head = file.read(HEAD)
    encoding, text = decoded(path, head)
    lines = text.splitlines()
    if len(head) == HEAD and len(lines) > 1:
        del lines[-1]  # it may be cut off
    if not text.strip():
        raise Refused(f"{path}: is empty; record it again, or leave it out")
    separator, decimal = separators(lines)
    first = first_row(lines, separator, decimal)
    if first is None:
        raise Refused(f"{path}: line 1: given {shortened(lines[0])}, and no row of numbers in the first {len(lines)}; {KNOWN}")
    comment = next((lines[i].lstrip()[0] for i in range(first) if lines[i].lstrip().startswith(COMMENTS)), None)
    return TextFormat(encoding, separator, decimal, comment, first, header(lines, first, separator, decimal))


def decoded(path: Path, head: bytes) -> tuple[str, str]:
    """Encoding and text of the beginning of a file; raises `Refused` for a binary file."""
    encoding = next((name for mark, name in MARKS.items() if head.startswith(mark)), "utf-8")
    if encoding != "utf-16" and b"\0" in head:
        raise Refused(f"{path}: line {head[: head.index(0)].count(10) + 1}: holds binary data, no text; {KNOWN}")
    try:
        return encoding, codecs.getincrementaldecoder(encoding)().decode(head)
    except UnicodeDecodeError:
        if encoding != "utf-8":
            raise Refused(f"{path}: line 1: is no text in UTF-16, as its first bytes say; save it as UTF-8") from None
    text = head.decode("cp1252", errors="replace")
    if sum(letter == "\ufffd" or not (letter.isprintable() or letter.isspace()) for letter in text) > len(text) / 100:
        raise Refused(f"{path}: line 1: holds binary data, no text; {KNOWN}")
    return "cp1252", text


def separators(lines: list[str]) -> tuple[str, str]:
    """Separator of the fields and decimal mark, from the last lines, which are rows where there are any.

    >>> separators(["t;x", "0,1;2"]), separators(["t,x", "0.1,2"]), separators(["1,5 2,5"])
    ((';', ','), (',', '.'), ('', ','))
    """
    rows = [line for line in lines if line.strip() and not line.lstrip().startswith(COMMENTS)][-100:]
    comma = re.compile(r"[-+]?\d*,\d+([eE][-+]?\d+)?")
    for separator in ("\t", ";", "", ","):
        fields = [fields_of(line, separator) for line in rows]
        if separator == "":  # the commas of 1,5 2,5 are decimal ones, those of `1, 2` are not
            if all("," not in line for line in rows) or all(len(f) > 1 and all(map(comma.fullmatch, f)) for f in fields[-5:]):
                break
        elif sum(separator in line for line in rows) > len(rows) / 2:
            break
    decimal = separator != "," and any(comma.fullmatch(word) for row in fields for word in row)
    return separator, "," if decimal else "."


def first_row(lines: list[str], separator: str, decimal: str) -> int | None:
    """Index of the first line in which at least half of the fields that are not empty are numbers."""
    for i, line in enumerate(lines):
        fields = [] if line.lstrip().startswith(COMMENTS) else [word for word in fields_of(line, separator) if word]
        if fields and sum(as_number(word, decimal) is not None for word in fields) * 2 >= len(fields):
            return i
    return None


def header(lines: list[str], first: int, separator: str, decimal: str) -> tuple[str, ...]:
    """Names of the columns from the lines before the first row, with the units of a line of units.

    A comment that names too few columns names those after `trial` and `t`, as in the archive of Schmidt and Lipson (2009).

    >>> header(["t;x", "s;m", "0;1"], 2, ";", ".")
    ('t [s]', 'x [m]')
    >>> header(["% x v", "0 0.1 2 3 7"], 1, "", ".")
    ('trial', 't', 'x', 'v', 'column_5')
    """
    count = len(fields_of(lines[first], separator))
    above = [line.strip() for line in lines[:first] if line.strip()]
    if not above:
        return tuple(distinct([""] * count))
    if above[-1].startswith(COMMENTS):
        names = fields_of(above[-1].lstrip("".join(COMMENTS)).strip(), separator)
        names = names if len(names) > 1 or not separator else fields_of(above[-1].lstrip("".join(COMMENTS)), "")
        if 0 < len(names) <= count - 2:
            names = ["trial", "t", *names]
    else:
        names = fields_of(above[-1], separator)
        over = fields_of(above[-2], separator) if len(above) > 1 else []
        if len(over) == len(names) == count > 1:
            names = [f"{name} [{unit.strip('[]()')}]" if unit else name for name, unit in zip(over, names, strict=True)]
    return tuple(distinct([*names, *[""] * count][:count]))


def read_text_table(path: Path) -> Table:
    """The table of a text file.

    Columns with text are kept with their texts as labels. Raises `Refused`, with file, line and remedy, for a file that is
    empty, binary or not a table.
    """
    form, text = text_format(path), dict[str, str]()
    for _ in form.names:  # each attempt finds one more column of text
        try:
            columns, labels = read_columns(path, form, tuple(text))
            break
        except ValueError:
            place, column, words = first_problem(path, form, tuple(text))
            text[column] = f"{place}: {words!r}"
    else:
        columns, labels = read_columns(path, form, form.names)
    return Table(path, columns, labels=labels, first_text=text, where=lambda row: f"line {line_of(path, form, row)}")


def read_columns(path: Path, form: TextFormat, text: tuple[str, ...]) -> tuple[dict[str, ndarray], dict[str, tuple[str, ...]]]:
    """The columns by name, and the texts of those in `text`; raises `ValueError` if another column holds text."""
    import pandas as pd  # takes a second to import

    size = path.stat().st_size
    progress = iter(steps_of(size // MEGABYTE, f"reading {path.name}" if size > PROGRESS else None, unit="MB"))
    parts: dict[str, list[ndarray]] = {name: [] for name in form.names}
    indices: dict[str, dict[str, int]] = {name: {} for name in text}
    options: dict[str, Any] = {} if form.separator else {"sep": r"\s+"}
    with path.open("rb") as file, pd.read_csv(
        file,
        **({"sep": form.separator} | options),
        header=None,
        names=list(form.names),
        index_col=False,
        skiprows=form.first,
        dtype={name: "object" if name in text else "float64" for name in form.names},
        na_values=sorted(MISSING - {""}),
        decimal=form.decimal,
        comment=form.comment,
        encoding=form.encoding,
        encoding_errors="replace",
        skipinitialspace=True,
        chunksize=CHUNK,
    ) as chunks:  # fmt: skip
        done = 0
        for chunk in chunks:
            for name in form.names:
                parts[name].append(codes(chunk[name], indices[name]) if name in indices else chunk[name].to_numpy())
            done += sum(1 for _ in islice(progress, file.tell() // MEGABYTE - done))
    columns = {}
    for name in form.names:
        columns[name] = np.concatenate(parts.pop(name))  # one at a time, for memory
    return columns, {name: tuple(index) for name, index in indices.items()}


def codes(column: "Series[Any]", index: dict[str, int]) -> ndarray:
    """The number of each text in the index, to which new ones are added up to `MOST_LABELS`; NaN for others and for none."""
    numbers, texts = column.factorize()
    for one in texts:
        if str(one).strip() not in index and len(index) < MOST_LABELS:
            index[str(one).strip()] = len(index)
    known = np.array([index.get(str(one).strip(), np.nan) for one in texts] + [np.nan])
    return known[numbers]


def lines_of(path: Path, form: TextFormat) -> Iterator[tuple[int, str]]:
    """The rows as text with their line numbers, from 1."""
    with path.open(encoding=form.encoding, errors="replace", newline=None) as file:
        for number, line in enumerate(file, 1):
            if number > form.first and line.strip() and not (form.comment and line.lstrip().startswith(form.comment)):
                yield number, line


def line_of(path: Path, form: TextFormat, row: int) -> int:
    """The line number, from 1, of a row counted from 0."""
    return next(islice(lines_of(path, form), row, None), (0, ""))[0]


def first_problem(path: Path, form: TextFormat, text: tuple[str, ...]) -> tuple[str, str, str]:
    """Line, column and content of the first text outside the columns `text`; raises `Refused` for a row of another length."""
    for number, line in lines_of(path, form):
        fields = fields_of(line, form.separator)
        if form.comment:
            fields = fields_of(line.split(form.comment)[0], form.separator)
        while len(fields) > len(form.names) and not fields[-1]:
            del fields[-1]
        if len(fields) > len(form.names):
            raise Refused(
                f"{path}: line {number}: given {len(fields)} fields, must be {len(form.names)}, as in line {form.first + 1}; "
                "correct or delete the line"
            )
        for name, word in zip(form.names, fields, strict=False):
            if name not in text and form.number(word) is None:
                return f"line {number}", name, shortened(word)
    raise Refused(f"{path}: cannot be read as a table; {KNOWN}")


def shortened(text: str) -> str:
    """A text of at most 40 characters that print."""
    printable = "".join(letter if letter.isprintable() else "�" for letter in text.strip())
    return printable if len(printable) <= 40 else f"{printable[:39]}…"
