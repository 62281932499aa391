"""Numbers as text, alike in every table and sentence."""

from collections.abc import Sequence

from hnn.core.statistics import Interval

__all__ = [
    "NOTHING",
    "compared_with",
    "format_interval",
    "format_mean",
    "format_plus_minus",
    "format_quartiles",
    "listed",
    "number",
    "ratio",
]

NOTHING = "–"
"""The text of a number that does not exist."""


def number(x: float | None) -> str:
    """Two or three significant digits; scientific where plain digits would be long.

    >>> number(0.12345), number(1234.5), number(1.5e-7), number(None)
    ('0.123', '1230', '1.5e-7', '–')
    """
    if x is None:
        return NOTHING
    if x == 0:
        return "0"
    if 1e-3 <= abs(x) < 1e4:
        return f"{float(f'{x:.3g}'):g}"
    return f"{x:.1e}".replace("e-0", "e-").replace("e+0", "e")


def format_interval(value: Interval | None) -> str:
    """`mean [low, high]`; the mean alone where the interval has no width.

    >>> format_interval(Interval(0.5, 0.25, 1.0))
    '0.5 [0.25, 1]'
    """
    if value is None or value.mean is None:
        return NOTHING
    if value.low == value.high:
        return number(value.mean)
    return f"{number(value.mean)} [{number(value.low)}, {number(value.high)}]"


def format_plus_minus(mean: float, plus_minus: float | None) -> str:
    """`mean ± plus_minus`; the mean alone where there is no "±".

    >>> format_plus_minus(0.171, 0.0206)
    '0.171 ± 0.0206'
    """
    return number(mean) if plus_minus is None else f"{number(mean)} ± {number(plus_minus)}"


def format_mean(value: Interval | None) -> str:
    """The mean alone."""
    return NOTHING if value is None else number(value.mean)


def format_quartiles(value: Interval | None) -> str:
    """`median (q1 to q3)`, where they are known."""
    if value is None or value.median is None:
        return NOTHING
    return f"{number(value.median)} ({number(value.q1)} to {number(value.q3)})"


def listed(names: Sequence[str]) -> str:
    """`a`, `a and b`, `a, b and c`."""
    return " and ".join(filter(None, (", ".join(names[:-1]), *names[-1:])))


def ratio(a: Interval, b: Interval) -> str:
    """The larger mean over the smaller: `4.8 times`."""
    small, large = sorted((abs(a.mean or 0), abs(b.mean or 0)))
    return "many times" if small == 0 else f"{large / small:.2g} times"


def compared_with(verdict: str | None, a: Interval, b: Interval) -> str:
    """The verdict on an error a as a phrase that leads to b: `4.8 times smaller than`, `not distinguishable from`."""
    if verdict in ("better", "worse"):
        return f"{ratio(a, b)} {'smaller' if verdict == 'better' else 'larger'} than"
    return "not distinguishable from" if verdict else "beside"
