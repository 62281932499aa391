"""The reproduction check: agreement of two results, of two summaries, and the bytes of a cell that is trained again."""

import hashlib
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml
from conftest import ROOT, observed, parameters
from tiny_project import tiny

from hnn import __main__ as hnn_command
from hnn.commands import check as command
from hnn.commands.check import TOLERANCE, agree, changed_bytes, compare, compare_bytes
from hnn.core.cell import Cell
from hnn.core.errors import Refused
from hnn.core.statistics import Interval
from hnn.files import artifacts, formats, paths
from hnn.params.loading import load_params


def interval(mean, half):
    """A mean with an interval."""
    return Interval(mean, mean - half, mean + half)


def plain(value):
    """A number without an interval, as the summary has it."""
    return Interval(value, value, value)


LOST = Interval()
CELL = Cell("mass_spring", "hnn")


def test_agree_for_overlapping_intervals():
    assert agree(interval(1.0, 0.5), interval(1.8, 0.5))


def test_agree_within_the_stated_tolerance_of_the_means():
    a = plain(1.5)
    reach = 1.5 * (1 + TOLERANCE) / (1 - TOLERANCE)  # where a widened upwards meets b widened downwards
    assert agree(a, plain(0.99 * reach))
    assert not agree(a, plain(1.01 * reach))


def test_agree_with_a_wider_tolerance():
    assert not agree(plain(1.5), plain(3.0))
    assert agree(plain(1.5), plain(3.0), tolerance=1.0)
    assert not agree(plain(1.5), plain(3.0), tolerance=0.3)


def test_agree_fails_for_opposite_signs():
    assert not agree(interval(1.0, 0.1), interval(-1.0, 0.1))


@pytest.mark.parametrize(("a", "b"), [(interval(1.0, 0.9), interval(9.0, 0.9)), (LOST, interval(1.0, 9.0))])
def test_agree_does_not_depend_on_the_order(a, b):
    assert not agree(a, b)
    assert not agree(b, a)


def test_agree_for_two_results_without_finite_values():
    assert agree(LOST, Interval())


def test_agree_takes_the_mean_for_bounds_that_are_not_known():
    assert agree(Interval(1.5), interval(1.4, 0.1))
    assert not agree(Interval(1.5), interval(9.0, 0.1))


def test_agree_needs_equal_counts_but_not_equal_whole_means():
    assert agree(plain(500.0), plain(500.0))
    assert not agree(plain(500.0), plain(501.0))
    assert agree(plain(500.0), plain(501.5))
    assert agree(plain(500.0), interval(501.0, 0.1))


NUMBERS = {
    "steps": plain(5.0),
    "test_loss": interval(1.0, 0.1),
    "table1.energy_mse": interval(1.0, 0.1),
    "table1.least_edge": plain(0.5),
    "long.integrator.error": plain(1e-7),
}
"""Committed numbers of a cell."""


def test_compare_of_equal_numbers_is_identical():
    assert compare(NUMBERS, {**NUMBERS}) == ("identical", [])


@pytest.mark.parametrize(
    "change",
    [
        {"test_loss": interval(1.1, 0.1)},
        {"long.integrator.error": plain(3e-7)},
        {"table1.least_edge": plain(50.0)},
    ],
)
def test_compare_agrees_within_intervals_and_skips_the_integrator_and_extremes_of_few_seeds(change):
    assert compare(NUMBERS, NUMBERS | change) == ("agrees", [])


