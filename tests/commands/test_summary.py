"""`python -m hnn`: the terminal report equals a golden file; lists, refusals and signals."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from report_fixture import METRICS, PIXEL_METRICS, of_states, results

from hnn import __main__ as command
from hnn.commands import summary
from hnn.core.cell import Cell
from hnn.core.statistics import FEW_SEEDS
from hnn.files import formats, paths
from hnn.reporting.tables import summary_rows

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A project whose pendulum has two trained cells, and no report."""
    shutil.copy(ROOT / "params.yaml", tmp_path)
    monkeypatch.chdir(tmp_path)
    for model in ("baseline", "hnn"):
        formats.write_text(paths.weights_path(Cell("pendulum", model)), "")
    return tmp_path


def call(*words):
    """Run a command in this process; the error line, if it was refused."""
    sys.argv = ["hnn", *words]
    try:
        command.main()
    except SystemExit as end:
        return end.code
    return None


@pytest.mark.parametrize("width", [80, 160])
def test_tables_equal_the_golden_terminal_report(project, golden, width):
    files = METRICS | PIXEL_METRICS
    formats.write_rows(paths.METRICS / "summary.csv", summary_rows(files))
    formats.write_json(paths.METRICS / "comparisons.json", results(files).comparisons_json())
    formats.write_text(paths.METRICS / "report.md", "")
    golden(f"terminal-{width}.txt", summary.tables(width).replace(str(project), "<project>") + "\n")


@pytest.mark.parametrize(
    ("code", "loaded"),
    [
        ("from hnn.commands import summary; summary.tables()", False),
        ("from hnn.commands import summary; summary.tasks(); summary.models()", False),
        ("from hnn.commands import check; from hnn.reporting import report", False),
        ("from hnn.commands import new; from hnn.datasets import inspection", False),
        ("from hnn.commands import rollout", True),
    ],
)
def test_commands_that_read_text_do_not_import_torch(code, loaded):
    words = [sys.executable, "-c", f"import sys; {code}; sys.exit(int('torch' in sys.modules))"]
    environment = os.environ | {"PYTHONPATH": str(ROOT / "src")}
    assert subprocess.run(words, cwd=ROOT, env=environment, check=False).returncode == int(loaded)


@pytest.mark.parametrize("width", [80, 100])
def test_tables_of_the_committed_run_fit_the_terminal(monkeypatch, width):
    monkeypatch.chdir(ROOT)
    text = summary.tables(width)
    *lines, path = text.splitlines()
    assert max(map(len, lines)) <= width
    assert path == str(ROOT / "metrics" / "report.md")
    for row in formats.read_rows(paths.METRICS / "summary.csv"):
        assert row["task"] in text
        assert row["model"] in text


def test_tables_show_floors_mismatches_and_verdicts(project):
    row = {"task": "pendulum", "quantity": "energy_error", "mean": 0.1, "low": 0.1, "high": 0.1, "seeds": ""}
    rows = [row | {"model": model} for model in ("truth", "hnn")]
    rows.append(rows[1] | {"quantity": "mismatch", "mean": 1})
    formats.write_rows(paths.METRICS / "summary.csv", rows)
    formats.write_text(paths.METRICS / "report.md", "")
    verdict = {"energy_error": {"ratio": 0.5, "low": 0.4, "high": 0.6, "p": 0.01, "verdict": "better"}}
    formats.write_json(paths.METRICS / "comparisons.json", {"pendulum": {"hnn vs baseline": {"held_out": verdict}}})
    text = summary.tables(80)
    assert "\n  truth " in text
    assert "hnn (mismatch)" in text
    assert "hnn vs baseline: energy_error better" in text


def test_tables_mark_only_the_numbers_of_a_broken_long_horizon(project):
    row = {"task": "pendulum", "model": "hnn", "mean": 0.1, "low": 0.1, "high": 0.1, "seeds": ""}
    rows = [
        row | {"quantity": name} for name in ("energy_error", "long.mismatch", "long.energy_error", "outside.energy_error")
    ]
    formats.write_rows(paths.METRICS / "summary.csv", rows)
    formats.write_text(paths.METRICS / "report.md", "")
    (line,) = [line for line in summary.tables(100).splitlines() if line.startswith("  hnn")]
    assert line.split() == ["hnn", "0.1", "0.1", "(mismatch)", "0.1"]


def report_of(files, **options):
    """The tables of a run with these metrics."""
    formats.write_rows(paths.SUMMARY, summary_rows(files))
    formats.write_json(paths.COMPARISONS, results(files, **options).comparisons_json())
    formats.write_text(paths.REPORT, "")
    return summary.tables(100)


def test_tables_of_one_seed_have_no_interval_and_say_why(project):
    text = report_of(of_states(seeds=1), verdict=FEW_SEEDS)
    assert "hnn vs baseline: energy_error needs at least 2 seeds" in text
    assert "[" not in text
    assert "Geometric means; an interval needs at least 2 seeds." in text
    assert any(line.split()[:3] == ["hnn", "0.1", "0.105"] for line in text.splitlines())


def test_tables_without_a_model_show_the_others_and_no_verdict(project):
    text = report_of({cell: entry for cell, entry in METRICS.items() if cell.model != "baseline"})
    assert "\n  hnn " in text
    assert "baseline" not in text
    assert "better" not in text


def test_tables_show_the_tasks_of_the_run_alone(project):
    text = report_of(PIXEL_METRICS)
    assert text.startswith("pixel_pendulum\n")
    assert "\npendulum\n" not in text


def test_report_without_a_run_names_the_command_to_run(project):
    assert "run `make repro`" in call("report")


def test_readme_without_a_run_names_the_command_to_run_and_leaves_readme_as_it_is(project):
    formats.write_text(Path("README.md"), "mine")
    assert "metrics/report.md is not there yet: run `make repro`" in call("readme")
    assert Path("README.md").read_text() == "mine"


def test_tasks_and_models_are_a_line_each(project, capsys):
    assert call("tasks") is None
    lines = capsys.readouterr().out.splitlines()
    assert any(line.split()[:4] == ["pendulum", "states", "2", "trained"] for line in lines)
    assert any(line.split()[:4] == ["two_body", "states", "0", "trained"] for line in lines)
    assert call("models") is None
    text = capsys.readouterr().out
    assert "truth" in text
    assert "hnn               1 trained  The Hamiltonian neural network." in text
    assert max(map(len, [*lines, *text.splitlines()])) <= 120


@pytest.mark.parametrize("name", ["", *command.COMMANDS])
def test_parser_help_has_an_example(name, capsys):
    assert call(*filter(None, [name, "--help"])) == 0
    assert "Example: python -m hnn" in " ".join(capsys.readouterr().out.split())


def test_main_exits_with_130_on_ctrl_c(monkeypatch):
    def interrupted():
        raise KeyboardInterrupt

    monkeypatch.setattr(summary, "tasks", interrupted)
    assert call("tasks") == 130


def test_main_ignores_a_closed_pipe():
    reading, writing = os.pipe()
    os.close(reading)
    words = [sys.executable, "-m", "hnn", "report"]
    done = subprocess.run(words, stdout=writing, stderr=subprocess.PIPE, cwd=ROOT, env=os.environ, check=False)
    os.close(writing)
    assert done.stderr == b""
