"""`python -m bench.scaling`: cost against the size of a job; writes scaling.json, scaling.md and a figure for each."""

import argparse
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import Any

from bench.child import in_a_process
from bench.store import earlier, rounded, write_json
from hnn.core.errors import Refused

FOLDER = Path(__file__).parent
RESULTS, PAGE, FIGURES = FOLDER / "scaling.json", FOLDER / "scaling.md", FOLDER / "figures"


@dataclass(frozen=True)
class Study:
    """One figure: cost against a size."""

    title: str
    axis: str
    sizes: tuple[int, ...]
    text: str
    beside: str | None = None
    """Another study whose curve is drawn into the same figure, and which has no figure of its own."""
    label: str | None = None


def decades(first: int, last: int) -> tuple[int, ...]:
    """1, 3, 10, 30 and so on between powers of ten."""
    return (*(n for k in range(first, last) for n in (10**k, 3 * 10**k)), 10**last)


STUDIES = {
    "starts": Study(
        "Rollouts against starts",
        "starts",
        decades(2, 5),
        "An HNN of 2 × 200 units, in float64, rolled out for 1 s by DOP853 from all starts at once, 11 times saved.",
    ),
    "horizon": Study(
        "Rollouts against the horizon",
        "steps of RK4",
        decades(2, 5),
        "The same HNN from 10 starts, by steps of RK4. A hundred times are saved however many steps are taken: memory is "
        "bounded by what is saved. Beside it every step is saved.",
        beside="kept",
        label="100 times saved",
    ),
    "kept": Study("", "steps of RK4", decades(2, 4), "", label="every step saved"),
    "bodies": Study(
        "Simulation against bodies",
        "bodies",
        (2, 4, 8, 16, 32, 64),
        "A hundred systems of light bodies around a heavy one, every pair attracting, for 10 s; the forces by automatic "
        "differentiation of the energy.",
    ),
    "width": Study(
        "A training step against the network's width",
        "units in each hidden layer",
        (32, 64, 128, 256, 512, 1024),
        "One step of an HNN with two hidden layers on 750 points, one seed.",
    ),
    "points": Study(
        "A training step against points",
        "points",
        decades(2, 5),
        "One step of an HNN of 2 × 200 units on all points, one seed.",
    ),
    "seeds": Study(
        "A training step against seeds",
        "seeds",
        (1, 2, 4, 8, 16, 32, 64),
        "One step of all seeds, an HNN of 2 × 200 units and a batch of 200 points each, run as the stage train runs them.",
    ),
}


def run(name: str) -> list[dict[str, Any]]:
    """Measure a study: a process for each size, since the peak memory of a process never decreases."""
    rows = []
    for size in STUDIES[name].sizes:
        rows.append({"size": size, **in_a_process("bench.cases:measure", (name, size))})
        print(f"{name} {size}: {rows[-1]['seconds']:.3g} s", flush=True)
    return rows


def write(results: Mapping[str, Any]) -> None:
    """Write numbers, figures and page of the studies measured so far."""
    from bench import growth  # draws; not needed while measuring

    write_json(RESULTS, results)
    growth.write(rounded(results), STUDIES, PAGE, FIGURES)


def main() -> None:
    """Measure the studies that the command line names, keeping the others."""
    parser = argparse.ArgumentParser(prog="python -m bench.scaling", description="Measure how cost grows with size.")
    parser.add_argument("--only", nargs="+", choices=list(STUDIES), metavar="study", help=", ".join(STUDIES))
    names, start = parser.parse_args().only or list(STUDIES), perf_counter()
    machine = in_a_process("bench.machine:describe")
    found = earlier(RESULTS, machine, "studies")
    for name in names:
        found[name] = run(name)
        write({"machine": machine, "studies": {name: found[name] for name in STUDIES if name in found}})
    print(f"bench/{PAGE.name} is written, after {perf_counter() - start:.0f} s")


if __name__ == "__main__":
    try:
        main()
    except Refused as error:
        sys.exit(str(error))
