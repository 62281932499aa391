"""The file that `--out` names: a regular file or a new name, or standard output."""

import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from hnn.core.errors import Refused

__all__ = ["check_output", "is_stdout", "output"]

STDOUT = {Path("/dev/stdout"), Path("/dev/fd/1"), Path("/proc/self/fd/1")}


def is_stdout(out: Path) -> bool:
    """True for a name of standard output."""
    return out in STDOUT


def check_output(out: Path) -> None:
    """Raise `Refused` for a folder, a device, a socket, a pipe or a file that may not be written.

    A symbolic link is judged by what it leads to, which is also what is replaced.
    """
    try:
        if is_stdout(out):
            return
        if out.is_dir():
            raise Refused(f"--out: {out} cannot be written: it is a folder; give the name of a file")
        if out.exists() and not out.is_file():
            raise Refused(f"--out: {out} cannot be written: it is a device, a socket or a pipe; give the name of a file")
        if out.exists() and not os.access(out, os.W_OK):
            raise Refused(f"--out: {out} cannot be written: it is write-protected")
        out.resolve()
    except (OSError, ValueError, RuntimeError) as error:  # a name too long, with a null byte, or a link to itself
        raise Refused(f"--out: {str(out)[:100]!r} cannot be written: {getattr(error, 'strerror', None) or error}") from None


@contextmanager
def output(out: Path, suffix: str) -> Iterator[Path]:
    """The path to write a file of this suffix to, so that `out` has it at the end; raises `Refused` if it cannot."""
    check_output(out)
    try:
        if not is_stdout(out):
            yield out.resolve()
            return
        with TemporaryDirectory() as folder:
            path = Path(folder) / f"out{suffix}"
            yield path
            sys.stdout.flush()
            with path.open("rb") as file:
                shutil.copyfileobj(file, sys.stdout.buffer)
            sys.stdout.flush()
    except BrokenPipeError:  # the reader of standard output has gone, which is no error
        raise
    except OSError as error:
        raise Refused(f"--out: {out} cannot be written: {error.strerror or error}") from None
