"""Files opened for reading: whatever a damaged or hostile file makes a parser raise becomes a refusal in one line."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, TypeVar

from hnn.core.errors import CorruptFile, MissingFile, Refused

__all__ = ["corrupt", "existing", "opened", "parsed", "read_text"]

T = TypeVar("T")

MOST_TEXT = 2**26
"""Largest text, JSON or CSV file in bytes."""


def corrupt(path: Path, problem: object) -> CorruptFile:
    """The refusal of a file of the project: what is wrong, on one line, and how to restore it.

    >>> print(corrupt(Path("data/x.npz"), "has no array t"))
    data/x.npz: has no array t; `dvc checkout --force data/x.npz` restores it, or `dvc repro` makes it again
    """
    words = " ".join(str(problem).split())
    short = words if len(words) <= 300 else f"{words[:300]}…"
    printable = "".join(letter if letter.isprintable() else "�" for letter in short)  # names in a file may be anything
    return CorruptFile(f"{path}: {printable}; `dvc checkout --force {path}` restores it, or `dvc repro` makes it again")


@contextmanager
def opened(path: Path, form: str) -> Iterator[BinaryIO]:
    """A regular file to read as `form`, "an NPZ file"; raises `MissingFile`, `CorruptFile` or `Refused` instead of any error.

    Parsers of binary formats raise nearly everything on damaged input: of zipfile alone, nine types of exceptions are known.
    """
    with existing(path) as file:
        try:
            yield file
        except Refused:
            raise
        except Exception as error:
            raise corrupt(path, f"is not {form} ({type(error).__name__}: {error})") from None


def existing(path: Path, advice: str = "; run `make repro`") -> BinaryIO:
    """A regular file opened for reading; raises `MissingFile`, with the advice, or `Refused`."""
    if not path.exists():
        raise MissingFile(f"{path} is not there{advice}")
    if not path.is_file():  # opening a pipe would wait for a writer
        raise Refused(f"{path} cannot be read: it is not a regular file")
    try:
        return path.open("rb")
    except OSError as error:
        raise Refused(f"{path} cannot be read: {error.strerror or error}") from None


def parsed(path: Path, form: str, parse: Callable[[str], T]) -> T:
    """parse(text) of a UTF-8 text file of the project, which is to be `form`; raises the errors of `opened`."""
    with opened(path, form) as file:
        if (size := os.fstat(file.fileno()).st_size) > MOST_TEXT:
            raise corrupt(path, f"has {size} bytes, at most {MOST_TEXT} are read")
        return parse(file.read().decode("utf-8"))


def read_text(path: Path) -> str:
    """The content of a UTF-8 text file of the project."""
    return parsed(path, "UTF-8 text", str)
