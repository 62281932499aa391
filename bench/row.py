"""The row of a comparison in results.json."""

from typing import Any

from bench.harness import Comparison

__all__ = ["Row", "row"]

Row = dict[str, Any]
"""reference_s, ours_s, ratio, a sentence on each side, and further entries of the row."""


def row(found: Comparison, *, reference: str, ours: str, **more: Any) -> Row:
    """The row of a comparison, with a sentence on each side."""
    seconds = {"reference_s": found.reference_s, "ours_s": found.ours_s, "ratio": found.ratio}
    turns = {"reference": list(found.reference), "ours": list(found.ours)}
    return {**seconds, "reference": reference, "ours": ours, **more, "turns": turns}