@pytest.mark.parametrize(
    ("change", "line"),
    [
        ({"steps": plain(6.0)}, "steps: committed 5, now 6"),
        ({"test_loss": interval(7.0, 0.1)}, "test_loss: committed 1 [0.9, 1.1], now 7 [6.9, 7.1]"),
        ({"test_loss": LOST}, "test_loss: committed 1 [0.9, 1.1], now no finite value"),
        ({"table1.energy_mse": plain(3.0)}, "table1.energy_mse: committed 1 [0.9, 1.1], now 3"),
        ({"mismatch": plain(1.0)}, "mismatch: committed missing, now 1"),
    ],
)
def test_compare_names_a_number_that_differs_or_that_one_side_lacks_with_both_values(change, line):
    assert compare(NUMBERS, NUMBERS | change) == ("differs", [line])
    verdict, (swapped,) = compare(NUMBERS | change, NUMBERS)
    assert verdict == "differs"
    assert sorted(swapped.replace(",", "").split()) == sorted(line.replace(",", "").split())


def test_compare_names_cells_that_only_one_summary_has():
    assert compare(None, NUMBERS) == ("not in the committed summary", [])
    assert compare(NUMBERS, None) == ("not in this run", [])


def write_summary(changes=(), without=()):
    """Write the summary of the parameters' cells with `NUMBERS`; `changes` are {key: {name: interval}}."""
    params, rows = load_params(), []
    for task in params.active + params.pixel_tasks:
        for cell in (*params.cells(task), Cell(task, "truth")):
            if cell.key not in without:
                for quantity, value in (NUMBERS | dict(changes).get(cell.key, {})).items():
                    numbers = {"mean": value.mean, "low": value.low, "high": value.high}
                    rows.append({"task": task, "model": cell.name, "quantity": quantity} | numbers)
    formats.write_rows(paths.SUMMARY, rows)


def commit():
    """Commit the summary in a repository of its own."""
    person = ["-c", "user.name=a", "-c", "user.email=a@b.c", "-c", "commit.gpgsign=false"]
    for words in (["init", "--quiet"], ["add", "--force", "metrics"], ["commit", "--quiet", "--message", "results"]):
        subprocess.run(["git", *person, *words], check=True)


@pytest.fixture
def run(tmp_path, monkeypatch):
    """A run of the default parameters whose summary is committed; no cell is trained again."""
    shutil.copy(ROOT / "params.yaml", tmp_path)
    monkeypatch.chdir(tmp_path)
    write_summary()
    commit()
    monkeypatch.setattr(command, "compare_bytes", lambda params: (True, "nothing is trained again"))


def lines_of(capsys):
    """The lines of the table, {cell: verdict}, and the last line."""
    _, *lines = capsys.readouterr().out.splitlines()
    return {key: verdict.strip() for key, verdict in (line.split(maxsplit=1) for line in lines[:-1])}, lines[-1]


def test_check_is_true_for_the_committed_summary_and_prints_a_line_for_each_trained_cell_and_a_sentence(run, capsys):
    assert command.check()
    params = load_params()
    keys = [cell.key for task in params.state_tasks + params.pixel_tasks for cell in params.cells(task)]
    table, sentence = lines_of(capsys)
    assert list(table) == keys
    assert sentence == f"{len(keys)} cells: {len(keys)} identical; nothing is trained again."


def test_check_is_false_and_names_cell_and_number_that_differ(run, capsys):
    write_summary({"pendulum-hnn": {"test_loss": interval(9.0, 0.1)}, "two_body-hnn": {"test_loss": interval(1.1, 0.1)}})
    assert not command.check()
    printed = capsys.readouterr().out.splitlines()
    assert [line.split() for line in printed if line.startswith(("pendulum-hnn  ", "two_body-hnn  "))] == [
        ["pendulum-hnn", "differs"],
        ["two_body-hnn", "agrees"],
    ]
    assert printed[-2] == "pendulum-hnn test_loss: committed 1 [0.9, 1.1], now 9 [8.9, 9.1]"
    assert "1 differs, " in printed[-1]
    assert "1 agrees" in printed[-1]


def test_check_tolerates_more_from_pixels(run):
    double = {"test_loss": plain(2.5)}
    write_summary({"pixel_pendulum-hnn-rk4": double})
    assert command.check()
    write_summary({"pendulum-hnn": double})
    assert not command.check()


