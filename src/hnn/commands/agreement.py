"""Two runs compared number by number, as independent samples of seeds; and the verdicts of both."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from hnn.commands import summaries
from hnn.core.cell import TRUTH
from hnn.core.statistics import Interval, holm, welch
from hnn.evaluation.metrics import DIFFERENCE
from hnn.files import artifacts, paths

__all__ = [
    "ABSOLUTE",
    "FALSE_ALARM",
    "Change",
    "Verdicts",
    "changed_verdicts",
    "changes",
    "compare_exact",
    "exact_tolerance",
    "opposite",
    "verdict_line",
    "verdicts_at",
]

FALSE_ALARM = 0.01
"""Probability that two runs which differ by chance alone differ in any of their numbers."""

NOT_COMPARED = {"integrator.error", "integrator.share"}
"""Ends of the names of quantities that are skipped: errors of the integrator, which the rollout itself bounds."""

ROUNDING = 2.0**-52
OPERATIONS = 1000
"""Rounding errors of a step of an integrator, in units of `ROUNDING` of the size of the motion, at most."""

OVERESTIMATE = 100
"""Largest ratio of a solver's tolerance to its true error of a step: embedded methods estimate the error of one of lower order
(Hairer, Nørsett, Wanner 1993, II.4)."""

ABSOLUTE = {
    "symplectic_error": OPERATIONS * ROUNDING / DIFFERENCE,  # a quotient of the difference of two rollouts
    "momentum_error": OPERATIONS * ROUNDING,  # the total one is conserved to rounding by the exact field
}
"""Change that another order of rounding may make, by the end of the quantity's name."""

Verdicts = Mapping[tuple[str, ...], str]
"""Verdicts by (task, comparison, set of starts, quantity)."""


@dataclass(frozen=True)
class Change:
    """A number that two runs have, or one of them, and whether it differs."""

    cell: tuple[str, str]
    """(task, name)."""
    quantity: str
    old: Interval | None
    new: Interval | None
    p: float
    """p-value of the difference of two samples of seeds; of numbers without seeds 1 if they agree, else 0."""
    differs: bool

    def __str__(self) -> str:
        """One line: the number in both runs."""
        return f"{'-'.join(self.cell)} {self.quantity}: {as_text(self.old)} -> {as_text(self.new)}"

    @property
    def identical(self) -> bool:
        """True if all digits are the same."""
        return self.old == self.new


def changes(before: summaries.Summary, after: summaries.Summary) -> list[Change]:
    """The numbers of the cells that both runs have, compared.

    Means over seeds are compared as two independent samples by Welch's t-test, on the scale on which they are averaged, all
    together at the rate `FALSE_ALARM` (Holm). Both runs start from the same states, so only seeds vary between them. Numbers
    without seeds, and those of the exact field, have no chance in them: see `compare_exact`.
    """
    compared: list[tuple[tuple[str, str], str, Interval | None, Interval | None, float]] = []
    for cell in before:
        if cell not in after:
            continue
        old, new = before[cell], after[cell]
        tolerance = exact_tolerance(new.get("integrator.tolerance"))
        for quantity in dict.fromkeys([*old, *new]):
            if not any(quantity.endswith(skipped) for skipped in NOT_COMPARED):
                a, b = old.get(quantity), new.get(quantity)
                absolute = next((change for name, change in ABSOLUTE.items() if quantity.endswith(name)), 0.0)
                compared.append((cell, quantity, a, b, p_value(a, b, tolerance, absolute, exact=cell[1] == TRUTH)))
    levels = holm([p for *_, p in compared], FALSE_ALARM)
    return [Change(*one, differs=one[-1] <= level) for one, level in zip(compared, levels, strict=True)]


def p_value(a: Interval | None, b: Interval | None, tolerance: float, absolute: float, *, exact: bool) -> float:
    """p-value of the difference of two numbers; 1 or 0 where there is no chance in them.

    1 for a mean over a single seed in either run: its chance is not known.
    """
    if a == b:
        return 1.0
    if a is None or b is None or (a.mean is None) != (b.mean is None):
        return 0.0
    if exact or not (a.seeds and b.seeds) or compare_exact(a, b, tolerance, absolute):
        return float(compare_exact(a, b, tolerance, absolute))
    if min(len(a.seeds), len(b.seeds)) < 2:
        return 1.0
    return welch(a.seeds, b.seeds, geometric=a.geometric and b.geometric)


def compare_exact(a: Interval, b: Interval, tolerance: float, absolute: float = 0.0) -> bool:
    """True if two numbers without chance agree: settings and counts exactly, others to a relative or absolute tolerance."""
    if a.mean is None or b.mean is None or not (a.seeds and b.seeds):
        return a.mean == b.mean
    return abs(a.mean - b.mean) <= max(absolute, tolerance * max(abs(a.mean), abs(b.mean)))


def exact_tolerance(tolerance: Interval | None) -> float:
    """Relative change that another order of rounding may make in the errors of the exact field.

    A step evaluates the field a dozen times, each some tens of operations, so that less than a thousand roundings add up. The
    motion amplifies the rounding of a step, at most `OPERATIONS` · 2⁻⁵² of its size, as it amplifies the error of a step
    of the solver, at least its tolerance over `OVERESTIMATE`; so the errors of the rollout change by the ratio of both. For a
    fixed step, whose error is not known beforehand, the tolerance is taken for 1e-9.
    """
    solver = tolerance.mean if tolerance and tolerance.mean else 1e-9
    return OPERATIONS * ROUNDING * OVERESTIMATE / solver


def as_text(result: Interval | None) -> str:
    """`mean [low, high]`; the mean alone where there is no interval."""
    if result is None:
        return "missing"
    if result.mean is None:
        return "no finite value"
    if result.low is None or result.high is None:
        return f"{result.mean:.9g}"
    return f"{result.mean:.4g} [{result.low:.4g}, {result.high:.4g}]"


def verdicts_at(revision: str | None) -> dict[tuple[str, ...], str]:
    """The verdicts in metrics/comparisons.json of a revision or an experiment, or of the present run."""
    if revision:
        text = summaries.git("show", f"{summaries.experiment(revision) or revision}:{paths.COMPARISONS.as_posix()}")
        compared = artifacts.parse_comparisons(text, f"{paths.COMPARISONS} of {revision}")
    else:
        compared = artifacts.read_comparisons()
    return {
        (task, title, starts, quantity): difference["verdict"]
        for task, titles in compared.items()
        for title, sets in titles.items()
        for starts, quantities in sets.items()
        for quantity, difference in quantities.items()
    }


def changed_verdicts(before: Verdicts, after: Verdicts) -> Iterator[tuple[tuple[str, ...], str, str]]:
    """(the comparison, old verdict, new verdict) wherever both runs have one and they differ.

    >>> key = ("pendulum", "hnn vs baseline", "held_out", "energy_error")
    >>> list(changed_verdicts({key: "better"}, {key: "worse"}))
    [(('pendulum', 'hnn vs baseline', 'held_out', 'energy_error'), 'better', 'worse')]
    """
    return ((key, before[key], after[key]) for key in before if key in after and before[key] != after[key])


def opposite(old: str, new: str) -> bool:
    """True if one run is sure of `better` and the other of `worse`."""
    return {old, new} == {"better", "worse"}


def verdict_line(key: tuple[str, ...], old: str, new: str) -> str:
    """One line on a verdict that changed."""
    return f"{', '.join(key[:-1])}: {key[-1]} {old} -> {new}"
