"""The figure and the sentences of a sweep."""

import numpy as np

from hnn.core.statistics import FEW_SEEDS, Interval
from hnn.figures.ablation import SweepPoint, sweep_figure, sweep_sentences


def point(value, model, mean, quantity="energy_error"):
    """A point with an interval of a tenth."""
    return SweepPoint("noise", value, model, quantity, Interval(mean, 0.9 * mean, 1.1 * mean))


POINTS = [
    *(point(value, "hnn", mean) for value, mean in ((0.0, 0.01), (0.1, 0.2), (0.4, 0.9))),
    *(point(value, "baseline", mean) for value, mean in ((0.0, 0.1), (0.1, 0.21), (0.4, 0.3))),
]


def test_sweep_sentences_give_the_range_of_errors_and_where_they_differ():
    first, second = sweep_sentences("noise", POINTS)
    ranges = ["hnn's from 0.01 [0.009, 0.011] to 0.9 [0.81, 0.99]", "baseline's from 0.1 [0.09, 0.11] to 0.3 [0.27, 0.33]"]
    assert first == f"From 0.0 to 0.4, energy errors go: {', '.join(ranges)}."
    assert second == "hnn's energy error is below the baseline's at 0.0; above it at 0.4; not distinguishable at 0.1."


def test_sweeps_of_one_seed_have_means_without_bars_and_no_verdict():
    """With one seed nothing is known about chance, so `not distinguishable` would be an unfounded claim."""
    points = [one._replace(interval=Interval(one.interval.mean, reason=FEW_SEEDS)) for one in POINTS]
    _, where = sweep_sentences("noise", points)
    assert where == "hnn's energy error is without an interval at 0.0, 0.1, 0.4."
    (axis,) = sweep_figure(points, ("energy_error",), "noise").axes
    means, _, (bars,) = axis.containers[0]
    assert list(means.get_ydata()) == [0.01, 0.2, 0.9]
    assert not np.isfinite(np.concatenate([segment.ravel() for segment in bars.get_segments()])).any()


def test_sweep_figure_has_a_panel_for_each_quantity_and_the_floor_of_the_loss():
    points = [*POINTS, *(point(0.1, model, 0.03, "test_loss") for model in ("baseline", "hnn", "truth"))]
    loss, error = sweep_figure(points, ("test_loss", "energy_error"), "noise").axes
    assert [text.get_text() for text in loss.get_xticklabels()] == ["0.0", "0.1", "0.4"]
    assert "truth" in loss.get_legend_handles_labels()[1]
    assert "truth" not in error.get_legend_handles_labels()[1]
