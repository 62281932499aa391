"""Summaries of the present run and of revisions in git."""

import subprocess

import pytest

from hnn.commands import summaries
from hnn.core.errors import Refused
from hnn.core.statistics import Interval
from hnn.files import formats, paths

ROW = {
    "task": "pendulum",
    "model": "hnn",
    "quantity": "table1.energy_mse",
    "mean": 0.1 + 0.2,
    "low": 1e-300,
    "high": 1,
    "seeds": "",
}


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """An empty working folder that is in no repository."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    return tmp_path


def test_current_has_every_number_of_every_cell_with_full_precision(folder):
    lost = {"model": "truth", "quantity": "valid_time"} | dict.fromkeys(("mean", "low", "high"))
    formats.write_rows(paths.SUMMARY, [ROW, ROW | {"quantity": "steps", "mean": 5}, ROW | lost])
    found = summaries.current()
    assert list(found) == [("pendulum", "hnn"), ("pendulum", "truth")]
    assert found["pendulum", "hnn"] == {
        "table1.energy_mse": Interval(0.1 + 0.2, 1e-300, 1.0),
        "steps": Interval(5.0, 1e-300, 1.0),
    }
    assert found["pendulum", "truth"] == {"valid_time": Interval()}


def test_current_is_refused_without_a_run(folder):
    with pytest.raises(Refused, match=r"summary\.csv is not there; run `make repro`"):
        summaries.current()


def test_committed_is_refused_without_repository_commit_or_summary_with_the_reason_and_the_advice(folder):
    def refusal():
        with pytest.raises(Refused, match=r"; do this$") as caught:
            summaries.committed("HEAD", "do this")
        (line,) = str(caught.value).splitlines()
        return line

    assert "not a git repository" in refusal()
    git("init", "--quiet")
    assert "HEAD" in refusal()
    git("commit", "--quiet", "--allow-empty", "--message", "nothing")
    assert "metrics/summary.csv' does not exist" in refusal()
    formats.write_rows(paths.SUMMARY, [ROW])
    git("add", "metrics")
    git("commit", "--quiet", "--message", "results")
    assert summaries.committed("HEAD", "do this") == summaries.current()


def test_parse_reads_seeds_and_scale_and_refuses_a_summary_from_before_they_were_written():
    text = "task,model,quantity,mean,low,high,scale,seeds\na,hnn,error,2,1,4,log,1 2 4\na,hnn,steps,5,,,,\n"
    numbers = summaries.parse(text)["a", "hnn"]
    assert numbers == {"error": Interval(2.0, 1.0, 4.0, geometric=True, seeds=(1.0, 2.0, 4.0)), "steps": Interval(5.0)}
    with pytest.raises(Refused, match="no column `seeds`: it is of an older form"):
        summaries.parse("task,model,quantity,mean,low,high\na,hnn,error,2,1,4\n")


def test_cached_is_refused_outside_of_a_repository_with_the_advice(folder):
    with pytest.raises(Refused, match=r"^data/curves/pendulum-hnn\.csv of HEAD is not in DVC's cache: do this"):
        summaries.cached("HEAD", "data/curves/pendulum-hnn.csv", "do this")


def test_git_is_refused_where_it_is_not_installed(folder, monkeypatch):
    monkeypatch.setenv("PATH", "")
    with pytest.raises(Refused, match="git is not installed"):
        summaries.git("status")


def git(*words):
    """Run git as somebody."""
    person = ["-c", "user.name=a", "-c", "user.email=a@b.c", "-c", "commit.gpgsign=false"]
    subprocess.run(["git", *person, *words], check=True)
