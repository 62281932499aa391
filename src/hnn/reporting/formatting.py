"""Numbers to words: how a value, its interval and a verdict are written, in every table and sentence alike."""

from collections.abc import Mapping, Sequence

__all__ = ["NOTHING", "Interval", "against", "format_interval", "listed", "number", "plain", "quartiles", "ratio", "verdict"]

Interval = Mapping[str, float | None]
"""{mean, low, high}: a mean and its 95 % interval; None where there is nothing to average."""

NOTHING = "–"


def number(x: float | None) -> str:
    """Two or three significant digits; scientific where plain figures would be long."""
    if x is None:
        return NOTHING
    if x == 0:
        return "0"
    return f"{x:.3g}" if 1e-3 <= abs(x) < 1e4 else f"{x:.1e}".replace("e-0", "e-").replace("e+0", "e")


def format_interval(value: Interval | None) -> str:
    """mean [low, high]."""
    if value is None or value["mean"] is None:
        return NOTHING
    if value["low"] == value["high"]:
        return number(value["mean"])
    return f"{number(value['mean'])} [{number(value['low'])}, {number(value['high'])}]"


def plain(value: Interval | None) -> str:
    """The mean alone."""
    return NOTHING if value is None else number(value["mean"])


def quartiles(value: Interval | None) -> str:
    """median (q1 to q3), where they are known."""
    if value is None or value.get("median") is None:
        return NOTHING
    return f"{number(value['median'])} ({number(value['q1'])} to {number(value['q3'])})"


def listed(names: Sequence[str]) -> str:
    """`a`, `a and b`, `a, b and c`."""
    return " and ".join(filter(None, (", ".join(names[:-1]), *names[-1:])))


def ratio(a: Interval, b: Interval) -> str:
    """How many times the greater mean is the smaller."""
    x, y = sorted((abs(a["mean"] or 0), abs(b["mean"] or 0)))
    return "many times" if x == 0 else f"{y / x:.2g} times"


def verdict(a: Interval, b: Interval) -> str:
    """Whether an error a is `better` or `worse` than b where they are not paired: only if their intervals do not overlap."""
    if a["high"] is None or b["high"] is None or a["low"] is None or b["low"] is None:
        return "not distinguishable"
    if a["high"] < b["low"]:
        return "better"
    return "worse" if a["low"] > b["high"] else "not distinguishable"


def against(said: str | None, a: Interval, b: Interval) -> str:
    """The verdict on an error a as a phrase that leads to b: `4.8 times smaller than`, `not distinguishable from`."""
    if said in ("better", "worse"):
        return f"{ratio(a, b)} {'smaller' if said == 'better' else 'larger'} than"
    return "not distinguishable from" if said else "beside"
