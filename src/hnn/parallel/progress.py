"""A bar for a person who looks on, a line now and then for a log file."""

import sys
from typing import TextIO

from tqdm import tqdm

__all__ = ["steps_of"]


place: int | None = None
"""Which line the bars of this process have, where several processes show theirs."""


class Lines:
    """A stream for tqdm that ends each state of the bar with a line feed instead of drawing over the last one."""

    def __init__(self, stream: TextIO) -> None:
        self.stream = stream

    def write(self, text: str) -> None:
        """Write what is left of `text` without the carriage return and the line feeds, on a line of its own."""
        if text.strip():
            self.stream.write(text.strip() + "\n")

    def flush(self) -> None:
        """Flush the stream."""
        self.stream.flush()


class Bar(tqdm):  # type: ignore[type-arg]
    """A bar among those of other threads and processes: once it is full it becomes a line above those that still move."""

    def close(self) -> None:
        """Take the bar away and, if it was seen at all, leave its last state as a line."""
        last = "" if self.disable or self.leave else str(self)
        super().close()
        if last:
            self.write(f"\r{last}", file=sys.stderr)  # the cursor stands where the bar was taken away


def steps_of(total: int, label: str | None, unit: str = "step") -> "tqdm[int]":
    """1, 2, …, total, shown on stderr as they pass under `label` with their rate; not shown if `label` is None."""
    watched = sys.stderr.isatty()
    return Bar(
        range(1, total + 1),
        desc=label,
        disable=label is None,
        unit=unit,
        file=sys.stderr if watched else Lines(sys.stderr),
        mininterval=0.1 if watched else 10,
        delay=0 if watched else 0.5,  # a log needs no line that says 0 %
        dynamic_ncols=watched,
        leave=not watched,
        position=place if watched else 0,  # in a log no bar has a place of its own to move the cursor to
    )
