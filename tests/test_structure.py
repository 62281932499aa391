"""The layout: imports between packages go one way, and dvc.yaml declares the code and the parameters that each stage uses."""

import ast
from pathlib import Path

import pytest
import yaml

from hnn.core import registry
from hnn.files.source_code import imported_files, runtime_nodes
from hnn.params.loading import read_raw

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "src" / "hnn"
PARAMS = read_raw(ROOT / "params.yaml")
STAGES = yaml.safe_load((ROOT / "dvc.yaml").read_text(encoding="utf-8"))["stages"]
SCRIPTS = sorted(path.stem for path in (ROOT / "stages").glob("[!_]*.py"))

ORDER = (
    *("core", "networks", "systems", "models", "integrators", "rendering", "parallel", "files", "params", "datasets"),
    *("training", "evaluation", "trained", "fitting", "pixels", "reporting", "figures", "commands", "__main__"),
)
"""The packages of src/hnn; each imports only packages that stand before it."""

UNDECLARED = {"compute"}
"""Parameters that say where a stage runs and change no result, so that a change of them re-runs nothing."""


def room(file):
    """The package, or the module beside the packages, that a file of src/hnn belongs to."""
    return file.relative_to(PACKAGE).with_suffix("").parts[0]


@pytest.mark.parametrize("file", sorted(PACKAGE.rglob("*.py")), ids=lambda file: str(file.relative_to(PACKAGE)))
def test_imports_go_from_later_packages_to_earlier_ones(file):
    if file == PACKAGE / "__init__.py":
        return  # imports nothing until it is asked for
    imported = {room(other) for other in imported_files(file, ROOT) if other != PACKAGE / "__init__.py"}
    allowed = {*ORDER[: ORDER.index(room(file))], room(file)} - ({"systems"} if room(file) == "models" else set())
    assert imported <= allowed, f"{room(file)} must not import {sorted(imported - allowed)}"


def test_every_stage_is_a_script_and_every_script_a_stage():
    assert {script(stage) for stage in STAGES} == set(SCRIPTS)


def script(stage):
    """The name of a stage's script: `train` also for train_measured."""
    return STAGES[stage]["cmd"].split()[2].removeprefix("stages.")


@pytest.mark.parametrize("stage", [stage for stage in STAGES if script(stage) not in ("code", "report")])
def test_every_stage_depends_on_the_listing_of_its_script_and_of_what_it_finds_by_name(stage):
    tree = ast.parse((ROOT / "stages" / f"{script(stage)}.py").read_bytes())
    calls = {ast.unparse(node.func).split(".")[-1] for node in ast.walk(tree) if isinstance(node, ast.Call)}
    expected = {f"data/code/{script(stage)}.txt"}
    expected |= {"data/code/systems/${item.task}.txt"} if "make_system" in calls else set()
    loaders = {"make_model", "make_latent_model", "load_members", "load_latent_members"}
    expected |= {"data/code/models/${item.model}.txt"} if calls & loaders else set()
    assert {dep for dep in STAGES[stage]["deps"] if dep.startswith("data/code/")} == expected


@pytest.mark.parametrize("stage", [stage for stage in STAGES if script(stage) not in ("code", "validate", "report")])
def test_params_of_dvc_yaml_are_those_that_the_stage_reads(stage):
    nodes = runtime_nodes(ast.parse((ROOT / "stages" / f"{script(stage)}.py").read_bytes()))
    text = [ast.unparse(node) for node in nodes if isinstance(node, ast.Attribute)]
    read = {expression.removeprefix("params.") for expression in text if expression.startswith("params.")}
    sections = {key.split(".")[1] for key in read if key.startswith("tasks[")}
    used = {key.split(".")[0] for key in read if not key.startswith("tasks")} | {f"tasks.${{item.task}}.{s}" for s in sections}
    used |= sections & set(PARAMS)  # a task's own values override the section's defaults
    assert set(STAGES[stage]["params"]) == used - UNDECLARED


@pytest.mark.parametrize("stage", [stage for stage in STAGES if "params" in STAGES[stage]])
def test_params_of_dvc_yaml_exist_in_params_yaml(stage):
    matrix = STAGES[stage]["matrix"]["task"]
    pixels = "pixel_tasks" in matrix
    section = "ingest" if matrix == "${measured_tasks}" else "render" if pixels else "simulate"
    tasks = [task for task, values in PARAMS["tasks"].items() if section in values and ("pretrain" in values) == pixels]
    assert tasks
    own = matrix == "${recorded_tasks}"  # of the user: none is in the project
    for key in [key for key in STAGES[stage]["params"] if not (own and key.startswith("tasks."))]:
        for task in tasks:
            value = PARAMS
            for part in key.replace("${item.task}", task).split("."):
                assert part in value, f"{stage}: {key} is not in params.yaml"
                value = value[part]


def test_names_of_cells_cannot_collide():
    names = [*PARAMS["tasks"], *registry.names("systems"), *registry.names("models")]
    assert all(set(name) <= set("abcdefghijklmnopqrstuvwxyz0123456789_") for name in names)
    assert "truth" not in registry.names("models")  # the name of the exact field's cells
