"""File formats text, JSON, CSV, PNG and GIF: written atomically, with bytes that depend on the content alone."""

import base64
import csv
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy import ndarray

from hnn.files.reading import parsed

if TYPE_CHECKING:  # matplotlib takes a second to import and only the report needs it
    from matplotlib.figure import Figure

__all__ = [
    "parse_rows",
    "read_columns",
    "read_json",
    "read_rows",
    "write_json",
    "write_picture",
    "write_rows",
    "write_text",
    "writing",
]


@contextmanager
def writing(path: Path) -> Iterator[Path]:
    """A temporary path that replaces `path` at the end of the context, or is deleted if an exception is raised."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}{path.suffix}")
    try:
        yield temporary
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def write_text(path: Path, text: str) -> None:
    """Write UTF-8 text with line feeds."""
    with writing(path) as temporary:
        temporary.write_text(text, encoding="utf-8", newline="\n")


def write_json(path: Path, content: Any) -> None:
    """Write indented JSON. Raises `ValueError` for NaN and infinity, which are not part of JSON."""
    write_text(path, json.dumps(content, indent=2, allow_nan=False) + "\n")


def read_json(path: Path) -> Any:
    """The content of a JSON file of the project."""
    return parsed(path, "JSON", json.loads)


def write_rows(path: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    """Write CSV with the keys of the first row as its header."""
    with writing(path) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def read_rows(path: Path) -> list[dict[str, str]]:
    """The rows of a CSV file of the project; all values are text."""
    return parsed(path, "CSV", parse_rows)


def parse_rows(text: str) -> list[dict[str, str]]:
    """The rows of a text in CSV; raises `ValueError` for a row of more or fewer values than there are columns."""
    rows = list(csv.DictReader(StringIO(text, newline=""), strict=True))
    for line, row in enumerate(rows, start=2):
        if None in row or None in row.values():
            raise ValueError(f"row {line} has another number of values than there are columns")
    return rows


def read_columns(path: Path) -> dict[str, ndarray]:
    """The columns of a CSV file of numbers by name, at least one row."""

    def columns(text: str) -> dict[str, ndarray]:
        rows = parse_rows(text)
        return {name: np.array([float(row[name]) for row in rows]) for name in rows[0]}

    return parsed(path, "CSV of numbers", columns)


def write_picture(path: Path, picture: "Figure | ndarray", seconds: float = 0.1) -> str:
    """Write a figure as PNG, or grey frames (time, height, width), bytes, as GIF with `seconds` per frame; return a data URI.

    Figures are reduced to 256 colours, which halves their size. The files contain no date or version. A data URI holds the
    image within a page instead of a link.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg  # only the report needs these
    from PIL import Image

    with writing(path) as temporary:
        if isinstance(picture, ndarray):
            first, *others = (Image.fromarray(frame).quantize(16) for frame in picture)
            first.save(temporary, append_images=others, duration=round(1000 * seconds), loop=0, save_all=True)
        else:
            canvas = FigureCanvasAgg(picture)
            canvas.draw()  # type: ignore[no-untyped-call]
            full_colour = Image.fromarray(np.asarray(canvas.buffer_rgba())).convert("RGB")  # type: ignore[no-untyped-call]
            full_colour.quantize(256, dither=Image.Dither.NONE).save(temporary, format="png", optimize=True)
    return f"data:image/{path.suffix[1:]};base64,{base64.b64encode(path.read_bytes()).decode('ascii')}"
