"""Runs that are killed again and again end with the same bytes as a run that is not: part of `make torture`, by HNN_KILLS."""

import os
import random
import shutil
import signal
import subprocess
from collections import Counter
from functools import partial
from time import sleep

import psutil
import pytest
from conftest import wait_for
from tiny_project import Project

KILLS = int(os.environ.get("HNN_KILLS", "0"))
SIGNALS = (signal.SIGKILL, signal.SIGKILL, signal.SIGTERM, signal.SIGINT)
LONGEST = 12.0
"""Longest time in s before a run is killed: as long as a few stages."""


def cold(finished, folder, env):
    """A copy of the project without results, whose stages fork."""
    project = Project(shutil.copytree(finished, folder, symlinks=True), env)
    shutil.rmtree(project / ".dvc/cache")
    shutil.rmtree(project / "data")
    shutil.rmtree(project / "metrics")
    (project / "dvc.lock").unlink()
    project.edit(lambda params: params["compute"].update(workers=2))
    return project


def running(folder):
    """The processes that work in a folder."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.cwd() == str(folder) and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
        except psutil.Error:
            continue
    return found


def is_idle(folder):
    """True if no process works in a folder."""
    return not running(folder)


def interrupted(project, chance):
    """Run `dvc repro` and kill it, a stage or a fork of a stage; return what was killed and how, None if it had ended."""
    log = (project / ".dvc/tmp/log").open("a")
    with log, subprocess.Popen(["dvc", "repro"], cwd=project.folder, env=project.env, stdout=log, stderr=log) as run:
        try:
            run.wait(chance.uniform(1.0, LONGEST))
        except subprocess.TimeoutExpired:
            victim = chance.choice(family(run.pid))
            number = chance.choice(SIGNALS)
            kind = "dvc" if victim.pid == run.pid else "stage" if victim.ppid() == run.pid else "fork"
            victim.send_signal(number)
            run.wait(60)
            return f"{kind}, {number.name}"
    assert run.returncode == 0, (project / ".dvc/tmp/log").read_text()[-2000:]
    return None


def family(pid):
    """A process and all that it has started, each as long as it runs."""
    parent = psutil.Process(pid)
    return [parent, *(one for one in parent.children(recursive=True) if one.is_running())]


@pytest.mark.skipif(not KILLS, reason="runs the pipeline several times: `make torture`")
def test_killed_runs_leave_nothing_behind_and_end_with_the_same_bytes(finished, tmp_path, env):
    expected, chance, killed = Project(finished, env).files(), random.Random(0), Counter()
    runs = 0
    while sum(killed.values()) < KILLS:
        project = cold(finished, tmp_path / f"run {runs}", env)
        while sum(killed.values()) < KILLS and (how := interrupted(project, chance)):
            killed[how] += 1
            wait_for(partial(is_idle, project.folder))
            sleep(0.1)
        project.dvc("repro")
        found = project.files()
        assert {name for name in expected if found.get(name) != expected[name]} == set()
        assert found.keys() - expected.keys() == set()
        assert "up to date" in project.dvc("repro")
        runs += 1
    print(f"\n{sum(killed.values())} kills in {runs} runs: all went on, none lost; {dict(sorted(killed.items()))}")
