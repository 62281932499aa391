"""Errors against time: medians and quartiles, diverged rollouts, floors."""

from dataclasses import replace
from io import BytesIO

import numpy as np
import pytest

from hnn.core.cell import TRUTH, Cell
from hnn.core.trajectories import CellRollouts, Rollout
from hnn.figures import error_curves
from hnn.figures.style import FLOOR

T = np.linspace(0, 2, 21)
BASELINE, HNN, EXACT = (Cell("task", model) for model in ("baseline", "hnn", TRUTH))


def rollout(size, seeds=2, starts=5, energy_std=0.5, t=T):
    """Rollouts whose energy error is `size` at every time but the first, in standard deviations of the energy."""
    error = np.full((seeds, starts, len(t)), size)
    error[..., 0] = 0
    true_energy, x = np.ones((starts, len(t))), np.zeros((seeds, starts, len(t), 2))
    return Rollout(t, x, 1 + energy_std * error, true_energy, error / 2, energy_std)


def cell(**sets):
    """The rollouts of a cell by set of starts."""
    return CellRollouts(sets)


def diverging(size, t):
    """Rollouts whose energy is NaN from t = 1 on."""
    found = rollout(size, t=t)
    return replace(found, energy=np.where(t < 1, found.energy, np.nan))


def draw(figure):
    file = BytesIO()
    figure.savefig(file, format="png")
    assert file.tell() > 0


def test_errors_are_in_standard_deviations_and_over_the_longest_horizon():
    found = error_curves.errors({HNN: cell(held_out=rollout(1.0), long=rollout(0.25, t=10 * T))}, "energy")
    t, values = found[HNN]
    assert t[-1] == 20
    assert values[..., 1:] == pytest.approx(0.25)
    assert error_curves.errors({HNN: cell(held_out=rollout(1.0))}, "distance")[HNN][1][..., 1:] == pytest.approx(0.5)


def test_errors_from_pixels_have_the_floor_of_all_encoders():
    models = {
        Cell("pixels", model, "rk4"): cell(held_out=rollout(1.0), floor=rollout(size))
        for model, size in (("hnn", 0.1), ("baseline", 0.3))
    }
    _, values = error_curves.errors(models, "energy")[Cell("pixels", FLOOR)]
    assert values.shape == (4, 5, len(T))
    assert sorted(set(values[..., -1].round(3).ravel())) == [0.1, 0.3]


def test_quartile_bands_count_nan_as_infinite():
    error = np.array([0.1, 0.2, 0.3, np.nan, 0.5]).reshape(1, 5, 1)
    assert error_curves.quartile_bands(error)[:, 0] == pytest.approx([0.2, 0.3, 0.5])
    assert np.isinf(error_curves.quartile_bands(np.full((1, 3, 2), np.nan))).all()


def test_overview_panels_have_a_log_axis_medians_and_a_legend():
    models = {one: cell(held_out=rollout(size)) for one, size in ((BASELINE, 0.5), (HNN, 0.1), (EXACT, 0.05))}
    figures = error_curves.overview({"one": models, "two": models})
    assert list(figures) == ["energy-error", "coordinate-error"]
    for figure in figures.values():
        draw(figure)
        assert all(axis.get_yscale() == "log" and axis.get_xlabel() == "time in s" for axis in figure.axes)
        assert figure.axes[0].get_ylabel()
        assert [text.get_text() for text in figure.legends[0].get_texts()] == ["baseline", "hnn", "truth"]
    lines = figures["energy-error"].axes[0].lines
    assert [line.get_ydata()[0] for line in lines] == pytest.approx([0.5, 0.1, 0.05])
    assert len({line.get_linestyle() for line in lines}) == 3


def test_band_figure_states_a_floor_far_below_as_text():
    models = {HNN: cell(held_out=rollout(0.1)), EXACT: cell(held_out=rollout(1e-9))}
    figure = error_curves.band_figure("task", models)
    draw(figure)
    assert len(figure.axes[0].lines) == 1
    assert [text.get_text() for text in figure.axes[0].texts] == ["truth: 1e-09, below this frame"]
    assert figure.axes[0].get_ylim()[0] > 1e-4


def test_band_figure_draws_models_whose_rollouts_diverge():
    models = {BASELINE: cell(held_out=diverging(0.1, T)), HNN: cell(held_out=rollout(0.1))}
    figure = error_curves.band_figure("task", models)
    draw(figure)
    broken, kept = (line.get_ydata() for line in figure.axes[0].lines)
    assert np.isinf(broken[T[1:] >= 1]).all()
    assert np.isfinite(broken[T[1:] < 1]).all()
    assert np.isfinite(kept).all()


def test_rows_hold_quartiles_at_few_times_and_nothing_infinite():
    t = np.linspace(0, 2, 1001)
    rows = error_curves.rows({BASELINE: cell(held_out=diverging(0.1, t)), HNN: cell(held_out=rollout(0.5, t=t))})
    assert list(rows[0]) == [
        "t",
        "model",
        *(f"{kind}_{part}" for kind in error_curves.LABELS for part in ("low", "error", "high")),
    ]
    assert len(rows) == 2 * error_curves.ROWS
    assert [row["energy_error"] for row in rows if row["model"] == "hnn"] == pytest.approx([0.5] * error_curves.ROWS)
    assert {row["energy_error"] == "" for row in rows if row["model"] == "baseline" and row["t"] >= 1} == {True}
