"""File formats text, JSON, CSV, NPZ, PNG and GIF: written atomically, with bytes that depend on the content alone."""

import base64
import csv
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zipfile import BadZipFile, ZipFile, ZipInfo

import numpy as np
from numpy import ndarray

if TYPE_CHECKING:  # matplotlib takes a second to import and only the report needs it
    from matplotlib.figure import Figure

__all__ = [
    "read_array",
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
    """The content of a JSON file."""
    return json.loads(path.read_text(encoding="utf-8"))


def write_rows(path: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    """Write CSV with the keys of the first row as its header."""
    with writing(path) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def read_rows(path: Path) -> list[dict[str, str]]:
    """The rows of a CSV file; all values are text."""
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def read_columns(path: Path) -> dict[str, ndarray]:
    """The columns of a CSV file of numbers by name."""
    rows = read_rows(path)
    return {name: np.array([float(row[name]) for row in rows]) for name in rows[0]}


def write_arrays(path: Path, arrays: Mapping[str, ndarray]) -> None:
    """Write arrays as uncompressed NPZ.

    `numpy.savez` leaves the version in the archive's headers to Python's zipfile, so that its bytes differ between versions.
    """
    with writing(path) as temporary, ZipFile(temporary, "w") as archive:
        for name, array in arrays.items():
            content, entry = BytesIO(), ZipInfo(f"{name}.npy")
            np.lib.format.write_array(content, np.asanyarray(array), allow_pickle=False)
            entry.create_system = 3  # Unix, wherever it is written
            archive.writestr(entry, content.getvalue())


def read_arrays(path: Path) -> dict[str, ndarray]:
    """All arrays of an NPZ file."""
    with np.load(path, allow_pickle=False) as arrays:
        return dict(arrays)


def read_array(path: Path, name: str) -> ndarray:
    """The array of an NPY file, or of an NPZ file the one called `name` or the only one; pickled objects are not loaded.

    Raises `ValueError`, in plain words, for a file that is not there or has no such array.
    """
    try:
        with path.open("rb") as file:  # numpy leaves a file open that it cannot read
            content = np.load(file, allow_pickle=False)
            arrays: dict[str, ndarray] = {name: content} if isinstance(content, ndarray) else dict(content)
    except OSError as error:
        raise ValueError(f"{path} cannot be read: {error.strerror or error}") from None
    except (ValueError, EOFError, BadZipFile):
        raise ValueError(f"{path}: given no arrays of numbers, must be an NPY or NPZ file, as numpy.save writes it") from None
    key = next(iter(arrays)) if len(arrays) == 1 else name
    if not isinstance(arrays.get(key), ndarray):  # numpy gives other members of the archive as bytes
        raise ValueError(f"{path}: given {', '.join(arrays) or 'nothing'}; must have an array called {name}, or a single one")
    return arrays[key]


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
