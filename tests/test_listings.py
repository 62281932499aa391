"""The listings of source code that stages depend on have every module that the stages load."""

import json
import shutil

import pytest
import yaml
from tiny_project import RECORDER, RECORDS, ROOT, Project

ITEM = {"task": "mass_spring", "model": "hnn", "step_map": "rk4"}
PIXELS = ITEM | {"task": "pixel_pendulum"}
MEASURED = ITEM | {"task": "real_pendulum"}
RECORDED = ITEM | {"task": "rig"}
ITEMS = {  # of the matrix of each stage of dvc.yaml; there is one stage for each script at least
    "code": ITEM,
    "validate": ITEM,
    "simulate": ITEM,
    "train": ITEM,
    "rollout": ITEM,
    "truth": ITEM,
    "ingest": MEASURED,
    "simulate_pixels": PIXELS,
    "render": PIXELS,
    "pretrain": PIXELS,
    "train_pixels": PIXELS,
    "rollout_pixels": PIXELS,
    "report": ITEM,
    "ingest_recording": RECORDED,
    "train_recording": RECORDED,
    "rollout_recording": RECORDED,
    "report_recording": RECORDED,
}
STAGES = yaml.safe_load((ROOT / "dvc.yaml").read_text(encoding="utf-8"))["stages"]


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
def project(recorded, tmp_path_factory, env):
    """`recorded` after `ingest` too, which ends with an error because there is no archive, but has loaded its modules."""
    project = Project(shutil.copytree(recorded, tmp_path_factory.mktemp("listings") / "project", symlinks=True), env)
    script, *words = in_command("ingest", MEASURED)
    project.try_run("python", "-m", f"stages.{script}", *words, PYTHONPATH=RECORDER)
    return project


def loaded(project, stage):
    """The modules that the process of a stage had loaded at its end."""
    return json.loads((project / RECORDS / "-".join(in_command(stage, ITEMS[stage]))).with_suffix(".json").read_text())


def test_every_script_is_run():
    assert {in_command(stage, item)[0] for stage, item in ITEMS.items()} == {
        path.stem for path in (ROOT / "stages").glob("[!_]*.py")
    }


@pytest.mark.parametrize("stage", ITEMS)
def test_listing_of_a_stage_has_every_module_that_the_stage_loads(project, stage):
    deps = [filled(dep, ITEMS[stage]) for dep in STAGES[stage]["deps"] if isinstance(dep, str)]
    listings = [dep for dep in deps if dep.startswith("data/code/")]
    listed = {line.split(" ", 1)[1] for path in listings for line in (project / path).read_text().splitlines()}
    folders = tuple(f"{dep}/" for dep in deps if dep in ("src/hnn", "stages"))  # of `code` and `report`
    files = {file for file in loaded(project, stage).values() if file and file.startswith(("src/hnn/", "stages/"))}
    files.add(f"stages/{in_command(stage, ITEMS[stage])[0]}.py")
    assert len(files) > 5
    missing = {file for file in files - listed if not file.startswith(folders)}
    assert not missing, f"not in {', '.join(listings)}"


@pytest.mark.parametrize(
    "stage", sorted(ITEMS.keys() - {"train_recording"})
)  # torch.func, which it needs, imports the compiler
def test_no_stage_imports_the_compiler_of_pytorch(project, stage):
    """It takes more than a second in each process that trains."""
    assert "torch._dynamo" not in loaded(project, stage)


def test_listing_of_training_has_no_module_of_the_report(project):
    """A listing of all files would pass the tests above."""
    listed = (project / "data/code/train.txt").read_text()
    assert "training/loop.py" in listed
    assert not any(f"src/hnn/{package}/" in listed for package in ("reporting", "figures", "evaluation", "pixels"))
