"""The interface of a map over independent items, and its serial form."""

from collections.abc import Callable, Sequence
from typing import Any, Protocol

__all__ = ["ParallelMap", "serial_map"]


class ParallelMap(Protocol):
    """A map over independent items, in order: `serial_map`, or `hnn.parallel.pool.parallel_map` with its options bound."""

    def __call__(self, function: Callable[[Any], Any], items: Sequence[Any], /) -> list[Any]:
        """[function(item) for item in items]."""
        ...


def serial_map(function: Callable[[Any], Any], items: Sequence[Any], /) -> list[Any]:
    """[function(item) for item in items], one after the other.

    >>> serial_map(abs, [-1, 2])
    [1, 2]
    """
    return [function(item) for item in items]
