"""The frame of every stage: it ends with its parent and with Ctrl-C, and writes down how long it took."""

import os
import signal
import subprocess
import sys

import pytest
from conftest import ROOT, alive, wait_for

from hnn.commands import times as command
from hnn.files import paths, times
from hnn.files.times import StageTime

STAGE = """
import os, pathlib, time
from stages import run
def stage(task):
    pathlib.Path("pid").write_text(str(os.getpid()))
    time.sleep(float(task))
run(stage)
"""


def start(folder, seconds, code=STAGE, **variables):
    """A process that runs the stage in a folder for some seconds."""
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "src")])} | variables
    return subprocess.Popen(
        [sys.executable, "-c", code, str(seconds)], cwd=folder, env=environment, stderr=subprocess.PIPE, text=True
    )


def status(folder, seconds, **variables):
    """The exit status of the stage."""
    process = start(folder, seconds, **variables)
    process.communicate(timeout=60)
    return process.returncode


def pid(folder):
    """The process number of the stage in a folder, as soon as it runs."""
    wait_for(lambda: (folder / "pid").is_file() and (folder / "pid").read_text())
    return int((folder / "pid").read_text())


@pytest.mark.skipif(sys.platform != "linux", reason="needs prctl")
def test_a_stage_ends_with_its_parent_even_if_that_is_killed(tmp_path):
    code = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {STAGE!r}, '60'])"
    parent = start(tmp_path, 60, code)
    stage = pid(tmp_path)
    assert alive(stage)
    parent.kill()
    parent.communicate()
    wait_for(lambda: not alive(stage))


def test_a_stage_that_is_interrupted_prints_no_traceback(tmp_path):
    stage = start(tmp_path, 60)
    os.kill(pid(tmp_path), signal.SIGINT)
    _, said = stage.communicate(timeout=30)
    assert stage.returncode == 130
    assert said == ""


def test_a_stage_appends_its_times_where_it_ends_well(tmp_path):
    (tmp_path / paths.TIMES).parent.mkdir()
    for seconds in ("0.2", "0"):
        assert status(tmp_path, seconds) == 0
    assert status(tmp_path, "no number") == 1
    found = times.read(tmp_path / paths.TIMES)
    assert [one.stage for one in found] == ["-c@0.2", "-c@0"]
    assert 0.1 <= found[0].end - found[0].start < 30
    assert status(tmp_path, "0", HNN_TIMES=str(tmp_path / "mine.csv")) == 0
    assert len(times.read(tmp_path / "mine.csv")) == 1
    assert len(times.read(tmp_path / paths.TIMES)) == 2


def test_a_stage_does_not_fail_where_its_times_cannot_be_written(tmp_path):
    assert status(tmp_path, "0") == 0
    assert list(tmp_path.iterdir()) == [tmp_path / "pid"]


def test_times_lists_the_longest_stage_first_with_what_it_waited_for(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert "no stage has run since" in command.table()
    paths.TIMES.parent.mkdir()
    for one in (StageTime("train@pendulum-hnn", 13.0, 21.0), StageTime("simulate@pendulum", 10.0, 11.0)):
        times.append(one)
    head, first, second, last = command.table().splitlines()
    assert head.split() == ["stage", "seconds", "share", "waited"]
    assert first.split() == ["train@pendulum-hnn", "8.0", "88.9%", "2.0"]
    assert second.split() == ["simulate@pendulum", "1.0", "11.1%", "0.0"]
    assert last == "2 stages: 9 s, and 2 s between them"
