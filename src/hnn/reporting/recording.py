"""The report on a recording of an unknown system: how well models predict it, its friction, and what to do next."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy import ndarray

from hnn.core.cell import Cell
from hnn.core.law import Law
from hnn.core.recording import About
from hnn.core.statistics import Interval, contrast, holm
from hnn.reporting.comparisons import difference
from hnn.reporting.formatting import NOTHING, format_difference, format_interval, format_mean, formula, listed, number, times
from hnn.reporting.results import Difference
from hnn.reporting.templating import template

__all__ = ["RecordedCell", "RecordingReport", "verdicts"]

FEW_ROWS = 15
"""Rows per period below which a motion is sampled too seldom."""
NEAR_NOISE = 2.0
"""A prediction error of less than this many times the noise cannot be lowered much."""
GAP = 2.0
"""Ratio of the losses on test and on training data above which more trials would help."""

COLUMNS = {
    "windows.prediction_error": "error over 5 periods",
    "trials.prediction_error": "error, complete trials",
    "trials.position_error": "of positions",
    "trials.valid_time": "valid for, periods",
    "model.friction": "friction, 1/s",
    "trials.energy_loss": "energy lost per period",
}
"""Heads of the columns of the table, by set of runs and quantity."""


@dataclass(frozen=True)
class RecordedCell:
    """The metrics of one cell of a recording."""

    cell: Cell
    quantities: Mapping[str, Interval]
    """By set of runs and quantity, joined by a dot."""
    losses: Mapping[str, Interval]
    """Losses at the end of training."""
    law: Law | None = None
    verdicts: Mapping[str, Difference] = field(default_factory=dict)
    """The error over windows beside that of other models, by their names."""

    @classmethod
    def parse(cls, cell: Cell, metrics: Mapping[str, Any], verdicts: Mapping[str, Difference]) -> "RecordedCell":
        """The metrics in the file that rollout_recording writes."""
        sets = {name: {key: Interval.parse(one) for key, one in of.items()} for name, of in metrics.items() if name != "law"}
        losses = sets.pop("losses")
        quantities = {f"{runs}.{name}": one for runs, of_set in sets.items() for name, one in of_set.items()}
        law = Law.parse(metrics["law"]) if "law" in metrics else None
        return cls(cell, quantities, losses, law, verdicts)

    @property
    def error(self) -> float:
        """The mean error over windows; infinite where every rollout diverged."""
        mean = self.quantities["windows.prediction_error"].mean
        return float("inf") if mean is None else mean

    def row(self) -> dict[str, str]:
        """A row of the table."""
        return {"model": self.cell.model} | {head: format_interval(self.quantities.get(key)) for key, head in COLUMNS.items()}

    def headline(self) -> dict[str, float]:
        """The numbers that DVC shows: errors in per cent, valid time in periods."""
        means = {
            "prediction_error_pct": (self.quantities["windows.prediction_error"].mean, 100.0),
            "trial_error_pct": (self.quantities["trials.prediction_error"].mean, 100.0),
            "valid_time": (self.quantities["trials.valid_time"].mean, 1.0),
        }
        return {name: factor * mean for name, (mean, factor) in means.items() if mean is not None}


def verdicts(errors: Mapping[Cell, ndarray]) -> dict[Cell, dict[str, Difference]]:
    """The errors (seeds, windows) of each cell beside those of its references, corrected for the number of comparisons."""
    pairs = [(cell, other) for cell in errors for other in cell.references if other in errors]
    estimates = [contrast(errors[cell], errors[other], geometric=True) for cell, other in pairs]
    levels = iter(holm([one.p for one in estimates if one]))
    found: dict[Cell, dict[str, Difference]] = {cell: {} for cell in errors}
    for (cell, other), one in zip(pairs, estimates, strict=True):
        seeds = len(errors[cell])
        found[cell][other.model] = difference("prediction_error", one, next(levels) if one else 0.0, seeds)
    return found


@dataclass(frozen=True)
class RecordingReport:
    """The report on one recording."""

    task: str
    about: About
    cells: Sequence[RecordedCell]
    seeds: int

    @property
    def best(self) -> RecordedCell:
        """The cell with the smallest error over windows."""
        return min(self.cells, key=lambda one: one.error)

    def of_model(self, model: str) -> RecordedCell | None:
        """The cell of a model, if it was trained."""
        return next((one for one in self.cells if one.cell.model == model), None)

    def headline(self) -> str:
        """The result in a sentence."""
        best = self.best
        if not np.isfinite(best.error):
            return f"No model predicts {self.task}: every rollout diverged."
        error, valid = (format_interval(best.quantities[key]) for key in ("windows.prediction_error", "trials.valid_time"))
        return (
            f"Of {listed([one.cell.model for one in self.cells])}, {best.cell.model} predicts the held-out runs best: its "
            f"error over 5 periods is {error} of the motion's standard deviation (noise: {number(self.about.noise)}), and "
            f"complete trials are right within 10 % for {valid} periods."
        )

    @property
    def advised(self) -> RecordedCell:
        """The cell with the smallest error among models other than the baseline that are not worse than it, or the best."""
        learned = [one for one in self.cells if one.cell.model != "baseline" and np.isfinite(one.error)]
        fine = [one for one in learned if "baseline" not in one.verdicts or one.verdicts["baseline"].verdict != "worse"]
        return min(fine, key=lambda one: one.error, default=self.best)

    def friction(self) -> str:
        """A sentence on the need for friction, by the errors of hnn and dissipative_hnn; empty unless both are trained."""
        ideal, with_loss = self.of_model("hnn"), self.of_model("dissipative_hnn")
        if ideal is None or with_loss is None or (judged := with_loss.verdicts.get("hnn")) is None:
            return ""
        rate = format_interval(with_loss.quantities.get("model.friction"))
        lost = format_interval(ideal.quantities.get("trials.energy_loss"))
        said = f"dissipative_hnn finds a friction of {rate} per second; the H of hnn falls by {lost} of itself per period"
        if judged.verdict == "better":
            return f"Friction is needed: the error of dissipative_hnn is {times(judged.interval)} than hnn's; {said}."
        if judged.verdict == "worse":
            return f"No friction is needed: the error of dissipative_hnn is {times(judged.interval)} than hnn's; {said}."
        return f"Whether friction is needed is not decided ({judged.verdict}); {said}."

    def advice(self) -> str:
        """Advice in a few sentences: the model to use, and how to measure or train better."""
        best, about = self.advised, self.about
        train, test = (best.losses[name].mean or 0.0 for name in ("train_loss", "test_loss"))
        if not np.isfinite(best.error):
            return "Check the columns and the period that the task's section `source` names, and look at the figure."
        model = f"Use {best.cell.model}."
        if best is not self.best:
            model = f"Use {best.cell.model}: the seeds cannot tell its error from the baseline's, and it has an energy."
        if about.rows_per_period < FEW_ROWS:
            more = (
                f"There are {number(about.rows_per_period)} rows in a period: sample faster, or lower `source.every`, to at "
                f"least {FEW_ROWS}."
            )
        elif best.error < NEAR_NOISE * about.noise:
            more = "Its error is near the noise of the recording: only less noise would show a better model."
        elif test > GAP * train:
            more = (
                f"The loss on held-out data is {number(test / train)} times that on training data: add trials, from other "
                "starts and of other amplitudes."
            )
        else:
            more = (
                "Its error is above the noise, and as small on held-out data as on its own: larger networks "
                "(`recording.hidden`) or longer segments (`recording.segments`) may lower it."
            )
        return f"{model} {more}"

    def comparisons(self) -> list[dict[str, str]]:
        """A row for each comparison of the errors over windows."""
        return [
            {"model": one.cell.model, "beside": other, "error": format_difference(judged.interval, judged.verdict)}
            for one in self.cells
            for other, judged in one.verdicts.items()
        ]

    def laws(self) -> list[dict[str, str]]:
        """A row for the formula of each learned energy."""
        return [{"model": one.cell.model, "formula": formula(one.law)} for one in self.cells if one.law]

    def rows(self) -> list[dict[str, str]]:
        """The table: a row for each model, and the noise of the recording."""
        head = COLUMNS["windows.prediction_error"]
        noise = (
            {"model": "noise of the recording"} | dict.fromkeys(COLUMNS.values(), NOTHING) | {head: number(self.about.noise)}
        )
        return [*(one.row() for one in self.cells), noise]

    def values(self) -> dict[str, Any]:
        """The values of the templates."""
        return {
            "task": self.task,
            "about": self.about,
            "seeds": self.seeds,
            "sentences": [one for one in (self.headline(), self.friction(), self.advice()) if one],
            "rows": self.rows(),
            "comparisons": self.comparisons(),
            "laws": self.laws(),
            "losses": [
                {"model": one.cell.model} | {name: format_mean(loss) for name, loss in one.losses.items()}
                for one in self.cells
            ],
        }

    def markdown(self, pictures: Mapping[str, str]) -> str:
        """The report as Markdown; `pictures` are paths by caption, relative to it."""
        return str(template("recording.md").render(self.values(), pictures=pictures))

    def page(self, pictures: Mapping[str, str]) -> str:
        """The report as one HTML file; `pictures` are data URIs by caption."""
        return str(template("recording.html", autoescape=True).render(self.values(), pictures=pictures))
