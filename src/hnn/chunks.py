"""Work that comes in parts which know nothing of each other, and the loop over them."""

from collections.abc import Callable, Sequence
from typing import Any, Protocol

__all__ = ["Spread", "one_by_one"]


class Spread(Protocol):
    """What applies a function to every item, in order, wherever that is done: `one_by_one` here, or `hnn.compute.spread`."""

    def __call__(self, function: Callable[[Any], Any], items: Sequence[Any], /) -> list[Any]:
        """[function(item) for item in items]."""
        ...


def one_by_one(function: Callable[[Any], Any], items: Sequence[Any], /) -> list[Any]:
    """The loop."""
    return [function(item) for item in items]
