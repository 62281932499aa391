"""Numbers as text, alike in every table and sentence."""

from collections.abc import Mapping, Sequence
from math import floor, log10

from hnn.core.law import Law
from hnn.core.statistics import Interval

__all__ = [
    "NOTHING",
    "format_difference",
    "format_interval",
    "format_mean",
    "format_plus_minus",
    "format_quartiles",
    "formula",
    "listed",
    "number",
    "plus_minus",
    "text_table",
    "times",
    "true_formula",
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


def text_table(columns: Mapping[str, Mapping[str, str]], width: int) -> list[str]:
    """Lines of a table of columns {name: {row: text}}: as many side by side as fit the width, the others below them."""
    import pandas as pd  # takes a second to import

    text = pd.DataFrame(columns).to_string(line_width=width)
    return [line.removesuffix("\\").rstrip() for line in text.splitlines()]


def formula(law: Law) -> str:
    """`H ≈ (2.05 ± 0.01)·q² + …`, ± half of the 95 % interval over seeds; or that no short formula fits."""
    if not law.fits:
        names = listed(list(law.coefficients))
        return f"no short formula fits: {number(law.field_r2.mean)} of the mean square of J∇H is explained by {names}"
    return "H ≈ " + " + ".join(f"({plus_minus(c)})·{name}" for name, c in law.coefficients.items())


def plus_minus(value: Interval) -> str:
    """The mean and half of its interval, to the digits that the latter leaves; the mean alone where there is no interval.

    >>> plus_minus(Interval(2.0534, 2.0412, 2.0656))
    '2.053 ± 0.012'
    """
    if value.low is None or value.high is None or not value.high > value.low:
        return number(value.mean)
    half = (value.high - value.low) / 2
    digits = max(0, 1 - floor(log10(half)))
    return f"{value.mean:.{digits}f} ± {half:.{digits}f}"


def true_formula(law: Law) -> str:
    """The true energy, `3·(1 - cos q) + 1·p²`; or that it is no short formula of the library."""
    if law.true is None:
        return "no short formula of this library"
    return " + ".join(f"{number(c)}·{name}" for name, c in law.true.items() if c).replace("+ -", "- ")


def listed(names: Sequence[str]) -> str:
    """`a`, `a and b`, `a, b and c`."""
    return " and ".join(filter(None, (", ".join(names[:-1]), *names[-1:])))


def times(ratio: Interval, words: tuple[str, str] = ("smaller", "larger")) -> str:
    """A ratio with its interval in words, for one below and one above 1; one below 1 is turned over.

    >>> times(Interval(0.25, 0.125, 0.5)), times(Interval(3.0, 1.5, 6.0))
    ('4 times smaller [2, 8]', '3 times larger [1.5, 6]')
    """
    mean, low, high = ratio[:3]
    assert mean is not None  # a ratio with a verdict has an interval
    assert low is not None
    assert high is not None
    if mean < 1:
        return f"{rounded(1 / mean)} times {words[0]} [{number(1 / high)}, {number(1 / low)}]"
    return f"{rounded(mean)} times {words[1]} [{number(low)}, {number(high)}]"


def rounded(ratio: float) -> str:
    """A ratio with two significant digits: `4.8`, `27`, `1200`."""
    return number(float(f"{ratio:.2g}"))


def format_difference(difference: Interval, verdict: str, words: tuple[str, str] = ("smaller", "larger")) -> str:
    """A comparison with its verdict: a ratio in words, or a difference; the verdict alone where there are no numbers.

    >>> format_difference(Interval(0.9, 0.5, 1.4, geometric=True), "not distinguishable")
    'not distinguishable, 0.9 times [0.5, 1.4]'
    >>> format_difference(Interval(2.0, 1.0, 3.0), "better")
    'better, +2 [1, 3]'
    """
    mean, low, high = difference[:3]
    if mean is None or low is None or high is None:
        return verdict
    if not difference.geometric:
        return f"{verdict}, {'+' * (mean > 0)}{number(mean)} [{number(low)}, {number(high)}]"
    if verdict in ("better", "worse"):
        return times(difference, words)
    return f"{verdict}, {rounded(mean)} times [{number(low)}, {number(high)}]"
