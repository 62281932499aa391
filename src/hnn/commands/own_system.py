"""`python -m hnn test`: the contract of a system in a file of one's own."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from hnn.core.errors import Refused
from hnn.core.registry import describe_exception
from hnn.evaluation.system_contract import Case, Outcome, outcomes, sampling_options
from hnn.params.checks import check_constants
from hnn.systems.base import System, load_system

__all__ = ["check_system"]

STARTS = 4
"""Initial states of the motions that are checked."""


def check_system(file: Path, words: Sequence[str], distribution: Sequence[str]) -> tuple[str, str | None]:
    """The checks of a system with the constants in `words`, as name=value: a table, and the failed ones in a line or None.

    `distribution` is the name of the distribution of the initial states and its arguments, by default the first of the class.
    Raises `Refused` for a file, constant or argument that is not allowed.
    """
    own = Path("systems") / file
    path = own if own.is_file() and not file.is_file() else file
    kind = load_system(path)
    constants = numbers(words)
    if problems := check_constants(kind, constants, "", ""):
        raise Refused(f"{path}: {'; '.join(problems)}; constants are given as words, such as mass=1.0")
    try:
        system = kind(**constants)
    except Exception as error:  # of the user's code
        raise Refused(f"{path}: {describe_exception(error, path)}") from None
    shape, options = sampling(path, system, distribution)
    try:
        starts = system.sample(np.random.default_rng(0), STARTS, shape, **options)
    except Exception as error:
        raise Refused(f"{path}: {shape}: {describe_exception(error, path)}") from None
    found = outcomes(Case(system, starts, options))
    given = ", ".join(f"{key}={value:g}" for key, value in options.items())
    table = "\n".join([f"{path}: {system}, {STARTS} initial states of {shape}({given})", "", *map(line, found)])
    failed = [one.check.name for one in found if one.problem]
    applied = sum(one.applies for one in found)
    return table, f"{len(failed)} of {applied} checks failed: {', '.join(failed)}" if failed else None


def line(outcome: Outcome) -> str:
    """The line of a check in the table: its name, ok or failed with what was found, or not claimed."""
    check = outcome.check
    if not outcome.applies:
        return f"{check.name:<11} -       not claimed: {check.holds}"
    return f"{check.name:<11} {f'failed  {outcome.problem}' if outcome.problem else f'ok      {check.holds}'}"


def numbers(words: Sequence[str]) -> dict[str, float]:
    """The numbers of words name=value; whole ones as int. Raises `Refused` for other words and for a name given twice."""
    found: dict[str, float] = {}
    for word in words:
        name, _, text = word.partition("=")
        if name in found:
            raise Refused(f"{word}: {name} is given twice")
        try:
            found[name] = int(text) if text.lstrip("-").isdecimal() else float(text)
        except ValueError:
            raise Refused(f"given {word!r}, must be name=value with a number, such as mass=1.0") from None
    return found


def sampling(path: Path, system: System, words: Sequence[str]) -> tuple[str, dict[str, float]]:
    """The distribution of the initial states and all its arguments. Raises `Refused` for unknown ones."""
    shape, given = words[0] if words else system.shapes[0], numbers(words[1:])
    if shape not in system.shapes:
        raise Refused(f"--distribution: given {shape!r}, allowed for {path}: {', '.join(system.shapes)}")
    options = sampling_options(system, shape, given)
    if unknown := given.keys() - options.keys():
        raise Refused(f"--distribution: {shape} has no {', '.join(sorted(unknown))}, allowed: {', '.join(options)}")
    return shape, options
