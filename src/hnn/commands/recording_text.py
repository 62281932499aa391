"""Text about a recording: what is found in it, in 80 columns, and its task in params.yaml."""

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from hnn.core.trajectories import Trial
from hnn.datasets.columns import Columns, Rate, scale_of, unit_of
from hnn.datasets.inspection import ColumnSummary, Inspection
from hnn.datasets.table import Table
from hnn.params.insertion import quoted

__all__ = ["Recipe", "findings", "task_section"]

WIDTH, LABEL = 80, 10
"""Columns of the terminal, and of the labels at the left."""

TRAINING = """\
recording: {} # of its fit; the section `recording` of params.yaml holds the values
rollout: {}
"""
"""Sections of a new task beside its source."""

FEW_ROWS, FEW_PERIODS = 12, 3
"""Fewer rows per period, and shorter trials in periods, are remarked upon."""


@dataclass(frozen=True)
class Recipe:
    """What `new` is told beside the columns."""

    mass: float
    test: float | tuple[str, ...]
    """Held out: a fraction, or the beginnings of trials' names."""


def findings(
    title: str,
    tables: Sequence[Table],
    columns: Columns,
    trials: Sequence[Trial],
    found: Inspection,
    recipe: Recipe,
    missing: tuple[int, str],
) -> str:
    """The findings in lines of at most `WIDTH` characters, column names shortened; `missing` is of `incomplete_rows`."""
    rows, lengths = sum(len(one.t) for one in trials), [float(np.ptp(one.t)) for one in trials]
    several = len(trials) > 1
    lines = [f"{title}: {len(trials)} trial{'s' if several else ''}, {rows} rows, {sum(lengths):.4g} s"]
    each = f", {spread(lengths)} s each" if several else ""
    lines += labelled("trials", f"{few([one.name for one in trials])}{each}")
    lines += labelled("sampling", sampling_text(found))
    lines += ["", *column_table(columns, found), ""]
    lines += labelled("period", period_text(found))
    lines += labelled("energy", energy_text(found, len(columns.positions)))
    lines += labelled("held out", held_out_text(trials, recipe))
    for remark in remarks(tables, columns, trials, found, missing):
        lines += labelled("note", remark)
    return "\n".join([*lines, *labelled("columns", f"as with {options(columns)}; give others if these are wrong")])


def labelled(label: str, text: str) -> list[str]:
    """A label and the text beside it, wrapped."""
    indent = " " * (LABEL + 2)
    return textwrap.wrap(text, WIDTH, initial_indent=f"  {label:{LABEL}}", subsequent_indent=indent, break_on_hyphens=False)


def few(names: Sequence[str]) -> str:
    """The names; of more than eight, the first three and the last.

    >>> few([str(i) for i in range(10)])
    '0, 1, 2, …, 9'
    """
    return ", ".join(names if len(names) <= 8 else [*names[:3], "…", names[-1]])


def spread(values: Sequence[float]) -> str:
    """The smallest and the largest value, or one if they agree."""
    low, high = f"{min(values):.3g}", f"{max(values):.3g}"
    return low if low == high else f"{low} to {high}"


def sampling_text(found: Inspection) -> str:
    """The time step, its variation and the gaps."""
    sampling = found.sampling
    even = "even" if sampling.even else f"jittered by {100 * sampling.jitter:.2g} %"
    gaps = f"{sampling.gaps} gap{'s' if sampling.gaps > 1 else ''} of up to {sampling.longest_gap:.3g} s"
    return f"every {sampling.step:.4g} s, {even}, {gaps if sampling.gaps else 'no gaps'}"


def column_table(columns: Columns, found: Inspection) -> list[str]:
    """Role, unit, range and noise of each column."""
    rates = "velocity" if columns.velocities else "momentum"
    rows = [["column", "is", "unit", "from", "to", "noise"]]
    for i, one in enumerate(found.positions):
        rows.append(row(one, "position"))
        if found.rates:
            rows.append(row(found.rates[i], rates))
    widths = [max(len(line[i]) for line in rows) for i in range(len(rows[0]))]
    return [
        "  "
        + "  ".join(word.ljust(n) if i < 3 else word.rjust(n) for i, (word, n) in enumerate(zip(line, widths, strict=True)))
        for line in rows
    ]


def row(one: ColumnSummary, role: str) -> list[str]:
    """The cells of a column in the table."""
    noise = "unknown" if np.isnan(one.noise) else f"{one.noise:.2g}"
    return [shortened(one.name), role, unit_text(one.name), f"{one.low:.4g}", f"{one.high:.4g}", noise]


def unit_text(name: str) -> str:
    """The unit after conversion; - where the header has none."""
    unit = unit_of(name)
    return shortened(("rad/s" if "s" in unit.rpartition("/")[2] else "rad") if scale_of(name) != 1 else unit or "-", 8)


def shortened(text: str, most: int = 24) -> str:
    """A text of at most so many characters."""
    return text if len(text) <= most else f"{text[: most - 1]}…"


def period_text(found: Inspection) -> str:
    """The characteristic period, and the rows that are used of it."""
    used = "all rows are used" if found.every == 1 else f"one row in {found.every} is used"
    return f"about {found.period:.3g} s, by autocorrelation; {used}, {found.rows_per_period:.0f} per period"


