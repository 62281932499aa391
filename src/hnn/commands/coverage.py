"""`make coverage`: how often the intervals contain the true value, and how often equal models get a verdict.

Three measurements: simulated values whose true mean is known; a cell of the pipeline fitted a hundred times, whose groups of
the default size are compared with the mean of all; and two such groups compared with each other, as if they were two models.
"""

import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from numpy import ndarray

from hnn.commands import summaries
from hnn.commands.agreement import FALSE_ALARM
from hnn.core.cell import Cell
from hnn.core.errors import Refused
from hnn.core.seeding import stream
from hnn.core.statistics import LEVEL, contrast, estimate, holm, is_geometric, logarithms, welch
from hnn.figures.coverage import Rates, Simulated, coverage_figure
from hnn.files import formats
from hnn.params.loading import load_params
from hnn.params.schema import Params
from hnn.reporting.comparisons import compares_ratios
from hnn.reporting.templating import template

__all__ = ["bootstrap", "false_verdicts", "in_study", "main", "simulate"]

PAGE, FIGURE = Path("docs") / "coverage.md", Path("docs") / "coverage.png"
CELL = Cell("mass_spring", "hnn")
"""The cheapest cell that learns an energy."""
ADVICE = "run `make coverage`"

ENOUGH = 0.93
"""Coverage below which a quantity is named."""
TRIALS, GROUPS, RESAMPLES = 2000, 2000, 500

SEEDS = (3, 5, 10)
STRENGTHS = ((1.0, 0.0, 0.3), (0.0, 1.0, 0.3), (1.0, 1.0, 0.3), (0.3, 1.0, 1.0), (0.1, 1.0, 0.3), (0.0, 0.0, 1.0))
"""Standard deviations of the effects of seeds, of starts and of both."""

Draw = Callable[[np.random.Generator, tuple[int, int]], ndarray]
SHAPES: Mapping[str, Draw] = {
    "Gaussian": lambda generator, shape: generator.standard_normal(shape),
    "heavy-tailed": lambda generator, shape: generator.standard_t(3, shape),
}
"""Distributions of the effects: normal, and Student's t with three degrees of freedom."""

Bounds = Callable[[ndarray, np.random.Generator], tuple[float, float]]


@dataclass(frozen=True)
class Sizes:
    """Sizes of a default run."""

    seeds: int
    starts: int
    family: int
    """Comparisons beside each other in the report."""

    @classmethod
    def of(cls, params: Params) -> "Sizes":
        """The sizes that params.yaml gives; raises `Refused` where they allow no interval."""
        simulated = params.tasks[CELL.task].simulate
        if params.seeds < 2 or simulated is None:
            raise Refused(f"seeds: given {params.seeds}, allowed: at least 2, for intervals")
        return cls(params.seeds, simulated.starts, max(1, sum(len(cell.references) for cell in params.all_cells())))


def by_components(values: ndarray, generator: np.random.Generator) -> tuple[float, float]:
    """The interval of the pipeline, `hnn.core.statistics.estimate`."""
    estimated = estimate(values)
    assert estimated is not None  # there are at least two seeds
    return estimated.interval()


def bootstrap(values: ndarray, generator: np.random.Generator) -> tuple[float, float]:
    """The percentile interval of a bootstrap that resamples seeds and starts, which was used before."""
    seeds, starts = values.shape
    i = generator.integers(seeds, size=(RESAMPLES, seeds, 1))
    j = generator.integers(starts, size=(RESAMPLES, 1, starts))
    low, high = np.quantile(values[i, j].mean((1, 2)), [LEVEL / 2, 1 - LEVEL / 2]).tolist()
    return low, high


METHODS: Mapping[str, tuple[Bounds, int]] = {"variance components": (by_components, TRIALS), "bootstrap": (bootstrap, 300)}
"""Methods, and the number of trials of each."""


def simulate(starts: int, trials: float = 1.0) -> list[Simulated]:
    """Coverage of the true mean, zero, by shape, method and number of seeds; `trials` is the share of the usual number.

    Log-normal values are the exponentials of Gaussian ones: the coverage of their geometric mean is that of the Gaussian mean.
    """
    found = []
    for shape, draw in SHAPES.items():
        for method, (bounds, count) in METHODS.items():
            for seeds in SEEDS:
                generator = stream("coverage", shape, method, seeds)
                rates = []
                for strength in STRENGTHS:
                    intervals = (
                        bounds(crossed(draw, generator, (seeds, starts), strength), generator)
                        for _ in range(int(trials * count))
                    )
                    rates.append(float(np.mean([low <= 0 <= high for low, high in intervals])))
                found.append(Simulated(shape, method, seeds, min(rates), max(rates)))
    return found


def crossed(draw: Draw, generator: np.random.Generator, shape: tuple[int, int], strength: Sequence[float]) -> ndarray:
    """Values (seeds, starts) of mean zero, with effects of seeds, of starts and of both of these standard deviations."""
    by_seed, by_start, rest = strength
    seeds, starts = shape
    effects = by_seed * draw(generator, (seeds, 1)) + by_start * draw(generator, (1, starts))
    return effects + rest * draw(generator, shape)


