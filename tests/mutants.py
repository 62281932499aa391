"""Mutation check of the tests: change one expression of a module at a time; its tests must fail. Writes docs/mutants.md.

    python tests/mutants.py              # a sample with fixed seed, 150 mutants
    python tests/mutants.py 50 3         # 50 mutants, drawn with seed 3
    python tests/mutants.py 50 3 src/hnn/evaluation        # of these modules alone

The operators are those of Cosmic Ray. Each mutant is judged in a fork of a process that has imported PyTorch, in a copy of the
project; it is killed if a test fails or the tests take much more CPU time than without a change.
"""

import os
import random
import resource
import shutil
import signal
import sys
import tempfile
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from cosmic_ray.ast import ast_nodes, get_ast
from cosmic_ray.mutating import mutate_code
from cosmic_ray.plugins import get_operator

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "mutants.md"
REASONS = Path(__file__).with_name("mutants_survivors.txt")
SIZE, SEED = 150, 1
GOAL = 85.0  # per cent killed
SECONDS = 120  # of CPU time, after which a mutant counts as killed

TESTS = {
    "src/hnn/systems": ["tests/systems/test_systems.py", "tests/systems"],
    "src/hnn/integrators": ["tests/integrators"],
    "src/hnn/core/statistics.py": ["tests/core/test_statistics.py"],
    "src/hnn/evaluation/metrics.py": ["tests/evaluation/test_metrics.py"],
    "src/hnn/training/losses.py": ["tests/training/test_losses.py"],
}
"""The tests that judge a module or the modules of a package."""

SWAPS = {
    "BinaryOperator": ["Add_Sub", "Sub_Add", "Mul_Div", "Div_Mul", "FloorDiv_Mul", "Mod_Mul", "Pow_Mul"],
    "ComparisonOperator": [
        *("Eq_NotEq", "NotEq_Eq", "Lt_LtE", "Lt_GtE", "LtE_Lt", "LtE_Gt", "Gt_GtE", "Gt_LtE", "GtE_Gt", "GtE_Lt"),
        *("Is_IsNot", "IsNot_Is"),
    ],
    "UnaryOperator": ["Delete_USub", "Delete_Not"],
}
OPERATORS = [f"Replace{kind}_{swap}" for kind, swaps in SWAPS.items() for swap in swaps] + [
    *("NumberReplacer", "AddNot", "ReplaceTrueWithFalse", "ReplaceFalseWithTrue", "ReplaceAndWithOr", "ReplaceOrWithAnd"),
    *("ReplaceBreakWithContinue", "ReplaceContinueWithBreak", "ZeroIterationForLoop"),
]
"""Those whose result is valid for numbers and arrays: others, such as `a | b` of floats, would fail by their type alone."""


@dataclass(frozen=True)
class Mutant:
    """One change of one file: the operator's occurrence, and the changed source."""

    file: str
    line: int
    before: str
    after: str
    source: str

    @property
    def key(self) -> str:
        """The file and the change, without its line number, which other changes move."""
        return f"{self.file}: {self.before} -> {self.after}"


def files_of(place: str) -> list[str]:
    """The source files of a module or package."""
    path = ROOT / place
    return [place] if path.is_file() else [one.relative_to(ROOT).as_posix() for one in sorted(path.glob("*.py"))]


def changes(file: str) -> list[tuple[str, str, int]]:
    """Every possible change of a file: the file, an operator, and its occurrence."""
    nodes = list(ast_nodes(get_ast((ROOT / file).read_text(encoding="utf-8"))))
    counts = {
        name: sum(len(list(get_operator(f"core/{name}")().mutation_positions(node))) for node in nodes) for name in OPERATORS
    }
    return [(file, name, i) for name, count in counts.items() for i in range(count)]


def mutant(file: str, name: str, occurrence: int) -> Mutant:
    """The mutant of a change; the first line that differs stands for it."""
    source = (ROOT / file).read_text(encoding="utf-8")
    changed = mutate_code(source, get_operator(f"core/{name}")(), occurrence)
    pairs = enumerate(zip(source.splitlines(), changed.splitlines(), strict=False), 1)
    line, before, after = next((i, before, after) for i, (before, after) in pairs if before != after)
    return Mutant(file, line, before.strip(), after.strip(), changed)


