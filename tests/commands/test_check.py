"""The reproduction check: its table and sentence, and the bytes of a cell that is trained again."""

import hashlib
import os
import re
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
from hnn.commands.agreement import exact_tolerance
from hnn.commands.check import changed_bytes, compare_bytes
from hnn.core.cell import Cell
from hnn.core.errors import Refused
from hnn.core.statistics import Interval
from hnn.files import artifacts, formats, paths
from hnn.params.loading import load_params


def error(mean):
    """A positive error whose five seeds vary by a factor of about 1.2."""
    seeds = tuple(mean * 1.2**k for k in (-2, -1, 0, 1, 2))
    return Interval(mean, mean / 1.4, mean * 1.4, geometric=True, seeds=seeds)


CELL = Cell("mass_spring", "hnn")
NUMBERS = {"steps": Interval(5.0), "test_loss": error(1.0), "long.integrator.error": Interval(1e-7)}
"""Committed numbers of a cell; the last is not compared."""
COMPARED = 2
VERDICT = ("pendulum", "hnn vs baseline", "held_out", "energy_error")


def write_summary(changes=(), without=(), verdict="better"):
    """Write the summary of the parameters' cells with `NUMBERS`, and a verdict; `changes` are {key: {name: interval}}."""
    params, rows = load_params(), []
    for task in params.active + params.seen:
        for cell in (*params.cells(task), Cell(task, "truth")):
            if cell.key not in without:
                for quantity, value in (NUMBERS | dict(changes).get(cell.key, {})).items():
                    seeds = " ".join(map(repr, value.seeds))
                    row = {"task": task, "model": cell.name, "quantity": quantity} | value.bounds()
                    rows.append(row | {"scale": "log" if value.geometric else "linear", "seeds": seeds})
    formats.write_rows(paths.SUMMARY, rows)
    task, title, starts, quantity = VERDICT
    difference = {"ratio": 0.5, "low": 0.4, "high": 0.6, "p": 0.01, "verdict": verdict}
    formats.write_json(paths.COMPARISONS, {task: {title: {starts: {quantity: difference}}}})


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


def printed(capsys):
    """The rows of the table by cell, split at two spaces; the other lines but the last; and the last."""
    head, *lines, sentence = capsys.readouterr().out.splitlines()
    assert head.split() == ["cell", "against", "HEAD", "numbers", "identical", "differ", "smallest", "p"]
    rows = [re.split("  +", line) for line in lines]
    return {key: rest for key, *rest in rows if rest}, [line for line in lines if "  " not in line], sentence


def test_check_is_true_for_the_committed_summary_and_prints_a_row_for_each_cell_and_a_sentence(run, capsys):
    assert command.check()
    params = load_params()
    keys = [cell.key for task in params.active + params.seen for cell in (*params.cells(task), Cell(task, "truth"))]
    rows, others, sentence = printed(capsys)
    assert list(rows) == keys
    assert rows["pendulum-hnn"] == ["identical", f"{COMPARED}", f"{COMPARED}", "0", "1"]
    assert others == []
    count = COMPARED * len(keys)
    assert sentence == (
        f"Reproduced: of {count} numbers {count} are identical and 0 differ beyond chance; verdicts that changed: 0, "
        "into the opposite: 0; nothing is trained again."
    )


def test_check_is_false_and_names_cell_and_number_that_differ_beyond_chance_alone(run, capsys):
    write_summary({"pendulum-hnn": {"test_loss": error(100.0)}, "two_body-hnn": {"test_loss": error(1.2)}})
    assert not command.check()
    rows, others, sentence = printed(capsys)
    assert (rows["pendulum-hnn"][0], rows["pendulum-hnn"][3]) == ("differs", "1")
    assert rows["two_body-hnn"][:4] == ["agrees", f"{COMPARED}", "1", "0"]
    assert 0.05 < float(rows["two_body-hnn"][4]) < 0.5
    assert others == ["pendulum-hnn test_loss: 1 [0.7143, 1.4] -> 100 [71.43, 140]"]
    assert sentence.startswith("Not reproduced: of ")
    assert " and 1 differ beyond chance; " in sentence


