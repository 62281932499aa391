"""The columns of a recording: times, positions, velocities or momenta, and the trial; their names and units."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from math import pi

import numpy as np
from numpy import ndarray

from hnn.core.errors import Refused
from hnn.datasets.finite_differences import gaps
from hnn.datasets.table import Table
from hnn.params.base import hint

__all__ = ["SCALES", "Columns", "Rate", "base_of", "check_numbers", "rate", "recognise", "scale_of", "unit_of"]


@dataclass(frozen=True)
class Columns:
    """Names of the columns that are used; either `time` or `time_step` is given, and at most one of velocities and momenta."""

    time: str | None = None
    time_step: float | None = None
    """Seconds between rows, where there is no column of times."""
    positions: tuple[str, ...] = ()
    velocities: tuple[str, ...] = ()
    """In the order of the positions; () if they are estimated or `momenta` are given."""
    momenta: tuple[str, ...] = ()
    trial: str | None = None
    """Column that numbers the runs of a file."""

    @property
    def numbers(self) -> tuple[str, ...]:
        """The columns that must hold numbers."""
        return (*([self.time] if self.time else []), *self.positions, *self.velocities, *self.momenta)

    @property
    def used(self) -> tuple[str, ...]:
        """All columns that are used."""
        return (*self.numbers, *([self.trial] if self.trial else []))


SCALES = {
    **dict.fromkeys(("ms", "msec", "milliseconds"), 1e-3),
    **dict.fromkeys(("us", "µs", "μs", "usec", "microseconds"), 1e-6),
    **dict.fromkeys(("ns", "nanoseconds"), 1e-9),
    **dict.fromkeys(("min", "minutes"), 60.0),
    **dict.fromkeys(("deg", "degree", "degrees", "°", "deg/s", "°/s", "deg_s", "degrees/s"), pi / 180),
}
"""Factors to seconds, radians and radians per second by the unit in a header; other units are kept."""

UNITS = {*SCALES, "s", "sec", "seconds", "rad", "radians", "rad/s", "rad_s", "m", "mm", "cm", "m/s", "mm/s", "cm/s", "px"}
"""Units that are recognised behind an underscore or a slash; in brackets, any is."""

IN_BRACKETS = re.compile(r"(.*?)\s*[\[(]\s*([^\[\]()]*?)\s*[\])]")
BEHIND = re.compile(r"(.*?)\s*(?:[_/]|\bin\s)\s*(" + "|".join(map(re.escape, sorted(UNITS, key=len, reverse=True))) + ")")


def split_unit(name: str) -> tuple[str, str]:
    """Name and unit of a header.

    >>> split_unit("theta [rad]"), split_unit("time_ms"), split_unit("q1")
    (('theta', 'rad'), ('time', 'ms'), ('q1', ''))
    """
    match = IN_BRACKETS.fullmatch(name) or BEHIND.fullmatch(name)
    return (match[1], match[2]) if match and match[1] else (name, "")


def unit_of(name: str) -> str:
    """The unit in a header; empty if there is none."""
    return split_unit(name)[1]


def base_of(name: str) -> str:
    """A header without its unit, in lower case, with single underscores for blanks, hyphens and dots."""
    return re.sub(r"[\s.-]+", "_", split_unit(name)[0].lower()).strip("_")


def scale_of(name: str) -> float:
    """The factor to seconds or radians by the unit in a header; 1 for other units."""
    return SCALES.get(unit_of(name).lower(), 1.0)


COORDINATE = "q|x|y|z|theta|th|θ|ϑ|phi|φ|ϕ|psi|ψ|alpha|α|beta|β|angle|pos|position|joint"
END = r"(?:_?\d+|_?[xyz])?"
KINDS = {
    "time": re.compile(r"t|times?|time_?stamp|zeit|temps|tiempo|secs?|seconds|elapsed(_time)?|time_elapsed"),
    "trial": re.compile(r"(trial|run|experiment|episode|repetition|sequence|session)s?(_?(id|no|nr|number|index|name))?"),
    "velocity": re.compile(
        rf"(v|vel|velocity|velocities|speed|omega|ω|w|qd|rate|gyro|ang(ular)?_?vel(ocity)?){END}"
        rf"|d_?({COORDINATE}){END}(_?/?_?dt)?|({COORDINATE}){END}_?(dot|d|vel|velocity|rate|speed){END}"
    ),
    "momentum": re.compile(rf"(p|mom|momentum|momenta|impulse){END}|p_?({COORDINATE}){END}"),
    "position": re.compile(
        rf"({COORDINATE}|positions|angles|displacement|deflection|elongation|ang(ular)?_?pos(ition)?){END}"
    ),
}
"""What a column is, by its name without unit."""


def kind_of(name: str) -> str | None:
    """The kind of a column by its name, a key of `KINDS`; None for a name that says nothing.

    >>> [kind_of(name) for name in ("Time (ms)", "theta_dot", "dx/dt", "p2", "x [m]", "temperature")]
    ['time', 'velocity', 'velocity', 'momentum', 'position', None]
    """
    return next((kind for kind, pattern in KINDS.items() if pattern.fullmatch(base_of(name))), None)


@dataclass(frozen=True)
class Rate:
    """A column compared with the time derivative of another."""

    correlation: float
    slope: float
    """The column in units of the derivative: 1 for a velocity, the mass for a momentum."""


def rate(t: ndarray, q: ndarray, v: ndarray) -> Rate:
    """v, (time,), compared with dq/dt at the times t: q is regressed on the integral of v, an offset and a drift.

    Integration does not amplify noise as differentiation does. The slope is 0 where q or v is constant.

    >>> t = np.linspace(0, 10, 500)
    >>> found = rate(t, np.sin(t), 2 * np.cos(t))
    >>> round(found.correlation, 3), round(found.slope, 3)
    (1.0, 2.0)
    """
    integral = np.append(0.0, np.cumsum(np.diff(t) * (v[1:] + v[:-1]) / 2))
    drift = np.stack([np.ones_like(t), t - t.mean()], -1)
    q, integral = (y - drift @ np.linalg.lstsq(drift, y, rcond=None)[0] for y in (q, integral))
    power_q, power_v, both = q @ q, integral @ integral, q @ integral
    if power_q <= 0 or power_v <= 0:
        return Rate(0.0, 0.0)
    return Rate(float(both / np.sqrt(power_q * power_v)), float(np.sign(both) * np.sqrt(power_v / power_q)))


MOST_ROWS = 20000
"""Rows from which columns are compared."""


def longest_piece(t: ndarray) -> slice:
    """The longest part of the times, of at most `MOST_ROWS`, without a gap or a step backwards."""
    steps = np.diff(t)
    ends = np.concatenate([[-1], np.flatnonzero(gaps(t) | ~(steps > 0)), [len(t) - 1]])
    i = int(np.argmax(np.diff(ends)))
    return slice(int(ends[i]) + 1, min(int(ends[i + 1]) + 1, int(ends[i]) + 1 + MOST_ROWS))


def pairs(table: Table, columns: Columns, candidates: Sequence[str]) -> list[tuple[str, str]]:
    """Pairs of a position and its velocity among the candidates, by their values; each column is in one pair at most.

    A column that is itself the rate of another, as the velocity beside an acceleration, is no position.
    """
    rows = slice(0, table.rows)
    if columns.trial:
        rows = slice(0, int(np.argmax(np.append(np.diff(table.columns[columns.trial]) != 0, True))) + 1)
    t = times(table, columns)[rows]
    piece = longest_piece(t) if len(t) > 2 else slice(0, 0)
    numbers = [name for name in candidates if name not in table.labels]
    t, values = t[piece], {name: table.columns[name][rows][piece] * scale_of(name) for name in numbers}
    values = {name: v for name, v in values.items() if len(v) >= 8 and np.isfinite(v).all() and np.ptp(v) > 0}
    found = []
    for q in values:
        for v in values:
            one = rate(t, values[q], values[v]) if v != q else Rate(0.0, 0.0)
            if one.correlation > 0.98 and 0.8 < one.slope < 1.25:
                found.append((one.correlation, q, v))
    rates = {v for _, _, v in found}
    chosen: dict[str, str] = {}
    for _, q, v in sorted(found, key=lambda one: -round(one[0], 6)):
        if q not in rates and q not in chosen and v not in chosen.values():
            chosen[q] = v
    return [(q, chosen[q]) for q in candidates if q in chosen]


def times(table: Table, columns: Columns) -> ndarray:
    """The times of all rows of a table in s, (rows,)."""
    if columns.time:
        return table.columns[columns.time] * scale_of(columns.time)
    return np.arange(table.rows) * float(columns.time_step or 1.0)


def recognise(tables: Sequence[Table], told: Columns) -> Columns:
    """The columns of the tables: those that are told, and the others by their names or by their values.

    Raises `Refused` with what was found and the option to give, for a column that is told and not there, and where the first
    table does not say which columns are times and positions.
    """
    table = tables[0]
    names = [name for name in table.columns if name not in table.labels or kind_of(name) not in ("trial", None)]
    told = Columns(
        find(table, told.time, "--time") if told.time else None,
        told.time_step,
        find_all(table, told.positions, "--q"),
        find_all(table, told.velocities, "--v"),
        find_all(table, told.momenta, "--p"),
        find(table, told.trial, "--trial") if told.trial else None,
    )
    columns = replace(told, time=told.time or (None if told.time_step else time_column(table, names, told)))
    if told.trial is None:
        kinds = [name for name in table.columns if kind_of(name) == "trial" and name not in columns.used]
        columns = replace(columns, trial=kinds[0] if kinds else None)
    check_numbers(table, columns.numbers)
    free = [name for name in names if name not in columns.used]
    of_kind = {kind: [name for name in free if kind_of(name) == kind] for kind in KINDS}
    if told.positions:
        return with_rates(table, columns, of_kind, free)
    check_numbers(table, of_kind["position"])
    rates = told.velocities or told.momenta
    if of_kind["position"] and (not rates or len(rates) == len(of_kind["position"])):
        found = with_rates(table, replace(columns, positions=tuple(of_kind["position"])), of_kind, free)
        named = of_kind["velocity"] or of_kind["momentum"]
        states = [] if named else pairs(table, columns, found.positions)
        if 2 * len(states) == len(found.positions):  # x1, …, x4 are often a state: two positions and their velocities
            return replace(columns, positions=tuple(q for q, _ in states), velocities=tuple(v for _, v in states))
        if found.velocities or found.momenta or not named:
            return found
    both = [(q, v) for q, v in pairs(table, columns, [*free, *rates]) if not rates or v in rates]
    if both and (not rates or len(both) == len(rates)):
        if told.momenta:
            return replace(columns, positions=tuple(q for q, _ in both), momenta=tuple(v for _, v in both))
        return replace(columns, positions=tuple(q for q, _ in both), velocities=tuple(v for _, v in both))
    raise Refused(
        f"{table.path}: --q is needed: which columns are positions? found: {', '.join(free)[:200] or 'none'}; "
        f"give them, and velocities if there are any, in the same order: --q {','.join(free[:1]) or 'q'} --v …"
    )


def check_numbers(table: Table, names: Iterable[str]) -> None:
    """Refuse columns that hold text, with the line of the first."""
    for name in names:
        if name in table.labels:
            place, _, text = table.first_text[name].partition(": ")
            remedy = "; of times, seconds, or give --dt" if kind_of(name) == "time" else ""
            raise Refused(f"{table.path}: {place}: column {name!r}: given {text}, must be a number{remedy}; correct the line")


def time_column(table: Table, names: list[str], told: Columns) -> str:
    """The column of times by its name, or by its values if only one increases and none has a name; raises `Refused`."""
    found = [name for name in names if kind_of(name) == "time" and name not in told.used]
    if not found and all(name.startswith("column_") for name in names):
        rising = (name for name in names if name not in told.used and table.rows > 2)
        found = [name for name in rising if (np.diff(table.columns[name]) > 0).all()]
    if len(found) == 1:
        return found[0]
    has = f"found: {', '.join(table.columns)[:200]}"
    if not found:
        raise Refused(
            f"{table.path}: no column is called t or time; {has}; give --time with its name, or --dt with the step in s"
        )
    raise Refused(f"{table.path}: --time is needed: {', '.join(found)} may be the times; give one of them")


def with_rates(table: Table, columns: Columns, of_kind: dict[str, list[str]], free: list[str]) -> Columns:
    """The columns with momenta or velocities as told, or else by name, or else by value, or else none."""
    if columns.velocities or columns.momenta:
        for option, told in (("--v", columns.velocities), ("--p", columns.momenta)):
            if told and len(told) != len(columns.positions):
                raise Refused(
                    f"{option}: given {len(told)} columns, must be {len(columns.positions)}, one for each position: "
                    f"{', '.join(columns.positions)}"
                )
        return columns
    if len(of_kind["momentum"]) == len(columns.positions):
        return replace(columns, momenta=in_order_of(columns.positions, of_kind["momentum"]))
    if len(of_kind["velocity"]) == len(columns.positions):
        return replace(columns, velocities=in_order_of(columns.positions, of_kind["velocity"]))
    by_value = dict(pairs(table, columns, [*columns.positions, *(name for name in free if name not in columns.positions)]))
    if all(q in by_value for q in columns.positions):
        return replace(columns, velocities=tuple(by_value[q] for q in columns.positions))
    return columns


def in_order_of(positions: Sequence[str], others: Sequence[str]) -> tuple[str, ...]:
    """The other columns in the order of the positions, where both end in the same numbers or letters; else as they are.

    >>> in_order_of(["q1", "q2"], ["v2", "v1"])
    ('v1', 'v2')
    """

    def ends(names: Iterable[str]) -> list[str]:
        """Trailing number, or x, y or z, of each name."""
        return [match[0] if (match := re.search(r"\d+$|[xyz]$", base_of(name))) else "" for name in names]

    by_end = dict(zip(ends(others), others, strict=True))
    wanted = ends(positions)
    if len(by_end) == len(others) and set(wanted) == set(by_end):
        return tuple(by_end[end] for end in wanted)
    return tuple(others)


def find_all(table: Table, names: Sequence[str], option: str) -> tuple[str, ...]:
    """The columns of these names; raises `Refused` for one that is not there, or there twice."""
    found = tuple(find(table, name, option) for name in names)
    if len(set(found)) < len(found):
        raise Refused(f"{option}: given {', '.join(names)}, must be different columns")
    return found


def find(table: Table, name: str, option: str) -> str:
    """The column of this name, with or without its unit; raises `Refused` if there is none."""
    if name in table.columns:
        return name
    near = [one for one in table.columns if base_of(one) == base_of(name) or split_unit(one)[0] == name]
    if len(near) == 1:
        return near[0]
    raise Refused(f"{table.path}: {option}: no column {name!r}; {hint(name, table.columns)}")