def judged(folder: Path, tests: list[str]) -> str:
    """The result of tests in a fork that has the project of a folder: passed, failed, or timeout."""
    pid = os.fork()
    if pid == 0:
        resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))
        for stream in (1, 2):
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream)
        os.chdir(folder)
        sys.path[:0] = [str(folder / "src"), str(folder)]
        sys.dont_write_bytecode = True
        os.environ["PYTHONPATH"] = str(folder / "src")
        import pytest

        os._exit(int(pytest.main(["-x", "-q", "-n", "0", "-p", "no:cacheprovider", *tests])))
    _, status = os.waitpid(pid, 0)
    if os.WIFSIGNALED(status) and os.WTERMSIG(status) in (signal.SIGXCPU, signal.SIGKILL):
        return "timeout"
    return "failed" if status else "passed"


def copy_project(folder: Path) -> None:
    """A copy of what the tests read."""
    for name in ("src", "stages", "systems", "tests", "docs"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("params.yaml", "dvc.yaml", "dvc.lock", "pyproject.toml", "README.md"):
        shutil.copy(ROOT / name, folder)


def table(rows: list[list[str]]) -> str:
    """Rows of a Markdown table, the first its head."""
    head, *rest = (f"| {' | '.join(one)} |" for one in rows)
    return "\n".join([head, "|" + "---|" * len(rows[0]), *rest])


def code(text: str) -> str:
    """A line of source for a cell of a Markdown table."""
    return "`` " + text.replace("|", "\\|") + " ``"


def page(results: dict[Mutant, str], of_all: int) -> str:
    """The report: the share of mutants killed for each module, and each survivor with its reason."""
    reasons = dict(line.split("  # ") for line in REASONS.read_text(encoding="utf-8").splitlines() if "  # " in line)
    groups = {place: [result for one, result in results.items() if one.file.startswith(place)] for place in TESTS}
    rows = [["modules", "tests", "mutants", "killed", "of these by time", "survived", "killed, %"]]
    for place, group in [*groups.items(), ("all", list(results.values()))]:
        if group:
            count = Counter(group)
            killed = len(group) - count["passed"]
            numbers = [len(group), killed, count["timeout"], count["passed"], f"{100 * killed / len(group):.0f}"]
            rows.append([place, ", ".join(TESTS.get(place, [])), *map(str, numbers)])
    survivors = sorted((one for one, result in results.items() if result == "passed"), key=lambda one: (one.file, one.line))
    listed = [["where", "change", "reason"]]
    for one in survivors:
        change = f"{code(one.before)} → {code(one.after)}"
        listed.append([f"{one.file}:{one.line}", change, reasons.get(one.key, "not examined")])
    return f"""# Mutation check of the tests

`make mutants` changes one expression of a module at a time (`+` to `-`, `<` to `<=`, a number by one, `and` to `or`, and
others; the operators are those of [Cosmic Ray](https://cosmic-ray.readthedocs.io)) and runs the tests of that module: a mutant
is killed if one of them fails. Of {of_all} possible changes of the modules below {len(results)} were drawn at random.
The command writes this page, and fails below {GOAL:.0f} %. `training/losses.py` calls the loss of PyTorch and has nothing
that these change.

{table(rows)}

## Survivors

The reasons are those of `tests/mutants_survivors.txt`.

{table(listed) if survivors else "None."}
"""


def main(size: int = SIZE, seed: int = SEED, only: str = "src") -> None:
    """Judge a random sample of the mutants of all modules, or of some, write the page, and fail below the goal."""
    import pandas, PIL, pydantic, scipy.integrate, torch, yaml  # noqa: E401, F401, I001  # once, not in each fork

    chosen = {place: tests for place, tests in TESTS.items() if place.startswith(only)}
    everything = [change for place in chosen for file in files_of(place) for change in changes(file)]
    sample = [mutant(*change) for change in random.Random(seed).sample(everything, min(size, len(everything)))]
    results: dict[Mutant, str] = {}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        copy_project(folder)
        for tests in chosen.values():
            if judged(folder, tests) != "passed":
                sys.exit(f"{' '.join(tests)}: they fail, or take more than {SECONDS} s, without any change")
        for number, one in enumerate(sample, 1):
            (folder / one.file).write_text(one.source, encoding="utf-8")
            results[one] = judged(folder, next(tests for place, tests in chosen.items() if one.file.startswith(place)))
            shutil.copy(ROOT / one.file, folder / one.file)
            print(f"{number}/{len(sample)} {results[one]}: {one.file}:{one.line}: {one.before} -> {one.after}", flush=True)
            PAGE.write_text(page(results, len(everything)), encoding="utf-8")
    share = 100 * sum(result != "passed" for result in results.values()) / len(results)
    print(f"{len(results)} mutants, {share:.0f} % killed: {PAGE.relative_to(ROOT)}")
    if share < GOAL:
        sys.exit(f"fewer than {GOAL:.0f} % are killed")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:3]), *sys.argv[3:4])
