"""`make reproduction`: runs under other arithmetic and with planted changes."""

import shutil
import subprocess
from pathlib import Path

import pytest

from hnn.commands import reproduction
from hnn.commands.reproduction import PLANTED, VARIANTS, Outcome, Run, edited, judge, outcome
from hnn.core.errors import Refused
from hnn.params.checks import load_checked_params

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("run", [*VARIANTS, *PLANTED], ids=lambda run: run.name)
def test_edits_apply_to_the_present_files_and_leave_valid_parameters(run, tmp_path):
    for name in {"params.yaml", *run.edits}:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / name)
    edited(tmp_path, run.edits)
    params = load_checked_params(tmp_path / "params.yaml")
    assert params.active + params.seen


def test_edits_refuse_a_text_that_is_not_there(tmp_path):
    (tmp_path / "params.yaml").write_text("seeds: 5\n")
    with pytest.raises(Refused, match="does not have the text 'threads: 1"):
        edited(tmp_path, {"params.yaml": (("threads: 1", "threads: 2"),)})


def test_outcome_is_read_from_its_file_where_the_run_was_made_before(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    judged = []
    monkeypatch.setattr(
        reproduction, "judge", lambda run: judged.append(run) or Outcome(run.name, "", True, "Good.", ["a"], [])
    )
    first, second = (outcome(VARIANTS[0], "abc") for _ in range(2))
    assert first == second == Outcome("aten", "", True, "Good.", ["a"], [])
    assert len(judged) == 1
    outcome(VARIANTS[0], "def")
    assert len(judged) == 2


def test_a_pipeline_that_stops_is_not_taken_for_a_change_that_the_check_found(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    subprocess.run(["git", "init", "--quiet"], check=True)
    words = ["commit", "--quiet", "--allow-empty", "--message", "no pipeline"]
    subprocess.run(["git", "-c", "user.name=a", "-c", "user.email=a@b.c", *words], check=True)
    found = judge(Run("empty", "no pipeline"))
    assert found.reproduced is None
    assert found.sentence.startswith("The pipeline stops: ")
