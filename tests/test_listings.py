"""The listings of source code that stages depend on have every module that the stages load."""

import json
import shutil
import sys

import pytest
import yaml
from tiny_project import ROOT, Project

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="runs stages in forks")

ITEM = {"task": "mass_spring", "model": "hnn", "step_map": "rk4"}
PIXELS = ITEM | {"task": "pixel_pendulum"}
MEASURED = ITEM | {"task": "real_pendulum"}
JOBS = [  # stage of dvc.yaml and the item of its matrix, in an order in which each finds its inputs
    ("code", ITEM),
    ("validate", ITEM),
    ("simulate", ITEM),
    ("train", ITEM),
    ("rollout", ITEM),
    ("truth", ITEM),
    ("ingest", MEASURED),  # ends with an error unless the archive is there, but has loaded its modules
    ("simulate_pixels", PIXELS),
    ("render", PIXELS),
    ("pretrain", PIXELS),
    ("train_pixels", PIXELS),
    ("rollout_pixels", PIXELS),
    ("report", ITEM),
]
STAGES = yaml.safe_load((ROOT / "dvc.yaml").read_text(encoding="utf-8"))["stages"]

RUN_IN_FORKS = """
import json, os, runpy, sys, traceback
import matplotlib.figure, numpy, pydantic, scipy.integrate, torch, yaml  # once; modules of the project are loaded by the forks

def loaded():
    modules = [m for name, m in sys.modules.items() if name.split(".")[0] in ("hnn", "stages")]
    return sorted({os.path.relpath(m.__file__) for m in modules if getattr(m, "__file__", None)})

def run(number, script, words):
    def leave(status, leave_at_once=os._exit):
        with open(f"loaded-{number}.json", "w") as file:
            json.dump({"status": status, "files": loaded()}, file)
        leave_at_once(status)

    os._exit = leave  # as a stage that fails does
    sys.argv = [script, *words]
    try:
        runpy.run_module(f"stages.{script}", run_name="__main__", alter_sys=True)
    except BaseException:
        traceback.print_exc()
        leave(2)
    leave(0)

for number, (script, *words) in enumerate(json.loads(sys.argv[1])):
    assert not any(name.split(".")[0] in ("hnn", "stages") for name in sys.modules)
    child = os.fork()
    if child == 0:
        run(number, script, words)
    os.waitpid(child, 0)
"""


def in_command(stage, item):
    """Script and words of the command of a stage for an item of its matrix."""
    script, *words = filled(STAGES[stage]["cmd"], item).split()[2:]
    return [script.removeprefix("stages."), *words]


def filled(text, item):
    """Text of dvc.yaml with the values of an item of the matrix."""
    for key, value in item.items():
        text = text.replace(f"${{item.{key}}}", value)
    return text


@pytest.fixture(scope="module")
def runs(finished, tmp_path_factory, env):
    """The project in which all jobs have run, and for each job its exit status and the files of the modules it has loaded."""
    project = Project(shutil.copytree(finished, tmp_path_factory.mktemp("listings") / "project", symlinks=True), env)

    def one_cell_of_each_kind(params):
        params |= {"state_tasks": ["mass_spring"], "pixel_tasks": ["pixel_pendulum"], "seeds": 1}
        params |= {"models": [ITEM["model"]], "step_maps": [ITEM["step_map"]]}
        params["compute"] = {"scheduler": "local", "workers": 1}  # modules that other processes load would not be seen

    project.edit(one_cell_of_each_kind)
    commands = [in_command(stage, item) for stage, item in JOBS]
    printed = project.run("python", "-c", RUN_IN_FORKS, json.dumps(commands))
    results = {}
    for number, (stage, _) in enumerate(JOBS):
        results[stage] = json.loads((project / f"loaded-{number}.json").read_text())
        assert results[stage]["status"] == 0 or stage == "ingest", f"{stage}\n{printed}"
    return project, results


def test_listings_test_runs_every_script():
    assert {in_command(stage, item)[0] for stage, item in JOBS} == {path.stem for path in (ROOT / "stages").glob("[!_]*.py")}


@pytest.mark.parametrize(("stage", "item"), JOBS, ids=[stage for stage, _ in JOBS])
def test_listing_of_a_stage_has_every_module_that_the_stage_loads(runs, stage, item):
    project, results = runs
    deps = [filled(dep, item) for dep in STAGES[stage]["deps"] if isinstance(dep, str)]
    listings = [dep for dep in deps if dep.startswith("data/code/")]
    listed = {line.split(" ", 1)[1] for path in listings for line in (project / path).read_text().splitlines()}
    folders = tuple(f"{dep}/" for dep in deps if dep in ("src/hnn", "stages"))  # of `code` and `report`
    files = {*results[stage]["files"], f"stages/{in_command(stage, item)[0]}.py"}
    assert len(files) > 5
    missing = {file for file in files - listed if not file.startswith(folders)}
    assert not missing, f"not in {', '.join(listings)}"


def test_listing_of_training_has_no_module_of_the_report(runs):
    """A listing of all files would pass the test above."""
    project, _ = runs
    listed = (project / "data/code/train.txt").read_text()
    assert "training/loop.py" in listed
    assert not any(f"src/hnn/{package}/" in listed for package in ("reporting", "figures", "evaluation", "pixels"))
