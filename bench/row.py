"""What a comparison leaves in results.json."""

from typing import Any

from bench.harness import Comparison

__all__ = ["Row", "row"]

Row = dict[str, Any]
"""reference_s, ours_s, ratio, what each side did in words, and whatever else the row has to say."""


def row(found: Comparison, *, reference: str, ours: str, **more: Any) -> Row:
    """The row of a comparison, with a sentence on each side."""
    seconds = {"reference_s": found.reference_s, "ours_s": found.ours_s, "ratio": found.ratio}
    turns = {"reference": list(found.reference), "ours": list(found.ours)}
    return {**seconds, "reference": reference, "ours": ours, **more, "turns": turns}