@pytest.mark.parametrize(
    ("change", "line"),
    [
        ({"steps": Interval(6.0)}, "pendulum-hnn steps: 5 -> 6"),
        ({"test_loss": Interval()}, "pendulum-hnn test_loss: 1 [0.7143, 1.4] -> no finite value"),
        ({"mismatch": Interval(1.0)}, "pendulum-hnn mismatch: missing -> 1"),
    ],
)
def test_check_is_false_for_another_setting_a_lost_number_or_a_new_one(run, capsys, change, line):
    write_summary({"pendulum-hnn": change})
    assert not command.check()
    assert printed(capsys)[1] == [line]


@pytest.mark.parametrize(("changed", "good"), [("worse", False), ("not distinguishable", True)])
def test_check_names_a_changed_verdict_and_is_false_only_for_the_opposite(run, capsys, changed, good):
    write_summary(verdict=changed)
    assert command.check() is good
    _, others, sentence = printed(capsys)
    line = f"verdict pendulum, hnn vs baseline, held_out: energy_error better -> {changed}"
    assert others == [line if good else f"{line} (opposite)"]
    assert f"; verdicts that changed: 1, into the opposite: {int(not good)}; " in sentence


def test_check_compares_the_exact_field_to_the_tolerance_of_rounding(run):
    write_summary({"pendulum-truth": {"test_loss": Interval(1.0, seeds=(1.0,))}})
    commit()
    tolerance = exact_tolerance(None)
    write_summary({"pendulum-truth": {"test_loss": Interval(1 + tolerance / 2, seeds=(1 + tolerance / 2,))}})
    assert command.check()
    write_summary({"pendulum-truth": {"test_loss": Interval(1 + 2 * tolerance, seeds=(1 + 2 * tolerance,))}})
    assert not command.check()


def test_check_is_false_where_the_cell_trained_again_has_other_bytes(run, monkeypatch):
    monkeypatch.setattr(command, "compare_bytes", lambda params: (False, "other bytes"))
    assert not command.check()


def test_check_is_false_and_names_cells_that_are_not_committed_and_compares_the_others(run, capsys):
    write_summary(without=["pendulum-hnn", "pixel_pendulum-hnn-rk4"])
    commit()
    write_summary()
    assert not command.check()
    rows, _, sentence = printed(capsys)
    lonely = [key for key, (outcome, *_) in rows.items() if outcome == "not in the committed summary"]
    assert lonely == ["pendulum-hnn", "pixel_pendulum-hnn-rk4"]
    assert rows["pendulum-baseline"][0] == "identical"
    assert sentence.startswith("Not reproduced: ")


def test_check_names_committed_cells_that_a_smaller_run_lacks(run, capsys):
    raw = parameters() | {"state_tasks": ["pendulum"], "friction_tasks": [], "pixel_tasks": []}
    Path("params.yaml").write_text(yaml.safe_dump(raw))
    write_summary()
    assert command.check()
    assert printed(capsys)[0]["two_body-hnn"] == ["not in this run"]


def test_check_is_false_if_nothing_can_be_compared(run):
    write_summary()
    renamed = paths.SUMMARY.read_text().replace("\npendulum,", "\nother,")
    raw = parameters() | {"state_tasks": ["pendulum"], "friction_tasks": [], "pixel_tasks": []}
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
    write_summary({"pendulum-hnn": {"test_loss": error(100.0)}})
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
        artifacts.write_observations("mass_spring", [observed("mass_spring")], observed("mass_spring", seed=1))
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
        (
            lambda: paths.observations_path("mass_spring").write_bytes(b"no archive"),
            r"data/observations/mass_spring\.npz: is not an NPZ file ",
        ),
    ],
    ids=["parameters", "observations"],
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
