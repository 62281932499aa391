"""The reproduction check: agreement of two results."""

import json
import shutil
from pathlib import Path

import pytest
from conftest import ROOT

from hnn.commands import check as command
from hnn.commands.check import TOLERANCE, agree, compare_metrics
from hnn.files import formats, paths


def interval(mean, half):
    """A result as the metrics files hold it."""
    return {"mean": mean, "low": mean - half, "high": mean + half}


LOST = {"mean": None, "low": None, "high": None}


def test_agree_for_overlapping_intervals():
    assert agree(interval(1.0, 0.5), interval(1.8, 0.5))


def test_agree_within_the_stated_tolerance_of_the_means():
    a = interval(1.0, 0.0)
    reach = (1 + TOLERANCE) / (1 - TOLERANCE)  # where 1 widened upwards meets b widened downwards
    assert agree(a, interval(0.99 * reach, 0.0))
    assert not agree(a, interval(1.01 * reach, 0.0))


def test_agree_with_a_wider_tolerance():
    assert not agree(interval(1.0, 0.0), interval(2.0, 0.0))
    assert agree(interval(1.0, 0.0), interval(2.0, 0.0), tolerance=1.0)
    assert not agree(interval(1.0, 0.0), interval(2.0, 0.0), tolerance=0.3)


def test_agree_fails_for_opposite_signs():
    assert not agree(interval(1.0, 0.1), interval(-1.0, 0.1))


@pytest.mark.parametrize(("a", "b"), [(interval(1.0, 0.9), interval(9.0, 0.9)), (LOST, interval(1.0, 9.0))])
def test_agree_does_not_depend_on_the_order(a, b):
    assert not agree(a, b)
    assert not agree(b, a)


def test_agree_for_two_results_without_finite_values():
    assert agree(LOST, dict(LOST))


def test_agree_needs_equal_counts():
    assert agree(500, 500)
    assert not agree(500, 501)


def test_compare_metrics_of_equal_files_is_identical():
    metrics = {"steps": 5, "test_loss": interval(1.0, 0.1)}
    assert compare_metrics(metrics, {**metrics}) == ("identical", [])


def test_compare_metrics_within_intervals_agrees():
    assert compare_metrics({"test_loss": interval(1.0, 0.1)}, {"test_loss": interval(1.1, 0.1)}) == ("agrees", [])


def test_compare_metrics_names_a_differing_result_with_both_values():
    verdict, lines = compare_metrics(
        {"steps": 5, "table1": {"energy_mse": interval(1.0, 0.1)}}, {"steps": 5, "table1": {"energy_mse": interval(7.0, 0.1)}}
    )
    assert verdict == "differs"
    (line,) = lines
    assert line.startswith("table1.energy_mse: ")
    assert "1.0" in line
    assert "7.0" in line


@pytest.mark.parametrize("swapped", [False, True])
def test_compare_metrics_differs_where_one_side_lacks_a_result(swapped):
    sides = [{"steps": 5, "test_loss": interval(1.0, 0.1)}, {"steps": 5}]
    verdict, lines = compare_metrics(*(reversed(sides) if swapped else sides))
    assert verdict == "differs"
    assert [line.split(":")[0] for line in lines] == ["test_loss"]


def test_compare_metrics_skips_the_integrator_but_not_the_mismatch():
    a, b = ({"energy_error": interval(1.0, 0.1), "integrator": {"error": error}} for error in (1e-7, 3e-7))
    assert compare_metrics(a, b) == ("agrees", [])
    assert compare_metrics(a, b | {"mismatch": True})[0] == "differs"


def test_compare_metrics_skips_extremes_of_few_seeds_but_not_their_mean():
    a, b = ({"table1": {"energy_mse": interval(1.0, 0.1), "least_edge": interval(edge, 0.0)}} for edge in (2e-8, 3e-8))
    assert compare_metrics(a, b) == ("agrees", [])
    assert compare_metrics(a, {"table1": b["table1"] | {"energy_mse": interval(3.0, 0.1)}})[0] == "differs"


@pytest.fixture
def run(tmp_path, monkeypatch):
    """A run whose every metrics file holds a loss of 1, as the last commit does; no stage is run again."""
    shutil.copy(ROOT / "params.yaml", tmp_path)
    monkeypatch.chdir(tmp_path)
    metrics = {"test_loss": interval(1.0, 0.1)}
    params = command.load_params()
    for task in params.state_tasks + params.pixel_tasks:
        for cell in params.cells(task):
            for stage in ("train", "rollout"):
                formats.write_json(paths.metrics_path(stage, cell.key), metrics)
    monkeypatch.setattr(command, "git", lambda *words: json.dumps(metrics))
    monkeypatch.setattr(command, "repeat", lambda stage: True)


def test_check_is_true_for_the_committed_metrics_and_prints_a_line_for_each_cell(run, capsys):
    assert command.check()
    printed = capsys.readouterr().out
    assert printed.count("identical   identical") == len(list((paths.METRICS / "train").iterdir()))
    assert f"{command.BYTES} run again: the same bytes" in printed


def test_check_is_false_and_names_the_file_where_metrics_differ(run, capsys):
    path = paths.metrics_path("rollout", "pendulum-hnn")
    formats.write_json(path, {"test_loss": interval(9.0, 0.1)})
    assert not command.check()
    assert f"{path}: test_loss: committed" in capsys.readouterr().out


def test_check_tolerates_more_from_pixels(run):
    double = {"test_loss": interval(2.0, 0.0)}
    formats.write_json(paths.metrics_path("train", "pixel_pendulum-hnn-rk4"), double)
    assert command.check()
    formats.write_json(paths.metrics_path("train", "pendulum-hnn"), double)
    assert not command.check()


def test_check_is_false_where_the_repeated_stage_has_other_bytes(run, monkeypatch, capsys):
    monkeypatch.setattr(command, "repeat", lambda stage: False)
    assert not command.check()
    assert "other bytes" in capsys.readouterr().out


@pytest.mark.parametrize("same", [True, False])
def test_repeat_compares_dvc_lock_before_and_after(tmp_path, monkeypatch, same):
    monkeypatch.chdir(tmp_path)
    Path("dvc.lock").write_text("outs")
    monkeypatch.setattr(command.subprocess, "run", lambda *_, **__: None if same else Path("dvc.lock").write_text("others"))
    assert command.repeat("train@x") is same
