"""`python -m hnn check`: compare a run with the committed results, cell by cell within intervals, and one cell by bytes."""

import os
import shutil
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

from hnn.commands import summaries
from hnn.core.cell import TRUTH, Cell
from hnn.core.errors import Refused
from hnn.core.statistics import Interval
from hnn.files import paths
from hnn.params.loading import load_params
from hnn.params.schema import Params

__all__ = ["NOT_COMPARED", "TOLERANCE", "agree", "changed_bytes", "check", "compare", "compare_bytes", "is_compared"]

TOLERANCE, PIXEL_TOLERANCE = 0.25, 1.0
"""Fractions of their means by which intervals are widened before they are compared.

Pixel fits amplify rounding: on another processor a seed is as good as another seed, and three seeds bound their variation only
roughly.
"""

NOT_COMPARED = {"integrator", "least_seed", "most_seed", "least_edge", "most_edge"}
"""Parts of the names of quantities that are skipped: errors of the integrator, which the rollout itself bounds, and extremes
over few seeds, which have no interval; the mean over the seeds and the block error that they come from are compared."""

SHORTEST = Cell("mass_spring", "hnn")
"""The cell that is trained again to compare its bytes; if the parameters do not name it, their first one is."""

DIFFERS, NEW = "differs", "not in the committed summary"


def check() -> bool:
    """Print the comparison with the last commit, a line for each cell, and of one cell trained again.

    True if every cell of this run is in the committed summary and agrees with it, and the repeated one has the same bytes.
    """
    params = load_params()
    now = summaries.current()
    committed = summaries.committed("HEAD", f"commit {paths.SUMMARY} of a run to compare later ones with it")
    cells = [cell for task in params.active + params.pixel_tasks for cell in params.cells(task)]
    if missing := [cell.key for cell in cells if (cell.task, cell.name) not in now]:
        raise Refused(f"{paths.SUMMARY} does not have {', '.join(missing)}: run `make repro`")
    widths = f"intervals widened by {TOLERANCE:.0%} of the means, from pixels {PIXEL_TOLERANCE:.0%}"
    print(f"{'cell':32}against HEAD, {widths}")
    verdicts: list[str] = []
    differences: list[str] = []
    for task, name in dict.fromkeys([*now, *committed]):
        if name != TRUTH:
            tolerance = PIXEL_TOLERANCE if task in params.pixel_tasks else TOLERANCE
            verdict, lines = compare(committed.get((task, name)), now.get((task, name)), tolerance)
            print(f"{f'{task}-{name}':32}{verdict}")
            verdicts.append(verdict)
            differences += [f"{task}-{name} {line}" for line in lines]
    for line in differences:
        print(line)
    same, sentence = compare_bytes(params)
    counts = ", ".join(f"{count} {verdict}" for verdict, count in Counter(verdicts).items())
    print(f"{len(verdicts)} cells: {counts}; {sentence}.")
    return same and {DIFFERS, NEW}.isdisjoint(verdicts) and not {"identical", "agrees"}.isdisjoint(verdicts)


def compare(
    committed: Mapping[str, Interval] | None, now: Mapping[str, Interval] | None, tolerance: float = TOLERANCE
) -> tuple[str, list[str]]:
    """(the verdict, a line for each number that differs) of the numbers of a cell, None where a summary lacks it."""
    if committed is None:
        return NEW, []
    if now is None:
        return "not in this run", []
    if committed == now:
        return "identical", []
    names = [name for name in dict.fromkeys([*committed, *now]) if is_compared(name)]
    pairs = {name: (committed.get(name), now.get(name)) for name in names}
    wrong = {name: (a, b) for name, (a, b) in pairs.items() if a is None or b is None or not agree(a, b, tolerance)}
    lines = [f"{name}: committed {as_text(a)}, now {as_text(b)}" for name, (a, b) in wrong.items()]
    return (DIFFERS if wrong else "agrees"), lines


