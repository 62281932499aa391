"""The report in Markdown and as a page: one set of sentences and rows, two templates."""

from collections.abc import Mapping
from typing import Any

from hnn.params.schema import Task
from hnn.reporting import report_pixels, sentences, tables
from hnn.reporting.definitions import QUANTITIES
from hnn.reporting.results import SETS, Cells, Comparisons
from hnn.reporting.templating import template

__all__ = ["content", "extract", "markdown", "page"]

BEGIN, END = "<!-- results: begin -->", "<!-- results: end -->"


def content(
    cells: Cells,
    comparisons: Comparisons,
    decay: Mapping[str, float],
    figures: Mapping[str, Mapping[str, str]],
    tasks: Mapping[str, Task],
    seeds: int,
) -> dict[str, Any]:
    """All that the report says: `decay` names the tasks whose states are observed; `figures[title]` are captions by file name.

    The first of the figures are of all tasks at once. Of the parameters of `tasks` it says how many starts were held out,
    which with the number of seeds stand behind every interval, and which energy function is compared with the published one.
    """
    about = {task: tasks[task] for task, _ in cells}
    starts = {task: given.starts for task, one in about.items() if (given := one.simulate or one.ingest)}
    energies = {task: one.rollout.published_energy for task, one in about.items()}
    states = {key: cell for key, cell in cells.items() if key[0] in decay}
    seen = {key: cell for key, cell in cells.items() if key[0] not in decay}
    ours = {title: tables.protocol(cells, comparisons, name) for name, title in SETS.items()}
    return {
        "headline": [sentences.headline(cells, comparisons), sentences.headline(cells, comparisons, "coordinate_error")],
        "sureness": sentences.sureness(seeds, starts),
        "glance": tables.headline(cells, comparisons),
        "findings": {**sentences.findings(states, comparisons, decay), **report_pixels.findings(seen, comparisons)},
        "published": tables.beside_published(cells, energies),
        "ours": {title: rows for title, rows in ours.items() if rows},
        "valid_times": tables.valid_times(cells),
        "contract": tables.contract(cells),
        "pixels": report_pixels.describe(seen),
        "figures": figures,
        "seeds": seeds,
        "overview": next(iter(figures)),
        "quantities": QUANTITIES,
        **WORDS,
    }


HEADS = {
    "hnn": "HNN",
    "floor": "floor",
    "energy": "HNN's energy is",
    "difference": "HNN - baseline",
    "coordinates": "its coordinates are",
}

WORDS = {
    "heads": HEADS,
    "glance_says": (
        "Numbers are energy errors over the published horizon: mean of |E(x̂) - E(x)| over the spread of energies in the data, "
        "with 95 % intervals. Floor: what the exact field scores by the same integrator; from pixels, what each model's own "
        "encoder and probe read from the true frames, HNN / baseline."
    ),
    "contract_says": (
        "A field that was fitted to derivatives is to be rolled out by an integrator whose own error is below a hundredth of "
        "the model's, as a second rollout with half the step or a far smaller tolerance shows, from the first ten of the "
        "starts, over the long horizon from two; then the numbers are the model's own. Its error: the coordinate error of the "
        "one rollout against the other. Where rollout.allow_mismatch has allowed more, and where the published rollout from "
        "pixels is more, every table says mismatch. The truth's coordinate error is the integrator's on every set."
    ),
    "valid_says": (
        "Valid times differ widely between starts; how they are spread over seeds and starts, in periods: the median and, "
        "in brackets, the quartiles."
    ),
}
"""What stands at the tables, the same in both forms."""


def markdown(said: Mapping[str, Any]) -> str:
    """metrics/report.md, of what `content` says."""
    return str(template("report.md").render(said, columns=tables.columns, begin=BEGIN, end=END))


def page(said: Mapping[str, Any], pictures: Mapping[str, str], origin: Mapping[str, Any]) -> str:
    """metrics/report.html, one file that needs no other: `pictures` are data URIs by file name.

    `origin` says where it comes from: the parameters, the versions, the code and the data (see `hnn.provenance`).
    """
    return str(template("report.html", autoescape=True).render(said, columns=tables.columns, pictures=pictures, origin=origin))


def extract(text: str) -> str:
    """The part of a text between the marks of the results, marks included."""
    return text[text.index(BEGIN) : text.index(END) + len(END)]
