"""docs/own_system.md, run as it stands: its file, its check from the terminal, and its task through the pipeline."""

import re

import pandas as pd
import pytest
import yaml
from conftest import ROOT
from tiny_project import ran

PAGE = (ROOT / "docs/own_system.md").read_text(encoding="utf-8")
(COMMAND,) = re.findall(r"^ {4}python -m hnn (test .*)$", PAGE, re.MULTILINE)


def part(name):
    """What a part of the page holds."""
    (text,) = re.findall(rf"<!-- {name}: begin -->\n(.*)<!-- {name}: end -->", PAGE, re.DOTALL)
    return re.sub(r"^```\w*\n|```\n$", "", text)


TASK = yaml.safe_load(part("task"))


def test_the_page_shows_the_file_of_the_project():
    assert part("file") == (ROOT / "systems/duffing.py").read_text(encoding="utf-8")
    assert len(part("file").splitlines()) <= 40


@pytest.fixture
def own(project):
    """The tiny project with the file and the task of the page, and no other task."""
    for file in (project / "systems").glob("*.py"):
        file.unlink()
    (project / "systems/my_system.py").write_text(part("file"))
    task = {**TASK["duffing"], "system": {**TASK["duffing"]["system"], "file": "my_system.py"}}
    project.edit(lambda params: params["tasks"].update(my_task=task))
    project.edit(lambda params: params.update(state_tasks=["my_task"], pixel_tasks=[], models=["hnn"]))
    return project


def test_the_check_of_the_page_prints_what_the_page_shows(own):
    printed = own.hnn("-m", "hnn", *COMMAND.replace("duffing", "my_system").split())
    assert printed.replace("my_system", "duffing").split() == part("check").split()


def test_the_task_of_the_page_runs_through_the_pipeline_and_again_after_a_change_of_its_file(own):
    log = own.dvc("repro")
    stages = {"simulate@my_task", "train@my_task-hnn", "truth@my_task", "rollout@my_task-hnn", "report"}
    assert ran(log) == {"code", "validate"} | stages
    summary = pd.read_csv(own / "metrics/summary.csv").set_index(["task", "model", "quantity"])["mean"]
    assert summary["my_task", "truth", "energy_error"] < 1e-3 < summary["my_task", "hnn", "energy_error"]
    assert "H(q, p) = p²/(2m) + k q²/2 + b q⁴/4" in (own / "metrics/cards/my_task-hnn.md").read_text(encoding="utf-8")
    assert "A mass on a spring that hardens" in own.hnn("-m", "hnn", "tasks")
    listing = (own / "data/code/systems/my_task.txt").read_text()
    assert re.search(r"^\w{32} systems/my_system.py$", listing, re.MULTILINE)
    assert "src/hnn/systems/base.py" in listing
    assert "didn't change" in own.dvc("repro") or "up to date" in own.dvc("repro")

    own.append("systems/my_system.py", "\n\n# a comment\n")
    assert ran(own.dvc("repro")) == {"code", "report"}
    file = own / "systems/my_system.py"
    file.write_text(file.read_text().replace("self.hardening * q**4 / 4", "self.hardening * q**4 / 4.0"))
    assert {"code", "simulate@my_task"} <= ran(own.dvc("repro"))
    file.write_text(file.read_text().replace("def period", "def other"))
    status, printed = own.try_run("dvc", "repro")
    assert status != 0
    assert "systems/my_system.py: Duffing lacks period" in printed
    assert "Traceback" not in printed


def test_a_queued_experiment_has_the_file(own):
    own.commit()
    own.dvc("exp", "run", "--queue", "--name", "softer", "-S", "tasks.my_task.system.hardening=0.1")
    own.dvc("exp", "run", "--run-all")
    shown = own.dvc("exp", "show", "--csv")
    assert "softer" in shown
    assert "Failed" not in shown