def energy_text(found: Inspection, degrees: int) -> str:
    """The energy loss per period."""
    how = "the largest speed in each period" if degrees == 1 else "the mean square speed in each period, which is coarse"
    if found.loss is None:
        return f"loss unknown: no trial without a gap lasts {FEW_PERIODS} periods"
    if found.loss.seen:
        loss, error = 100 * found.loss.fraction, 100 * found.loss.error
        return f"falls by {loss:.2g} ± {error:.1g} % per period, by {how}: there is friction"
    most = 100 * (max(found.loss.fraction, 0) + 2 * found.loss.error)
    return f"no loss seen, less than {most:.2g} % per period, by {how}"


def held_out_text(trials: Sequence[Trial], recipe: Recipe) -> str:
    """The trials that are kept for testing."""
    if isinstance(recipe.test, tuple):
        return few([one.name for one in trials if one.name.startswith(recipe.test)])
    return f"the last {100 * recipe.test:.3g} % of the {'trials' if len(trials) > 1 else 'trial'}"


def remarks(
    tables: Sequence[Table], columns: Columns, trials: Sequence[Trial], found: Inspection, missing: tuple[int, str]
) -> list[str]:
    """Sentences on what is converted, estimated, left out or doubtful in a recording, one for each finding."""
    said = []
    for name in columns.numbers:
        if scale_of(name) != 1:
            to = "s" if name == columns.time else "radians"
            said.append(f"{shortened(name)} is converted from {unit_of(name)} to {to}")
    if not columns.velocities and not columns.momenta:
        said.append(
            "no velocities: they are estimated from the positions by a Savitzky-Golay filter, cubic over a sixth of a period"
        )
    names = columns.velocities or columns.momenta
    for q, v, one in zip(columns.positions, names, found.agreement, strict=False):
        said.append(agreement_text(shortened(q), shortened(v), one, velocity=bool(columns.velocities)))
    if missing[0]:
        verb = "row has a missing value and is" if missing[0] == 1 else "rows have a missing value and are"
        said.append(f"{missing[0]} {verb} left out, the first in {missing[1]}")
    if found.rows_per_period < FEW_ROWS:
        said.append(f"{found.rows_per_period:.2g} rows per period are few: sample faster")
    if max(float(np.ptp(one.t)) for one in trials) < FEW_PERIODS * found.period:
        said.append(f"no trial lasts {FEW_PERIODS} periods: record longer, or more trials")
    unused = [shortened(name) for name in tables[0].columns if name not in columns.used]
    return said + ([f"not used: {few(unused)}"] if unused else [])


def agreement_text(q: str, v: str, found: Rate, *, velocity: bool) -> str:
    """A sentence on a velocity or momentum compared with the time derivative of its position."""
    if found.correlation < 0.95:
        return f"{v} does not follow the rate of {q} (correlation {found.correlation:.2f}): another column, or a delay?"
    said = f"{v} is {found.slope:.3f} times the rate of {q} (correlation {found.correlation:.4f})"
    if velocity and not 0.9 < found.slope < 1.1:
        return f"{said}: other units, or a momentum (--p)"
    return said


def options(columns: Columns) -> str:
    """The options of `new` that say the same."""
    words = [f"--time {word(columns.time)}" if columns.time else f"--dt {columns.time_step:g}"]
    words.append(f"--q {word(','.join(columns.positions))}")
    words += [f"--v {word(','.join(columns.velocities))}"] if columns.velocities else []
    words += [f"--p {word(','.join(columns.momenta))}"] if columns.momenta else []
    return " ".join([*words, *([f"--trial {word(columns.trial)}"] if columns.trial else [])])


def word(text: str) -> str:
    """A text as one word of a command."""
    return text if text.replace("_", "a").replace(",", "a").isalnum() else f'"{text}"'


def task_section(name: str, columns: Columns, found: Inspection, recipe: Recipe, trials: Sequence[Trial]) -> str:
    """The task in params.yaml, commented, as YAML."""
    lines = [f"{name}: # {len(trials)} trial{'s' if len(trials) > 1 else ''}, by `python -m hnn new`", "  source:"]
    if columns.time:
        lines.append(f"    time: {quoted(columns.time)} # {'s' if scale_of(columns.time) == 1 else 'converted to s'}")
    else:
        lines.append(f"    time_step: {columns.time_step!r} # s, between rows")
    lines += listed("positions", columns.positions, "")
    if not columns.momenta:
        lines += listed("velocities", columns.velocities, "# in the order of the positions")
    if not columns.velocities:
        lines += listed("momenta", columns.momenta, "# in the order of the positions")
    if not columns.velocities and not columns.momenta:
        lines[-2] += " # estimated from the positions"
    if columns.trial:
        lines.append(f"    trial: {quoted(columns.trial)} # numbers the runs of a file")
    if not columns.momenta:
        lines.append(f"    mass: {recipe.mass!r} # momenta are this times the velocities; 1.0: H is per unit mass")
    lines.append(f"    every: {found.every} # one row in so many is used: {found.rows_per_period:.0f} per period")
    lines.append(f"    period: {found.period:.4g} # s, characteristic, by autocorrelation")
    if isinstance(recipe.test, tuple):
        lines += listed("test", recipe.test, "# held out: trials whose names begin so")
    else:
        lines.append(f"    test: {recipe.test!r} # held out: the last fraction of the trials, or of a single one")
    return "\n".join([*lines, textwrap.indent(TRAINING, "  ")])


def listed(key: str, names: Sequence[str], comment: str) -> list[str]:
    """Lines of a key with a list of texts."""
    if not names:
        return [f"    {key}: []"]
    return [f"    {key}: {comment}".rstrip(), *(f"      - {quoted(name)}" for name in names)]
