"""`python -m hnn check`: compare a run with the committed results, cell by cell within intervals, and one cell by bytes."""

import hashlib
import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from hnn.files import formats, paths
from hnn.params.loading import load_params

__all__ = ["NOT_COMPARED", "TOLERANCE", "agree", "check", "compare_metrics"]

TOLERANCE, PIXEL_TOLERANCE = 0.25, 1.0
"""Fractions of their means by which intervals are widened before they are compared.

Pixel fits amplify rounding: on another processor a seed is as good as another seed, and three seeds bound their variation only
roughly.
"""

NOT_COMPARED = {"integrator", "least_seed", "most_seed", "least_edge", "most_edge"}
"""Entries that are skipped: errors of the integrator, which the rollout itself bounds, and extremes over few seeds, which have
no interval; the mean over the seeds and the block error that they come from are compared."""

BYTES = "train@mass_spring-hnn"
"""The stage that is run again to compare its bytes; a short one."""


def agree(a: Any, b: Any, tolerance: float = TOLERANCE) -> bool:
    """True if two results agree: intervals {mean, low, high} overlap after widening; plain numbers are equal."""
    if not isinstance(a, Mapping):
        return bool(a == b)
    if a["mean"] is None or b["mean"] is None:
        return bool(a["mean"] == b["mean"])
    (low_a, high_a), (low_b, high_b) = (
        (r["low"] - tolerance * abs(r["mean"]), r["high"] + tolerance * abs(r["mean"])) for r in (a, b)
    )
    return bool(low_a <= high_b and low_b <= high_a)


def results(metrics: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Every result of a metrics file, (name, {mean, low, high} or number), except those `NOT_COMPARED`."""
    for name, value in metrics.items():
        if name in NOT_COMPARED:
            continue
        if isinstance(value, Mapping) and "mean" not in value:
            yield from results(value, f"{prefix}{name}.")
        else:
            yield prefix + name, value


def compare_metrics(
    committed: Mapping[str, Any], now: Mapping[str, Any], tolerance: float = TOLERANCE
) -> tuple[str, list[str]]:
    """(`identical`, `agrees` or `differs`; a line for each result that differs) of two metrics files."""
    if committed == now:
        return "identical", []
    old, new = dict(results(committed)), dict(results(now))
    wrong = [
        name
        for name in sorted({*old, *new})
        if name not in old or name not in new or not agree(old[name], new[name], tolerance)
    ]
    lines = [f"{name}: committed {old.get(name)}, now {new.get(name)}" for name in wrong]
    return ("differs" if wrong else "agrees"), lines


def check() -> bool:
    """Print the comparison with the last commit as a table; True if all cells and the bytes of the repeated one agree."""
    params = load_params()
    print(f"{'cell':32}{'train':12}{'rollout':12}against HEAD, within intervals and a part of the means:")
    print(f"{'':56}{TOLERANCE:.0%}, from pixels {PIXEL_TOLERANCE:.0%}")
    differences = []
    cells = {cell.key: TOLERANCE for task in params.state_tasks for cell in params.cells(task)}
    cells |= {cell.key: PIXEL_TOLERANCE for task in params.pixel_tasks for cell in params.cells(task)}
    for key, tolerance in cells.items():
        verdicts = []
        for stage in ("train", "rollout"):
            path = paths.metrics_path(stage, key)
            verdict, lines = compare_metrics(
                json.loads(git("show", f"HEAD:{path.as_posix()}")), formats.read_json(path), tolerance
            )
            verdicts.append(verdict)
            differences += [f"{path}: {line}" for line in lines]
        print(f"{key:32}{verdicts[0]:12}{verdicts[1]:12}")
    print("\n".join(differences))
    same = repeat(BYTES)
    print(f"{BYTES} run again: {'the same bytes' if same else 'other bytes'}")
    return same and not differences


def git(*words: str) -> str:
    """The output of a git command."""
    return subprocess.run(["git", *words], check=True, capture_output=True, text=True).stdout


def repeat(stage: str) -> bool:
    """Run one stage again; True if dvc.lock, which has the checksums of its outs, is unchanged."""
    lock = Path("dvc.lock")
    before = hashlib.sha256(lock.read_bytes()).digest()
    subprocess.run([sys.executable, "-m", "dvc", "repro", "--quiet", "--force", "--single-item", stage], check=True)
    return hashlib.sha256(lock.read_bytes()).digest() == before