def is_compared(name: str) -> bool:
    """True for the name of a quantity, such as `long.energy_error`, none of whose parts is in `NOT_COMPARED`."""
    return NOT_COMPARED.isdisjoint(name.split("."))


def agree(a: Interval, b: Interval, tolerance: float = TOLERANCE) -> bool:
    """True if two results agree: intervals overlap after widening; whole numbers without an interval are equal."""
    if is_whole(a) and is_whole(b):
        return a.mean == b.mean
    widened_a, widened_b = (widened(result, tolerance) for result in (a, b))
    if widened_a is None or widened_b is None:
        return widened_a is widened_b
    return widened_a[0] <= widened_b[1] and widened_b[0] <= widened_a[1]


def is_whole(result: Interval) -> bool:
    """True for a count or a setting: a whole number without an interval."""
    return result.mean is not None and result.mean.is_integer() and result.low == result.mean == result.high


def widened(result: Interval, tolerance: float) -> tuple[float, float] | None:
    """(low, high), widened by a part of the mean; None without a mean. The mean stands for a bound that is not known."""
    if result.mean is None:
        return None
    low, high = (result.mean if bound is None else bound for bound in (result.low, result.high))
    return low - tolerance * abs(result.mean), high + tolerance * abs(result.mean)


def as_text(result: Interval | None) -> str:
    """`mean [low, high]`; the mean alone where the interval has no width."""
    if result is None:
        return "missing"
    if result.mean is None:
        return "no finite value"
    if result.low == result.high:
        return f"{result.mean:.12g}"
    return f"{result.mean:.5g} [{result.low:.5g}, {result.high:.5g}]"


def compare_bytes(params: Params) -> tuple[bool, str]:
    """(False if a cell that is trained again has other bytes, a clause that says so); True if there is no state cell.

    Raises `Refused` if the run has not left the files of the cell.
    """
    cells = [cell for task in params.state_tasks for cell in params.cells(task)]
    if not cells:
        return True, "no cell is trained again, because state_tasks is empty"
    cell = SHORTEST if SHORTEST in cells else cells[0]
    absent = [path for path in (paths.observations_path(cell.task), *outs(cell)) if not path.is_file()]
    if absent:
        raise Refused(f"{cell.key} cannot be trained again, because {absent[0]} is not there: run `make repro`")
    if changed := changed_bytes(cell):
        return False, f"{cell.key} trained again has other bytes in {', '.join(map(str, changed))}"
    return True, f"{cell.key} trained again has the same bytes"


def outs(cell: Cell) -> list[Path]:
    """The files that the training of a cell writes."""
    return [paths.weights_path(cell), paths.curve_path(cell.key), paths.results_path("train", cell.key)]


def changed_bytes(cell: Cell) -> list[Path]:
    """The files of a cell that have other bytes after its training in a temporary copy of the project.

    No file of the project changes. Raises `Refused` if the training fails.
    """
    with TemporaryDirectory(prefix="hnn-check-", ignore_cleanup_errors=True) as temporary:
        copy = Path(temporary)
        for folder in ("stages", "src"):
            shutil.copytree(folder, copy / folder, ignore=shutil.ignore_patterns("__pycache__"))
        for file in (Path("params.yaml"), paths.observations_path(cell.task)):
            (copy / file).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(file, copy / file)
        words = [sys.executable, "-m", "stages.train", cell.task, cell.name]
        variables = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
        done = subprocess.run(words, cwd=copy, env=variables, capture_output=True, text=True, encoding="utf-8", check=False)
        if done.returncode == -signal.SIGINT:
            raise KeyboardInterrupt
        if done.returncode:
            reason = (done.stderr.splitlines() or [f"status {done.returncode}"])[-1]
            raise Refused(f"{cell.key} cannot be trained again: {reason}")
        return [path for path in outs(cell) if path.read_bytes() != (copy / path).read_bytes()]