def test_check_does_not_compare_the_exact_field(run):
    write_summary({"pendulum-truth": {"test_loss": plain(9.0)}})
    assert command.check()


def test_check_is_false_where_the_cell_trained_again_has_other_bytes(run, monkeypatch):
    monkeypatch.setattr(command, "compare_bytes", lambda params: (False, "other bytes"))
    assert not command.check()


def test_check_is_false_and_names_cells_that_are_not_committed_and_compares_the_others(run, capsys):
    write_summary(without=["pendulum-hnn", "pixel_pendulum-hnn-rk4"])
    commit()
    write_summary()
    assert not command.check()
    printed = capsys.readouterr().out
    assert printed.count("not in the committed summary\n") == 2
    assert "2 not in the committed summary" in printed.splitlines()[-1]


def test_check_names_committed_cells_that_a_smaller_run_lacks(run, capsys):
    raw = parameters() | {"state_tasks": ["pendulum"], "pixel_tasks": []}
    Path("params.yaml").write_text(yaml.safe_dump(raw))
    write_summary()
    assert command.check()
    assert "two_body-hnn                    not in this run\n" in capsys.readouterr().out


def test_check_is_false_if_nothing_can_be_compared(run):
    write_summary()
    renamed = paths.SUMMARY.read_text().replace("\npendulum,", "\nother,")
    raw = parameters() | {"state_tasks": ["pendulum"], "pixel_tasks": []}
    Path("params.yaml").write_text(yaml.safe_dump(raw))
    paths.SUMMARY.write_text("\n".join(line for line in renamed.splitlines() if line.startswith(("task", "other"))))
    commit()
    write_summary()
    assert not command.check()


def test_check_refuses_a_summary_without_a_cell_of_the_parameters(run):
    write_summary(without=["pendulum-hnn"])
    with pytest.raises(Refused, match=r"summary\.csv does not have pendulum-hnn: run `make repro`"):
        command.check()


def test_check_refuses_without_a_run_and_without_a_committed_one(run):
    text = paths.SUMMARY.read_text()
    paths.SUMMARY.unlink()
    with pytest.raises(Refused, match="run `make repro`"):
        command.check()
    paths.SUMMARY.write_text(text)
    shutil.rmtree(".git")
    subprocess.run(["git", "init", "--quiet"], check=True)
    with pytest.raises(Refused, match=r"HEAD.*; commit metrics/summary\.csv of a run"):
        command.check()


