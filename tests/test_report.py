import numpy as np
import pytest

from hnn import plotting, report, report_pixels
from hnn.progress import steps_of


def about(mean, width=0.1):
    return {"mean": mean, "low": mean * (1 - width), "high": mean * (1 + width)}


def cell(energy, coordinate, conserved=None, long=True):
    found = {"energy_error": about(energy), "energy_mse": about(energy**2), "coordinate_error": about(coordinate)}
    found |= {"valid_time": about(2.0), "diverged": about(0.0), "table1": {"energy_mse": about(energy**2)}}
    if conserved is not None:
        found["conserved_error"] = about(conserved)
    rollout = found | ({"long": dict(found)} if long else {})
    return {"train": {"test_loss": about(0.03), "parameters": 10}, "rollout": rollout}


CELLS = {("pendulum", "baseline"): cell(0.4, 0.1), ("pendulum", "hnn"): cell(0.1, 0.105, 1e-7)}


@pytest.mark.parametrize(
    ("a", "b", "word"),
    [(1.0, 2.0, "smaller"), (2.0, 1.0, "larger"), (1.0, 1.1, "not distinguishable")],
)
def test_a_verdict_needs_intervals_that_do_not_overlap(a, b, word):
    assert report.verdict(about(a), about(b)) == word


@pytest.mark.parametrize(
    ("x", "text"), [(None, "–"), (0.0, "0"), (0.12345, "0.123"), (1.5e-7, "1.5e-7"), (12.0, "12"), (3e6, "3.0e6")]
)
def test_numbers_are_short(x, text):
    assert report.number(x) == text


def test_the_findings_say_what_the_numbers_allow():
    (said,) = report.findings(CELLS, {"pendulum": 0.0})
    assert "4 times smaller than the baseline's 0.4" in said
    assert "not distinguishable from 0.1" in said
    assert "Over the long horizon" in said
    assert "cannot learn friction" not in said


def test_the_findings_take_the_paired_verdict_where_there_is_one():
    paired = {"energy_error": {"verdict": "not distinguishable"}, "coordinate_error": {"verdict": "better"}}
    (said,) = report.findings(CELLS, {"pendulum": 0.0}, {"pendulum": {"hnn vs baseline": {"held_out": paired}}})
    assert "not distinguishable from the baseline's 0.4" in said
    assert "smaller than 0.1 [" in said


def test_a_cell_that_broke_the_contract_is_marked_in_every_table_and_no_other_is():
    broken = {key: {**found, "rollout": found["rollout"] | {"mismatch": key[1] == "hnn"}} for key, found in CELLS.items()}
    for rows in (report.protocol(broken), report.protocol(broken, "long"), report.beside_published(broken)):
        assert {row["model"] for row in rows} == {"baseline", "hnn (mismatch)"}


def test_the_truth_stands_below_the_models_of_its_task_and_not_beside_the_published():
    cells = CELLS | {
        ("two_body", "hnn"): cell(0.1, 0.1),
        ("pendulum", "truth"): {"rollout": CELLS["pendulum", "hnn"]["rollout"]},
    }
    assert [row["model"] for row in report.protocol(cells)] == ["baseline", "hnn", "truth", "hnn"]
    assert "truth" not in {row["model"] for row in report.beside_published(cells)}


def test_the_findings_turn_round_with_the_numbers():
    worse = {("pendulum", "baseline"): cell(0.1, 0.1), ("pendulum", "hnn"): cell(0.4, 0.5, 1e-7, long=False)}
    (said,) = report.findings(worse, {"pendulum": -0.2})
    assert "4 times larger than the baseline's 0.1" in said
    assert "-20%" in said
    assert "cannot learn friction" in said
    assert "long horizon" not in said


def test_the_report_has_published_and_own_numbers_and_its_figures():
    figures = {"pendulum": ["pendulum-paths.png"]}
    about_it = {"seeds": 3, "long": "10", "starts": 50}
    text = report.render(CELLS, {"pendulum": 0.0}, figures, about_it, report_pixels.describe({}))
    assert "| pendulum | hnn | energy_mse | 0.0249 ± 0.00542 | 0.01 [0.009, 0.011] |" in text
    assert "![pendulum-paths.png](figures/pendulum-paths.png)" in text
    assert "{{" not in text
    assert report.extract(text).startswith("<!-- results: begin -->")
    assert "## Our protocol" not in report.extract(text)
    assert "## From pixels" not in text


def test_the_summary_has_a_row_for_each_number_and_prints_as_a_table():
    rows = report.summary_rows(CELLS)
    assert {row["quantity"] for row in rows} >= {
        "test_loss",
        "parameters",
        "energy_error",
        "table1.energy_mse",
        "long.energy_error",
    }
    integrator = {"method": "rk4", "step": 0.1, "error": 1e-5, "share": None, "honoured": True}
    more = {"integrator": integrator, "mismatch": True, "phase_error": {"mean": None, "low": None, "high": None}}
    found = report.summary_rows({("pendulum", "hnn"): {"rollout": more}})
    assert [row["quantity"] for row in found] == ["integrator.step", "integrator.error", "phase_error"]
    assert "–" in report.terminal_table([{**row, "mean": row["mean"] or ""} for row in found], ["phase_error"])
    table = report.terminal_table(rows, ["test_loss", "energy_error"])
    assert "0.1 [0.09, 0.11]" in table
    assert table.index("test_loss") < table.index("energy_error")


def test_every_panel_of_every_figure_says_what_its_axes_are():
    t, x = np.linspace(0, 1, 9), np.random.default_rng(0).standard_normal((3, 9, 2))
    error = np.abs(x[None, ..., 0])
    figures = [
        plotting.portraits(x, {"baseline": x, "hnn": x}, "title"),
        plotting.orbits(np.tile(x[0], 4), {"hnn": np.tile(x[0], 4)}, "title"),
        plotting.energies(t, x[0, :, 0], {"hnn": x[1, :, 0]}, {"hnn": x[2, :, 0]}, "title"),
        plotting.error_bands({"a": t, "b": t}, {"a": {"hnn": error}, "b": {"another": error}}, "error"),
    ]
    for figure in figures:
        assert all(axis.get_xlabel() for axis in figure.axes)
        assert figure.axes[0].get_ylabel()


def test_an_energy_that_explodes_does_not_flatten_the_others():
    t, flat = np.linspace(0, 1, 9), np.full(9, -1.0)
    figure = plotting.energies(t, flat, {"baseline": 1e5 * t, "hnn": flat}, {"hnn": flat}, "title")
    assert np.ptp(figure.axes[0].get_ylim()) < 5


def test_progress_is_lines_for_a_log_and_nothing_without_a_label(capsys):
    assert list(steps_of(3, None)) == [1, 2, 3]
    assert capsys.readouterr().err == ""
    bar = steps_of(2, "fit")
    bar.delay = 0
    assert list(bar) == [1, 2]
    assert "\r" not in capsys.readouterr().err


def test_progress_of_several_at_a_time_moves_no_cursor_in_a_log(capsys):
    bars = [steps_of(2, f"fit {k}") for k in range(3)]
    for bar in bars:
        bar.delay = 0
    for _ in zip(*bars, strict=True):
        pass
    printed = capsys.readouterr().err
    assert "\x1b" not in printed
    assert "\r" not in printed
    assert all(f"fit {k}: 100%" in printed for k in range(3))
