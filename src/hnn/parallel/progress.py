"""Progress on stderr: a bar in a terminal, occasional lines in a log file."""

import sys
from typing import TextIO

from tqdm import tqdm

__all__ = ["steps_of"]


position: int | None = None
"""Row of this process's bars below the cursor, if several processes show theirs; None: tqdm chooses."""


class Lines:
    """A stream for tqdm that prints each state of a bar as a line instead of overwriting the last one."""

    def __init__(self, stream: TextIO) -> None:
        self.stream = stream

    def write(self, text: str) -> None:
        """Write `text` without carriage returns and line feeds at its ends, as one line; blank text is dropped."""
        if text.strip():
            self.stream.write(text.strip() + "\n")

    def flush(self) -> None:
        """Flush the stream."""
        self.stream.flush()


class Bar(tqdm):  # type: ignore[type-arg]
    """A bar among those of other threads and processes; when it closes, its last state stays as a line above them."""

    def close(self) -> None:
        """Remove the bar and print its last state as a line."""
        last = "" if self.disable or self.leave else str(self)
        super().close()
        if last:
            self.write(f"\r{last}", file=sys.stderr)  # from the beginning of the row that the bar has left


def steps_of(total: int, label: str | None, unit: str = "step", done: int = 0) -> "tqdm[int]":
    """Iterate over 1, 2, …, total with progress and rate on stderr under `label`; silently if `label` is None.

    The first `done` have been taken before and are left out.

    >>> list(steps_of(3, None)), list(steps_of(3, None, done=1))
    ([1, 2, 3], [2, 3])
    """
    terminal = sys.stderr.isatty()
    return Bar(
        range(done + 1, total + 1),
        initial=done,
        total=total,
        desc=label,
        disable=label is None,
        unit=unit,
        file=sys.stderr if terminal else Lines(sys.stderr),
        mininterval=0.1 if terminal else 10,
        delay=0 if terminal else 0.5,  # no line for 0 % in a log
        dynamic_ncols=terminal,
        leave=not terminal,
        position=position if terminal else 0,  # a log has no rows to move the cursor to
    )