def test_check_in_the_terminal_ends_with_status_1_and_a_sentence_where_a_number_differs(run, monkeypatch, capsys):
    write_summary({"pendulum-hnn": {"test_loss": interval(9.0, 0.1)}})
    monkeypatch.setattr(sys, "argv", ["hnn", "check"])
    with pytest.raises(SystemExit, match="does not reproduce the committed results"):
        hnn_command.main()


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A project with tiny parameters whose mass_spring-hnn is trained and whose summary is committed: not to be changed."""
    folder = tmp_path_factory.mktemp("trained")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        raw = parameters()
        tiny(raw)
        Path("params.yaml").write_text(yaml.safe_dump(raw))
        for part in ("stages", "src"):
            shutil.copytree(ROOT / part, part, ignore=shutil.ignore_patterns("__pycache__"))
        artifacts.write_observations("mass_spring", observed("mass_spring"), observed("mass_spring", seed=1))
        write_summary()
        commit()
        subprocess.run([sys.executable, "-m", "stages.train", *CELL[:2]], check=True)
    return folder


@pytest.fixture
def project(trained, tmp_path, monkeypatch):
    """A copy of the trained project as the working folder, and a folder for temporary files beside it."""
    shutil.copytree(trained, tmp_path / "project")
    (tmp_path / "temporary").mkdir()
    monkeypatch.setenv("TMPDIR", str(tmp_path / "temporary"))
    monkeypatch.setattr("tempfile.tempdir", None)  # it is found anew
    monkeypatch.chdir(tmp_path / "project")
    return tmp_path / "project"


def digests(folder):
    """The checksum of every file of a folder, without what Python and git write by themselves."""
    files = [path for path in folder.rglob("*") if path.is_file() and not {"__pycache__", ".git"} & set(path.parts)]
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def change_params(change):
    """Write the parameters after a change."""
    raw = yaml.safe_load(Path("params.yaml").read_text())
    change(raw)
    Path("params.yaml").write_text(yaml.safe_dump(raw))


def test_training_again_gives_the_same_bytes_without_path_pythonpath_or_dvc_and_changes_no_file(
    project, tmp_path, monkeypatch
):
    (tmp_path / "sitecustomize.py").write_text("import os\nos._exit(3)\n")
    before = digests(project)
    monkeypatch.setenv("PATH", "")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    assert compare_bytes(load_params()) == (True, "mass_spring-hnn trained again has the same bytes")
    assert digests(project) == before
    assert list((project.parent / "temporary").iterdir()) == []


def test_training_again_uses_the_code_of_the_project_and_names_the_files_with_other_bytes(project):
    path = Path("src/hnn/training/seeds.py")
    path.write_text(path.read_text().replace('counts = {"parameters": ', 'counts = {"parameters": 1 + '))
    weights = paths.weights_path(CELL)
    weights.write_bytes(weights.read_bytes() + b"0")
    before = digests(project)
    assert changed_bytes(CELL) == [weights, paths.results_path("train", CELL.key)]
    same, clause = compare_bytes(load_params())
    assert not same
    assert f"other bytes in {weights}, " in clause
    assert digests(project) == before


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda: change_params(lambda raw: raw["train"].update(steps=-1)), r"params\.yaml: train\.steps: given -1, "),
        (lambda: paths.observations_path("mass_spring").write_bytes(b"no archive"), r"\w*Error: "),
    ],
    ids=["refused", "traceback"],
)
def test_a_training_that_fails_is_refused_with_its_last_line_and_changes_no_file(project, spoil, said):
    spoil()
    before = digests(project)
    with pytest.raises(Refused, match=rf"^mass_spring-hnn cannot be trained again: {said}.*$"):
        changed_bytes(CELL)
    assert digests(project) == before
    assert list((project.parent / "temporary").iterdir()) == []


def test_an_interrupted_check_changes_no_file_and_leaves_no_copy(project):
    change_params(lambda raw: raw["train"].update(steps=10**8))
    before, temporary = digests(project), project.parent / "temporary"
    words, variables = [sys.executable, "-m", "hnn", "check"], os.environ | {"PYTHONPATH": str(project / "src")}
    with subprocess.Popen(words, env=variables, stdout=subprocess.DEVNULL, start_new_session=True) as running:
        while not list(temporary.glob("*/params.yaml")):
            assert running.poll() is None
            time.sleep(0.1)
        time.sleep(2)  # most likely within the training by then; no matter if not
        os.killpg(running.pid, signal.SIGINT)
        assert running.wait(timeout=60) == 130
    assert digests(project) == before
    assert list(temporary.iterdir()) == []


def test_compare_bytes_is_refused_without_the_files_of_a_run(project):
    paths.curve_path(CELL.key).unlink()
    with pytest.raises(
        Refused, match=f"mass_spring-hnn cannot .* because {paths.curve_path(CELL.key)} is not there: run `make"
    ):
        compare_bytes(load_params())
    change_params(lambda raw: raw.update(state_tasks=["pendulum"]))
    with pytest.raises(Refused, match="pendulum-baseline cannot be trained again"):
        compare_bytes(load_params())


def test_compare_bytes_says_that_without_state_cells_none_is_trained_again(project):
    change_params(lambda raw: raw.update(state_tasks=[]))
    assert compare_bytes(load_params()) == (True, "no cell is trained again, because state_tasks is empty")
