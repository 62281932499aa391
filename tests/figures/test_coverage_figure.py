"""The figure of docs/coverage.md."""

from hnn.figures.coverage import Rates, Simulated, coverage_figure


def test_coverage_figure_has_a_point_for_each_method_and_quantity():
    simulated = [Simulated("Gaussian", "variance components", seeds, 0.93, 0.97) for seeds in (3, 5)]
    rates = [Rates("energy_error", 0.96, 0.04, 0.01), Rates("valid_time", 0.95, 0.05, 0.0)]
    left, middle, right = coverage_figure(simulated, rates, 0.95).axes
    assert list(left.containers[0].lines[0].get_ydata()) == [0.95, 0.95]
    assert [tick.get_text() for tick in middle.get_yticklabels()] == ["energy error", "valid time"]
    assert list(right.lines[1].get_xdata()) == [0.01, 0.0]
