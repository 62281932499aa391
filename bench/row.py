"""What a comparison leaves in results.json."""

from typing import Any

from bench.harness import Comparison

__all__ = ["Row", "rounded", "row"]

Row = dict[str, Any]
"""reference_s, ours_s, ratio, what each side did in words, and whatever else the row has to say."""


def rounded(value: Any) -> Any:
    """The same with four significant digits in each number, whatever is nested in it."""
    if isinstance(value, dict):
        return {key: rounded(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [rounded(part) for part in value]
    return float(f"{value:.4g}") if isinstance(value, float) else value


def row(found: Comparison, *, reference: str, ours: str, **more: Any) -> Row:
    """The row of a comparison, with a sentence on each side."""
    seconds = {"reference_s": found.reference_s, "ours_s": found.ours_s, "ratio": found.ratio}
    turns = {"reference": list(found.reference), "ours": list(found.ours)}
    return {**seconds, "reference": reference, "ours": ours, **more, "turns": turns}