def in_study(quantities: Mapping[str, ndarray], sizes: Sizes, groups: int = GROUPS) -> list[Rates]:
    """The rates of each quantity (seeds, starts) of the study, over `groups` random groups.

    Each group has the seeds and starts of a default run, on the scale on which the quantity is averaged; its interval should
    contain the mean of all seeds and starts. Two groups of different seeds from the same starts are compared as two models
    would be, corrected for as many comparisons as in a default report.
    """
    found = []
    for name, values in quantities.items():
        if not np.isfinite(values).all() or values.std() == 0:
            continue
        generator = stream("coverage", "study", name)
        scaled = logarithms(values)[0] if is_geometric(name) else values
        magnitudes = logarithms(np.abs(values))[0] if compares_ratios(name) else values
        covered, p = [], []
        for _ in range(groups):
            seeds, starts = draw_groups(values.shape, sizes, generator)
            first, compared = (
                estimate(scaled[seeds[0]][:, starts]),
                contrast(*(magnitudes[group][:, starts] for group in seeds)),
            )
            assert first is not None  # a group has several seeds
            assert compared is not None
            low, high = first.interval()
            covered.append(low <= scaled.mean() <= high)
            p.append(compared.p)
        uncorrected, corrected = false_verdicts(np.array(p), sizes.family)
        found.append(Rates(name, float(np.mean(covered)), uncorrected, corrected))
    return found


def draw_groups(shape: tuple[int, ...], sizes: Sizes, generator: np.random.Generator) -> tuple[ndarray, ndarray]:
    """Random indices for two groups of values of a shape (seeds, starts): their seeds (2, size), their common starts (size,).

    The groups share no seed.
    """
    seeds = generator.permutation(shape[0])[: 2 * sizes.seeds].reshape(2, -1)
    return seeds, generator.permutation(shape[1])[: sizes.starts]


def false_verdicts(p: ndarray, family: int) -> tuple[float, float]:
    """Shares of significant ones among p-values of equal models: each at `LEVEL`, and in families of a size by Holm."""
    families = p[: len(p) // family * family].reshape(-1, family).tolist()
    corrected = [a <= level for one in families for a, level in zip(one, holm(one), strict=True)]
    return float((p <= LEVEL).mean()), float(np.mean(corrected))


def false_alarms(quantities: Mapping[str, ndarray], sizes: Sizes, pairs: int = 500) -> float:
    """Share of pairs of runs, of different seeds from the same starts, that `make check` would call different."""
    kept = {name: v for name, v in quantities.items() if np.isfinite(v).all() and v.std() > 0}
    generator, alarms = stream("coverage", "check"), 0
    for _ in range(pairs):
        seeds, _ = draw_groups(next(iter(kept.values())).shape, sizes, generator)
        p = []
        for name, values in kept.items():
            scaled = logarithms(values)[0] if is_geometric(name) else values
            a, b = scaled[seeds].mean(-1)
            p.append(welch(a, b))
        alarms += any(a <= level for a, level in zip(p, holm(p, FALSE_ALARM), strict=True))
    return alarms / pairs


def quantities_of(revision: str) -> dict[str, ndarray]:
    """The quantities (seeds, starts) of the study's cell from its held-out starts."""
    return dict(summaries.cached_rollouts(revision, CELL, ADVICE).sets["held_out"].quantities)


def main() -> None:
    """Write docs/coverage.md and its figure from the newest experiment called `coverage`."""
    try:
        if not (revision := summaries.experiment("coverage")):
            raise Refused(f"there is no experiment called coverage: {ADVICE}")
        quantities, sizes = quantities_of(revision), Sizes.of(load_params())
    except Refused as error:
        sys.exit(str(error))
    simulated, rates, alarms = simulate(sizes.starts), in_study(quantities, sizes), false_alarms(quantities, sizes)
    figure: Figure = coverage_figure(simulated, rates, 1 - LEVEL)
    formats.write_picture(FIGURE, figure)
    seeds, starts = quantities["energy_error"].shape
    uncertainty = (sizes.seeds / seeds * LEVEL * (1 - LEVEL)) ** 0.5  # at most, of a mean over groups (Hoeffding 1948)
    values = {
        "uncertainty": uncertainty,
        "simulated": simulated,
        "rates": rates,
        "alarms": alarms,
        "seeds": seeds,
        "starts": starts,
        "cell": CELL,
    }
    values["low"] = [rate.quantity for rate in rates if rate.covered < ENOUGH]
    text = template("coverage.md").render(values, sizes=sizes, strengths=STRENGTHS)
    formats.write_text(PAGE, text)
    for rate in rates:
        print(f"{rate.quantity:20} covered {rate.covered:.1%}, false verdicts {rate.uncorrected:.1%}, {rate.corrected:.1%}")
    print(f"false alarms of the check: {alarms:.1%}\n{PAGE}")


if __name__ == "__main__":
    main()
