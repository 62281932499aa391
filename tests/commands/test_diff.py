"""`python -m hnn diff`: verdicts that changed and numbers that moved."""

import json
import subprocess

import pytest
from report_fixture import METRICS, metrics, results

from hnn.commands.diff import diff
from hnn.core.cell import Cell
from hnn.core.errors import Refused
from hnn.files import formats, paths
from hnn.reporting.tables import summary_rows

HNN = Cell("pendulum", "hnn")


def write(files, verdicts=None):
    """The results of a run in git's files."""
    formats.write_rows(paths.SUMMARY, summary_rows(files))
    formats.write_json(paths.COMPARISONS, verdicts or results(files).comparisons_json())


@pytest.fixture
def committed(tmp_path, monkeypatch):
    """A repository with the results of a run in its last commit."""
    monkeypatch.chdir(tmp_path)
    write(METRICS)
    for words in (["init", "--quiet"], ["add", "metrics"], ["commit", "--quiet", "--message", "results"]):
        subprocess.run(["git", "-c", "user.name=a", "-c", "user.email=a@b.c", *words], check=True)
    return tmp_path


def test_diff_of_the_same_run_has_no_change(committed):
    assert diff().splitlines() == [
        "HEAD -> this run",
        "Headline verdicts that changed: none",
        "Other verdicts that changed: none",
        "Headline numbers that differ beyond chance: none",
        "Other numbers that differ beyond chance: none",
    ]


def test_diff_names_verdicts_numbers_and_cells_that_changed(committed):
    files = METRICS | {HNN: metrics(3.0, 0.105, 1e-7), Cell("spring", "hnn"): METRICS[HNN]}
    verdicts = json.loads(paths.COMPARISONS.read_text())
    verdicts["pendulum"]["hnn vs baseline"]["held_out"]["energy_error"]["verdict"] = "worse"
    verdicts["pendulum"]["hnn vs baseline"]["held_out"]["diverged"]["verdict"] = "worse"
    write(files, verdicts)
    text = diff("HEAD")
    assert "Cells that are new: spring-hnn" in text
    assert "pendulum, hnn vs baseline, held_out: energy_error better -> worse\nOther verdicts that changed: 1\n" in text
    assert "pendulum-hnn energy_error: 0.1 [0.08, 0.125] -> 3 [2.4, 3.75]" in text
    assert "coordinate_error" not in text
    assert "Other numbers that differ beyond chance: 3" in text  # energy_mse, but not the arithmetic one


def test_diff_does_not_name_a_change_of_the_size_of_chance(committed):
    write(METRICS | {HNN: metrics(0.11, 0.105, 1e-7)})
    assert diff().splitlines()[-2:] == [
        "Headline numbers that differ beyond chance: none",
        "Other numbers that differ beyond chance: none",
    ]


def test_diff_leaves_out_errors_of_the_integrator_which_have_no_interval(committed):
    rows = formats.read_rows(paths.SUMMARY)
    changed = [row | {"mean": 2e-6} for row in rows if row["quantity"] == "integrator.error"]
    assert changed
    formats.write_rows(paths.SUMMARY, [row for row in rows if row["quantity"] != "integrator.error"] + changed)
    assert diff().endswith("Other numbers that differ beyond chance: none")


def test_diff_of_two_revisions_reads_no_file_of_this_run(committed):
    paths.SUMMARY.unlink()
    assert "none" in diff("HEAD", "HEAD")
    subprocess.run(["git", "update-ref", "refs/exps/ab/cdef/wide-net", "HEAD"], check=True)
    assert diff("HEAD", "wide-net").startswith("HEAD -> wide-net")
    with pytest.raises(Refused, match="run `make repro`"):
        diff()
    with pytest.raises(Refused, match="give a revision or an experiment that has the results of a run"):
        diff("nowhere")
