"""File formats: text, JSON, CSV, NPZ, PNG and GIF, written atomically; the same content gives the same bytes."""

import base64
import csv
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy import ndarray

if TYPE_CHECKING:  # matplotlib takes a second to import and only the report needs it
    from matplotlib.figure import Figure

__all__ = [
    "read_arrays",
    "read_columns",
    "read_json",
    "read_rows",
    "write_arrays",
    "write_json",
    "write_picture",
    "write_rows",
    "write_text",
    "writing",
]


@contextmanager
def writing(path: Path) -> Iterator[Path]:
    """A path beside `path` to write to, which takes its place if nothing was raised and vanishes otherwise."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}{path.suffix}")
    try:
        yield temporary
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def write_text(path: Path, text: str) -> None:
    """UTF-8 with line feeds."""
    with writing(path) as temporary:
        temporary.write_text(text, encoding="utf-8", newline="\n")


def write_json(path: Path, content: Any) -> None:
    """Indented JSON; NaN is refused, since no other reader knows it."""
    write_text(path, json.dumps(content, indent=2, allow_nan=False) + "\n")


def read_json(path: Path) -> Any:
    """The content of a JSON file."""
    return json.loads(path.read_text(encoding="utf-8"))


def write_rows(path: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    """CSV with the keys of the first row as its head."""
    with writing(path) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def read_rows(path: Path) -> list[dict[str, str]]:
    """The rows of a CSV file, as text."""
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def read_columns(path: Path) -> dict[str, ndarray]:
    """The columns of a CSV file of numbers by name."""
    rows = read_rows(path)
    return {name: np.array([float(row[name]) for row in rows]) for name in rows[0]}


def write_arrays(path: Path, arrays: Mapping[str, ndarray]) -> None:
    """NPZ, not compressed."""
    with writing(path) as temporary:
        np.savez(temporary, **arrays)  # type: ignore[arg-type]


def read_arrays(path: Path) -> dict[str, ndarray]:
    """All arrays of an NPZ file."""
    with np.load(path, allow_pickle=False) as arrays:
        return dict(arrays)


def write_picture(path: Path, picture: "Figure | ndarray", seconds: float = 0.1) -> str:
    """A figure as PNG, or as GIF grey frames (time, height, width), bytes, each so many seconds long.

    256 colours are enough for a figure and make half of the bytes; there is no date or version among them to change them.
    Returns them as a data URI, which a page holds instead of a link.
    """
    from PIL import Image  # only the report needs it

    with writing(path) as temporary:
        if isinstance(picture, ndarray):
            first, *others = (Image.fromarray(frame).quantize(16) for frame in picture)
            first.save(temporary, append_images=others, duration=round(1000 * seconds), loop=0, save_all=True)
        else:
            drawn = BytesIO()
            picture.savefig(drawn, format="png")
            palette = Image.open(drawn).convert("RGB").quantize(256, dither=Image.Dither.NONE)
            palette.save(temporary, format="png", optimize=True)
    return f"data:image/{path.suffix[1:]};base64,{base64.b64encode(path.read_bytes()).decode('ascii')}"
