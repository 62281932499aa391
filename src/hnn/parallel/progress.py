"""Progress on stderr: a bar in a terminal, occasional lines in a log file."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TextIO

from tqdm import tqdm

__all__ = ["fraction_of", "steps_of"]

DELAY = 2.0
"""Seconds after which the progress of a work is shown that most often takes less."""


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
        unseen = self.disable or self.leave or self.last_print_t < self.start_t + (self.delay or 0)
        last = "" if unseen else str(self)
        super().close()
        if last:
            self.write(f"\r{last}", file=sys.stderr)  # from the beginning of the row that the bar has left


def steps_of(total: int, label: str | None, unit: str = "step", done: int = 0) -> "tqdm[int]":
    """Iterate over 1, 2, …, total with progress and rate on stderr under `label`; silently if `label` is None.

    The first `done` have been taken before and are left out.

    >>> list(steps_of(3, None)), list(steps_of(3, None, done=1))
    ([1, 2, 3], [2, 3])
    """
    delay = 0 if sys.stderr.isatty() else 0.5  # no line for 0 % in a log
    return bar(label, range(done + 1, total + 1), initial=done, total=total, unit=unit, delay=delay)


@contextmanager
def fraction_of(label: str) -> Iterator[Callable[[float], None]]:
    """A function that shows on stderr under `label` the fraction that is done of a work of more than `DELAY`."""
    form = "{desc}: {percentage:3.0f}%|{bar}| {elapsed}<{remaining}"
    with bar(label, total=1.0, delay=DELAY, bar_format=form) as shown:
        yield lambda fraction: show(shown, fraction)


def show(shown: "tqdm[int]", fraction: float) -> None:
    """Move a bar forward to a fraction; one that is behind it changes nothing."""
    if fraction > shown.n:
        shown.update(min(fraction, 1.0) - shown.n)


def bar(label: str | None, items: range | None = None, **options: Any) -> "tqdm[int]":
    """A bar in a terminal, or lines in a log; `options` are tqdm's."""
    terminal = sys.stderr.isatty()
    return Bar(
        items,
        desc=label,
        disable=label is None,
        file=sys.stderr if terminal else Lines(sys.stderr),
        mininterval=0.1 if terminal else 10,
        dynamic_ncols=terminal,
        leave=not terminal,
        position=position if terminal else 0,  # a log has no rows to move the cursor to
        **options,
    )
