"""`python -m hnn check`: compare a run with the committed results, number by number, and one cell by bytes."""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from hnn.commands import summaries
from hnn.commands.agreement import Change, changed_verdicts, changes, opposite, verdict_line, verdicts_at
from hnn.core.cell import Cell
from hnn.core.errors import Refused
from hnn.files import paths
from hnn.params.loading import load_params
from hnn.params.schema import Params

__all__ = ["changed_bytes", "check", "compare_bytes", "table"]

SHORTEST = Cell("mass_spring", "hnn")
"""The cell that is trained again to compare its bytes; if the parameters do not name it, their first one is."""

NEW, GONE = "not in the committed summary", "not in this run"


def check() -> bool:
    """Print the comparison with the last commit, a row for each cell, and of one cell trained again.

    True if every cell of this run is in the committed summary and agrees with it, no verdict turned into its opposite, and the
    repeated cell has the same bytes.
    """
    params = load_params()
    now = summaries.current()
    committed = summaries.committed("HEAD", f"commit {paths.SUMMARY} of a run to compare later ones with it")
    cells = params.all_cells()
    if missing := [cell.key for cell in cells if (cell.task, cell.name) not in now]:
        raise Refused(f"{paths.SUMMARY} does not have {', '.join(missing)}: run `make repro`")
    compared = changes(committed, now)
    lonely = {cell: NEW for cell in now if cell not in committed} | {cell: GONE for cell in committed if cell not in now}
    for line in table(compared, lonely):
        print(line)
    for change in (one for one in compared if one.differs):
        print(change)
    verdicts = list(changed_verdicts(verdicts_at("HEAD"), verdicts_at(None)))
    for verdict in verdicts:
        print(f"verdict {verdict_line(*verdict)}{' (opposite)' * opposite(*verdict[1:])}")
    same, sentence = compare_bytes(params)
    turned = sum(opposite(old, new) for _, old, new in verdicts)
    differing = sum(one.differs for one in compared)
    good = bool(compared) and not differing and NEW not in lonely.values() and not turned and same
    print(
        f"{'Reproduced' if good else 'Not reproduced'}: of {len(compared)} numbers "
        f"{sum(one.identical for one in compared)} are identical and {differing} differ beyond chance; "
        f"verdicts that changed: {len(verdicts)}, into the opposite: {turned}; {sentence}."
    )
    return good


def table(compared: Sequence[Change], lonely: Mapping[tuple[str, str], str]) -> list[str]:
    """Rows of the comparison with HEAD: of each cell the outcome, the number of its numbers and of those that differ."""
    by_cell: dict[tuple[str, str], list[Change]] = {}
    for one in compared:
        by_cell.setdefault(one.cell, []).append(one)
    lines = [f"{'cell':40}{'against HEAD':32}{'numbers':>8}{'identical':>10}{'differ':>8}{'smallest p':>12}"]
    for cell, numbers in by_cell.items():
        identical, differing = sum(one.identical for one in numbers), sum(one.differs for one in numbers)
        outcome = "identical" if identical == len(numbers) else "differs" if differing else "agrees"
        least = min(one.p for one in numbers)
        lines.append(f"{'-'.join(cell):40}{outcome:32}{len(numbers):8}{identical:10}{differing:8}{least:12.2g}")
    return lines + [f"{'-'.join(cell):40}{outcome}" for cell, outcome in lonely.items()]


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
