"""The report in Markdown and as a page: one set of sentences and tables, two templates."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from hnn.params.schema import Task
from hnn.reporting import sentences, tables
from hnn.reporting.definitions import QUANTITIES
from hnn.reporting.provenance import Origin
from hnn.reporting.results import SETS, Results
from hnn.reporting.templating import template

__all__ = ["BEGIN", "END", "Report", "extract"]

BEGIN, END = "<!-- results: begin -->", "<!-- results: end -->"
"""Marks around the part of the report that README quotes."""


HEADS = {
    "hnn": "HNN",
    "floor": "floor",
    "energy": "HNN's energy error is",
    "coordinates": "its coordinate error is",
}
"""Heads of the columns of the first table."""

NOTES = {
    "glance": (
        "Numbers are energy errors over the published horizon: mean of |E(x̂) - E(x)| over the standard deviation of the "
        "energy in the training data; geometric means. Floor: the error of the exact field by the same "
        "integrator; from pixels, the error of reading the true frames by each model's own encoder and probe, HNN / baseline."
    ),
    "further_models": (
        "Models beside baseline and HNN, compared with both on the same training data and starts. friction_error: the "
        "relative error of the rate at which friction contracts volumes of phase space, by which models that divide a field "
        "into energy and loss in different ways can be compared; -1: none is learned."
    ),
    "integrators": (
        "A field that was fitted to derivatives must be rolled out by an integrator whose own error is below a hundredth of "
        "the model's, measured by a second rollout with half the step or a hundredth of the tolerance, from the first ten "
        "of the starts, over the long horizon from two; then the numbers are the model's. Its error: the coordinate error "
        "of the one rollout against the other; not measured where every rollout diverged. Rollouts that break this contract "
        "are marked *mismatch* in every table: those that rollout.allow_mismatch permits, and the published rollouts from "
        "pixels. The truth's coordinate error is the integrator's on every set."
    ),
    "laws": (
        "The combination of at most four terms of a library (powers, cosines and products of coordinates; of several bodies "
        "powers of momenta and functions of distances) whose field J∇H is nearest to that of the learned H at the training "
        "states; a learned loss is left out. A further term must explain another 0.2 % of the mean square of that field; with "
        "less than 99 % explained there is no formula. Coefficients: mean over the seeds ± half of the 95 % interval. Errors: "
        "of the formula of a conservative model, rolled out from the held-out starts."
    ),
    "valid_times": (
        "Valid times differ widely between starts; this is their distribution over seeds and starts, in periods: the median "
        "and, in brackets, the quartiles."
    ),
    "readings": (
        "Rollouts by the map of training, read twice: from latent states by a polynomial probe, fitted on the training clips "
        "with each model's own encoder, its degree chosen by cross-validation; and from decoded pictures, each compared "
        "with drawn ones, which knows no latent states. Floor: the same reading of the true frames, HNN / baseline; of "
        "pictures, after encoding and decoding. There is no verdict where both errors are less than 3 times their floor, and "
        "none where R² of the probe is below 0.9."
    ),
    "pixel_rollouts": (
        "Two neighbouring frames are encoded into a latent state, which a step map takes from frame to frame; the true "
        "state is read from it by the probe, for the numbers beside the published ones by a linear one. Trained with: "
        "the step map of training. Rolled out by: that map, or, as published, the learned differential equation, which is a "
        "mismatch for a field trained through an Euler map. The rows without a rollout are floors: the probe's errors on "
        "the true frames. From held-out starts, over the published horizon; pixel_mse_100 is the mean square error of the "
        "100th decoded frame, of brightness in [0, 1]."
    ),
    "encoders": (
        "On held-out clips: probe_r2 of the worst coordinate, linear_r2 the same of a linear probe; canonical_error, the "
        "standard deviation of the Poisson bracket of the latent pair over its mean; symetric, the share of seeds whose "
        "probe_r2 is above 0.9 and whose canonical_error is below 0.05 (after Higgins et al. 2021); reconstruction_error, the "
        "mean square over pixels. Then, over "
        "the long horizon by the trained map, the periods for which the state is right within 10 %, and the error of single "
        "frames."
    ),
}
"""Notes on the tables, the same in both forms."""


@dataclass(frozen=True)
class Report:
    """The report of a run: the values of its templates, and the two forms that are made of them."""

    values: Mapping[str, Any]

    @classmethod
    def of(
        cls,
        results: Results,
        decay: Mapping[str, float],
        figures: Mapping[str, Mapping[str, str]],
        tasks: Mapping[str, Task],
        seeds: int,
    ) -> "Report":
        """The report of these results.

        `decay[task]` is the mean relative change of the true energy over the horizon, by task;
        `figures[title]` are captions by file name, first those of all tasks together. The parameters of `tasks` and the number
        of `seeds` give the numbers behind the intervals.
        """
        about = {task: tasks[task] for task in results.tasks}
        starts = {task: given.starts for task, one in about.items() if (given := one.simulate or one.ingest)}
        shared = any(one.simulate.data == "shared" for one in about.values() if one.simulate)
        protocol = {title: tables.protocol(results, name) for name, title in SETS.items()}
        values = {
            "headline": [
                sentences.headline(results),
                sentences.headline(results, "coordinate_error"),
                sentences.further_headline(results),
            ],
            "method": sentences.statistical_method(seeds, starts, shared=shared),
            "glance": tables.headline(results),
            "further_models": tables.further_models(results),
            "outcomes": {pair.task: sentences.outcome(pair) for pair in results.pairs()} | sentences.further_outcomes(results),
            "findings": sentences.findings(results, decay),
            "published": tables.beside_published(results, {task: one.rollout.published_energy for task, one in about.items()}),
            "protocol": {title: rows for title, rows in protocol.items() if rows},
            "valid_times": tables.valid_times(results),
            "integrators": tables.integrators(results),
            "laws": tables.laws(results),
            "pixel_tasks": list(dict.fromkeys(cell.task for cell in results.cells if cell.from_pixels)),
            "readings": tables.readings(results),
            "pixel_rollouts": tables.pixel_rollouts(results),
            "encoders": tables.encoders(results),
            "figures": figures,
            "seeds": seeds,
            "overview": next(iter(figures)),
            "quantities": QUANTITIES,
            "heads": HEADS,
            "notes": NOTES,
        }
        return cls(values)

    def markdown(self, shown: Callable[[str], bool]) -> str:
        """metrics/report.md, with the figures whose file names are `shown`."""
        figures = {
            title: {n: text for n, text in names.items() if shown(n)} for title, names in self.values["figures"].items()
        }
        values = {**self.values, "figures": {title: names for title, names in figures.items() if names}}
        return str(template("report.md").render(values, columns=tables.columns, begin=BEGIN, end=END))

    def page(self, pictures: Mapping[str, str], origin: Origin) -> str:
        """metrics/report.html, a single file: `pictures` are data URIs by file name."""
        page = template("report.html", autoescape=True)
        return str(page.render(self.values, columns=tables.columns, pictures=pictures, origin=origin))


def extract(text: str) -> str:
    """The part of a text between the marks of the results, marks included."""
    return text[text.index(BEGIN) : text.index(END) + len(END)]
