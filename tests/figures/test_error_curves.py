"""Errors against time: what is a median stays one, what is lost stays visible, and floors are where they belong."""

from io import BytesIO

import numpy as np
import pytest

from hnn.figures import error_curves

T = np.linspace(0, 2, 21)


def rolled(size, seeds=2, starts=5, spread=0.5, t=T):
    """Rollouts whose energy error is `size` at every time but the first, in units of the spread of energies."""
    error = np.full((seeds, starts, len(t)), size)
    error[..., 0] = 0
    return {
        "t": t,
        "energy": 1 + spread * error,
        "true_energy": np.ones((starts, len(t))),
        "energy_scale": np.array(spread),
    } | {"distance": error / 2}


def draw(figure):
    file = BytesIO()
    figure.savefig(file, format="png")
    assert file.tell() > 0


def test_energy_errors_are_in_units_of_the_spread_and_over_the_longest_horizon():
    found = error_curves.errors({"hnn": {"held_out": rolled(1.0), "long": rolled(0.25, t=10 * T)}}, "energy")
    t, values = found["hnn"]
    assert t[-1] == 20
    assert values[..., 1:] == pytest.approx(0.25)
    assert error_curves.errors({"hnn": {"held_out": rolled(1.0)}}, "distance")["hnn"][1][..., 1:] == pytest.approx(0.5)


def test_from_pixels_the_floor_is_that_of_all_encoders():
    models = {
        name: {"held_out": rolled(1.0), "floor": rolled(size)} for name, size in (("hnn-rk4", 0.1), ("baseline-rk4", 0.3))
    }
    _, values = error_curves.errors(models, "energy")["floor"]
    assert values.shape == (4, 5, len(T))
    assert sorted(set(values[..., -1].round(3).ravel())) == [0.1, 0.3]


def test_quartiles_count_what_is_lost_as_infinitely_wrong():
    error = np.array([0.1, 0.2, 0.3, np.nan, 0.5]).reshape(1, 5, 1)
    assert error_curves.quartiles(error)[:, 0] == pytest.approx([0.2, 0.3, 0.5])
    assert np.isinf(error_curves.quartiles(np.full((1, 3, 2), np.nan))).all()


def test_panels_have_a_log_axis_medians_and_a_legend():
    models = {"baseline": {"held_out": rolled(0.5)}, "hnn": {"held_out": rolled(0.1)}, "truth": {"held_out": rolled(0.05)}}
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


def test_a_floor_far_below_is_written_instead_of_flattening_the_models():
    models = {"hnn": {"held_out": rolled(0.1)}, "truth": {"held_out": rolled(1e-9)}}
    figure = error_curves.band_figure("task", models)
    draw(figure)
    assert len(figure.axes[0].lines) == 1
    assert [text.get_text() for text in figure.axes[0].texts] == ["truth: 1e-09, below this frame"]
    assert figure.axes[0].get_ylim()[0] > 1e-4


def test_panels_are_drawn_though_every_rollout_is_lost():
    lost = rolled(0.1)
    lost["energy"] = np.where(T < 1, lost["energy"], np.nan)
    figure = error_curves.band_figure("task", {"baseline": {"held_out": lost}, "hnn": {"held_out": rolled(0.1)}})
    draw(figure)
    broken, kept = (line.get_ydata() for line in figure.axes[0].lines)
    assert np.isinf(broken[T[1:] >= 1]).all()
    assert np.isfinite(broken[T[1:] < 1]).all()
    assert np.isfinite(kept).all()


def test_rows_hold_the_same_quartiles_at_few_times_and_nothing_infinite():
    t = np.linspace(0, 2, 1001)
    lost = rolled(0.1, t=t)
    lost["energy"] = np.where(t < 1, lost["energy"], np.nan)
    rows = error_curves.rows({"baseline": {"held_out": lost}, "hnn": {"held_out": rolled(0.5, t=t)}})
    assert list(rows[0]) == [
        "t",
        "model",
        *(f"{kind}_{part}" for kind in error_curves.LABELS for part in ("low", "error", "high")),
    ]
    assert len(rows) == 2 * error_curves.ROWS
    assert [row["energy_error"] for row in rows if row["model"] == "hnn"] == pytest.approx([0.5] * error_curves.ROWS)
    assert {row["energy_error"] == "" for row in rows if row["model"] == "baseline" and row["t"] >= 1} == {True}
