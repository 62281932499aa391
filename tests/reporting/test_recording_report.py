"""The report on a recording: its sentences say which model is best, whether friction is needed, and what to do next."""

from dataclasses import replace

import numpy as np
import pytest

from hnn.core.cell import Cell
from hnn.core.recording import About
from hnn.core.statistics import interval
from hnn.reporting.recording import RecordedCell, RecordingReport, verdicts

ABOUT = About(
    files=["a.csv"],
    train=3,
    held_out=["b"],
    rows=900,
    rows_per_period=40.0,
    period=0.8,
    noise=0.001,
    estimated=False,
    mass_known=False,
)


def errors(level, seed=0):
    """Errors (seeds, windows) about a level."""
    return level * np.exp(0.1 * np.random.default_rng(seed).normal(size=(5, 8)))


def report(levels, about=ABOUT, test_loss=1.1):
    """The report on cells with these levels of their errors, by model."""
    arrays = {Cell("rig", model): errors(level, i) for i, (model, level) in enumerate(levels.items())}
    judged = verdicts(arrays)
    cells = []
    for cell, values in arrays.items():
        error = interval(values, geometric=True)
        quantities = {
            f"{runs}.{name}": error for runs in ("windows", "trials") for name in ("prediction_error", "position_error")
        }
        quantities |= {"trials.valid_time": interval(4 + 0 * values + errors(0.01)), "model.friction": interval(errors(0.05))}
        if cell.model != "baseline":
            quantities |= {"trials.energy_loss": interval(errors(0.04))}
        losses = {"train_loss": interval(errors(1.0)[:, :1]), "test_loss": interval(errors(test_loss)[:, :1])}
        cells.append(RecordedCell(cell, quantities, losses, None, judged[cell]))
    return RecordingReport("rig", about, cells, 5)


def test_friction_is_needed_where_dissipative_hnn_is_better():
    found = report({"baseline": 0.05, "hnn": 0.3, "dissipative_hnn": 0.02})
    assert found.headline().startswith("Of baseline, hnn and dissipative_hnn, dissipative_hnn predicts the held-out runs best")
    assert found.friction().startswith("Friction is needed: the error of dissipative_hnn is 15 times smaller")
    assert found.advice().startswith("Use dissipative_hnn.")


def test_hnn_is_enough_where_a_loss_does_not_help():
    found = report({"baseline": 0.05, "hnn": 0.02, "dissipative_hnn": 0.02})
    assert found.friction().startswith("Whether friction is needed is not decided (not distinguishable")
    found = report({"hnn": 0.02, "dissipative_hnn": 0.05})
    assert found.friction().startswith("No friction is needed")
    assert found.advice().startswith("Use hnn.")
    found = report({"baseline": 0.02, "hnn": 0.0202})
    assert found.headline().startswith("Of baseline and hnn, baseline predicts the held-out runs best")
    assert found.advice().startswith("Use hnn: the seeds cannot tell its error from the baseline's, and it has an energy.")


@pytest.mark.parametrize(
    ("about", "test_loss", "expected"),
    [
        (replace(ABOUT, rows_per_period=6.0), 1.1, "sample faster"),
        (replace(ABOUT, noise=0.02), 1.1, "near the noise of the recording"),
        (ABOUT, 5.0, "add trials"),
        (ABOUT, 1.1, "larger networks"),
    ],
)
def test_advice_names_what_limits_the_model(about, test_loss, expected):
    assert expected in report({"baseline": 0.05, "hnn": 0.3, "dissipative_hnn": 0.02}, about, test_loss).advice()


def test_without_a_model_with_a_loss_nothing_is_said_of_friction():
    assert report({"baseline": 0.05, "hnn": 0.3}).friction() == ""


def test_a_recording_that_no_model_predicts_is_said_so():
    found = report({"baseline": np.nan, "hnn": np.nan, "dissipative_hnn": np.nan})
    assert "every rollout diverged" in found.headline()
    assert found.advice().startswith("Check the columns")
    assert "–" in found.markdown({})


def test_both_forms_have_all_sentences_rows_and_pictures_and_escape_names():
    about = replace(ABOUT, held_out=["<b>"], files=["<script>.csv"])
    found = report({"baseline": 0.05, "hnn": 0.3, "dissipative_hnn": 0.02}, about)
    text, page = found.markdown({"the trial": "rig/b.png"}), found.page({"the trial": "data:image/png;base64,AA"})
    assert "![the trial](rig/b.png)" in text
    assert '<img src="data:image/png;base64,AA" alt="the trial">' in page
    assert "<script>" not in page
    for model in ("baseline", "hnn", "dissipative_hnn", "noise of the recording"):
        assert f"| {model} |" in text
        assert f">{model}<" in page
    assert "velocities stand for momenta" in text
    assert "velocities stand for momenta" in page
