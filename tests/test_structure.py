"""The house rules: imports go one way, and dvc.yaml names exactly what each stage uses."""

import ast
from fnmatch import fnmatch
from pathlib import Path

import pytest
import yaml

from hnn.params.sections import Descent

ROOT = Path(__file__).parents[1]
SRC = ROOT / "src"
PACKAGE = SRC / "hnn"
PARAMS = yaml.safe_load((ROOT / "params.yaml").read_text())
DVC = yaml.safe_load((ROOT / "dvc.yaml").read_text())
STAGES = DVC["stages"]
SECTIONS = ["simulate", "ingest", "render", "pretrain", "train", "rollout"]
SCRIPTS = sorted(path.stem for path in (ROOT / "stages").glob("[!_]*.py"))

UNDECLARED = {"compute"}  # where a stage runs, not what comes out: a change of it is to run nothing again

ROOMS = {  # module: what else of the package it may import; the first pattern that fits counts
    "errors registry trajectories phase_space inference geometry published progress chunks differences": "",
    "nn": "inference",
    "metrics statistics seeding recipe stack pixel_options": "",
    "system model": "errors registry phase_space nn inference",
    "systems.*": "errors phase_space system systems.*",
    "models.*": "errors phase_space nn inference model models.*",
    "collocation losses autoencoder": "errors phase_space nn",
    "integrators": "errors phase_space collocation",
    "probe": "phase_space",
    "rendering": "errors geometry",
    "latent": "autoencoder chunks integrators model",
    "simulation measured": "errors trajectories phase_space system chunks collocation differences",
    "device": "errors",
    "descent": "errors progress recipe stack",
    "training": "errors trajectories model losses recipe descent",
    "frame_batches": "autoencoder",
    "latent_states": "errors phase_space autoencoder",
    "pixel_losses": "autoencoder latent losses latent_states",
    "pixel_training": "autoencoder latent losses recipe descent training frame_batches latent_states pixel_*",
    "rollouts": "trajectories phase_space system model device chunks integrators metrics",
    "evaluation": "trajectories system rollouts metrics statistics",
    "flow": "phase_space integrators collocation",
    "examination": "errors trajectories phase_space device chunks integrators metrics flow rollouts",
    "latent_evaluation": "trajectories system model chunks latent probe metrics rollouts evaluation examination",
    "latent_pictures": "phase_space integrators latent",
    "words quantities provenance text": "",
    "style plotting films pictures bands gallery": "trajectories style plotting films pictures bands results quantities words",
    "sweep": "style words",
    "report": "quantities results tables findings report_pixels text schema sections",
    "results tables findings report_pixels": "words quantities published results tables findings report_pixels text",
    "strict": "",
    "sections": "strict",
    "schema": "registry sections strict",
    "config": "errors registry schema strict",
    "io": "errors trajectories",
    "cluster": "errors progress",
    "compute": "cluster errors progress",
    "latent_cells": "trajectories system chunks latent evaluation latent_evaluation latent_pictures io seeding",
    "cells": "trajectories system chunks rollouts evaluation examination io seeding",
    "comparisons": "metrics statistics seeding",
    "fits": "io training statistics seeding compute",
    "orbits": "[!s]* schema strict system",
    "cards": "registry words results schema text",
    "terminal trained trained_pixels reproduction paper ablation __main__ __init__": "[!s]* statistics seeding sweep",
}
DYNAMIC = {  # stage: files that it finds by name while it runs, as dvc.yaml writes them
    "validate": {"src/hnn/system.py", "src/hnn/phase_space.py", "src/hnn/systems"},
    "simulate": {"src/hnn/systems"},
    "ingest": {"src/hnn/systems"},
    "train": {"src/hnn/inference.py", "src/hnn/nn.py", "src/hnn/models/${item.model}.py"},
    "render": set(),
    "pretrain": set(),
    "train_pixels": {"src/hnn/models/${item.model}.py"},
    "rollout_pixels": {"src/hnn/models/${item.model}.py", "src/hnn/systems"},
    "rollout": {"src/hnn/inference.py", "src/hnn/nn.py", "src/hnn/models/${item.model}.py", "src/hnn/systems"},
    "truth": {"src/hnn/systems"},
    "report": {"src/hnn", "stages"},  # it names the code of all stages,
}
DATA = {  # stage: what other stages wrote for it
    "validate": set(),
    "simulate": {"data/params.valid"},
    "ingest": {"data/params.valid"},
    "train": {"data/observations/${item.task}.npz"},
    "render": {"data/observations/${item.task}.npz", "data/motions/${item.task}.npz"},
    "pretrain": {"data/observations/${item.task}.npz", "data/frames/${item.task}.npz"},
    "train_pixels": {
        "data/observations/${item.task}.npz",
        "data/frames/${item.task}.npz",
        "data/autoencoders/${item.task}.safetensors",
    },
    "rollout_pixels": {
        "data/observations/${item.task}.npz",
        "data/motions/${item.task}.npz",
        "data/frames/${item.task}.npz",
        "data/models/${key}.safetensors",
    },
    "rollout": {"data/observations/${item.task}.npz", "data/motions/${item.task}.npz", "data/models/${key}.safetensors"},
    "truth": {"data/observations/${item.task}.npz", "data/motions/${item.task}.npz"},
    "report": {"data/motions", "data/observations", "data/rollouts", "metrics/curves", "metrics/train", "metrics/rollout"},
}


def modules():
    """Every module of the package but the __init__ files, named from `hnn` down: errors, systems.pendulum, …"""
    paths = (path.relative_to(PACKAGE).with_suffix("") for path in PACKAGE.rglob("*.py"))
    return sorted(".".join(path.parts) for path in paths if path.name != "__init__")


def tree(path):
    """The syntax tree of a file without what only type checkers read."""

    class Runtime(ast.NodeTransformer):
        def visit_If(self, node):
            return None if ast.unparse(node.test).endswith("TYPE_CHECKING") else self.generic_visit(node)

    return Runtime().visit(ast.parse(path.read_text(encoding="utf-8")))


def imports(path):
    """The files of this project that a file imports; package __init__ files below src hold nothing and are left out."""
    names = set()
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: imports are absolute"
            names |= {str(node.module)} | {f"{node.module}.{alias.name}" for alias in node.names}
    stems = [name.replace(".", "/") for name in names if name.split(".")[0] in ("hnn", "stages")]
    candidates = [SRC / f"{stem}.py" for stem in stems] + [ROOT / f"{stem}.py" for stem in stems]
    return {file for file in [*candidates, *[ROOT / stem / "__init__.py" for stem in stems]] if file.is_file()}


def closure(path):
    """The file and all that it imports, directly and indirectly."""
    found, new = set(), {path}
    while new:
        found |= new
        new = {file for one in new for file in imports(one)} - found
    return found


def script(stage):
    """The name of the stage's script: `train` also for train_measured."""
    return STAGES[stage]["cmd"].split()[2].removeprefix("stages.")


def keys(stage):
    """The parameters that a stage declares, as dotted names; `` for all of params.yaml."""
    return ["" if isinstance(item, dict) else item for item in STAGES[stage]["params"]]


@pytest.mark.parametrize("module", modules())
def test_imports_go_one_way(module):
    allowed = next((names for room, names in ROOMS.items() if any(fnmatch(module, name) for name in room.split())), None)
    assert allowed is not None, f"{module} has no room yet: say in ROOMS what it may import"
    for file in imports(PACKAGE / f"{module.replace('.', '/')}.py"):
        imported = ".".join(file.relative_to(PACKAGE).with_suffix("").parts)
        assert any(fnmatch(imported, name) for name in allowed.split()), f"{module} must not import {imported}"


@pytest.mark.parametrize("package", ["hnn", "hnn.systems", "hnn.models"])
def test_packages_hold_nothing_that_a_stage_would_depend_on(package):
    path = SRC / package.replace(".", "/") / "__init__.py"
    assert not imports(path)
    for node in ast.parse(path.read_text()).body[1:]:
        assert (
            isinstance(node, ast.Import | ast.ImportFrom)
            or (isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__")
            or (isinstance(node, ast.FunctionDef) and node.name == "__getattr__")
        ), ast.unparse(node)


@pytest.mark.parametrize("stage", STAGES)
def test_deps_are_exactly_what_the_stage_imports_finds_and_reads(stage):
    name = script(stage)
    static = {path.relative_to(ROOT).as_posix() for path in closure(ROOT / "stages" / f"{name}.py")}
    folders = tuple(f"{path}/" for path in DYNAMIC[name])  # one stands for all that is in it
    static = {path for path in static if not path.startswith(folders)}
    assert sorted(STAGES[stage]["deps"]) == sorted(static | DYNAMIC[name] | DATA[name])


@pytest.mark.parametrize("module", [name for name in modules() if name.startswith(("systems.", "models."))])
def test_what_a_system_or_a_model_imports_is_a_dep_of_the_stages_that_compute_with_it(module):
    package, name = module.split(".")
    stages = ["simulate", "ingest", "rollout", "truth"] if package == "systems" else ["train", "rollout"]
    for stage in stages:
        for file in closure(PACKAGE / package / f"{name}.py"):
            path = file.relative_to(ROOT).as_posix().replace(f"models/{name}.py", "models/${item.model}.py")
            assert any(path == dep or path.startswith(f"{dep}/") for dep in STAGES[stage]["deps"]), f"{stage} lacks {path}"


@pytest.mark.parametrize("stage", [stage for stage in STAGES if script(stage) != "validate"])
def test_params_are_exactly_those_that_the_stage_reads(stage):
    name = script(stage)
    text = [ast.unparse(node) for node in ast.walk(tree(ROOT / "stages" / f"{name}.py")) if isinstance(node, ast.Attribute)]
    read = {expression.removeprefix("params.") for expression in text if expression.startswith("params.")}
    used = {key.split(".")[0] for key in read if not key.startswith(("tasks", "active"))}
    own = "tasks.${item.task}." if "matrix" in STAGES[stage] else "tasks"
    used |= {own + key.split(".")[1] * ("matrix" in STAGES[stage]) for key in read if key.startswith("tasks[")}
    used -= UNDECLARED
    used |= {"state_tasks", "measured_tasks"} if "active" in read else set()
    used |= {"models", "step_maps"} if "latent_models" in read else set()
    used -= {"latent_models"}
    used |= set(PARAMS) - UNDECLARED if "config.as_written" in text else set()
    used |= {key.split(".")[-1] for key in used if key.startswith("tasks.")} & set(
        SECTIONS
    )  # the task's own values stand over these
    declared = {key if key.startswith("tasks.") else key.split(".")[0] for key in keys(stage)}
    assert declared == used


@pytest.mark.parametrize("stage", STAGES)
def test_declared_params_exist(stage):
    mark = {"${measured_tasks}": "ingest", "${pixel_tasks}": "pretrain"}.get(
        STAGES[stage].get("matrix", {}).get("task"), "simulate"
    )
    tasks = [task for task, values in PARAMS["tasks"].items() if mark in values]
    assert tasks
    for key in keys(stage):
        for task in tasks:
            value = PARAMS
            for part in filter(None, key.replace("${item.task}", task).split(".")):
                assert part in value, f"{stage}: {key} is not in params.yaml"
                value = value[part]


def test_every_script_is_a_stage_and_every_stage_a_script():
    assert sorted({script(stage) for stage in STAGES}) == SCRIPTS


@pytest.mark.parametrize("name", SCRIPTS)
def test_stages_are_short(name):
    assert len((ROOT / "stages" / f"{name}.py").read_text().splitlines()) <= 45


def test_names_of_cells_cannot_collide():
    systems, models = (sorted(path.stem for path in (PACKAGE / folder).glob("[!_]*.py")) for folder in ("systems", "models"))
    for name in [*PARAMS["tasks"], *PARAMS["state_tasks"], *PARAMS["measured_tasks"], *PARAMS["models"], *systems, *models]:
        assert set(name) <= set("abcdefghijklmnopqrstuvwxyz0123456789_"), name
    assert "truth" not in models  # the name of the exact field's cells


def test_artifacts_are_exactly_the_trained_cells():
    cells = [f"{task}-{model}" for task in PARAMS["state_tasks"] for model in PARAMS["models"]]
    (pattern,) = STAGES["train"]["outs"]
    cells += [
        f"{task}-{model}-{step_map}"
        for task in PARAMS["pixel_tasks"]
        for model in PARAMS["models"]
        for step_map in PARAMS["step_maps"]
    ]
    assert {name: artifact["path"] for name, artifact in DVC["artifacts"].items()} == {
        cell.replace("_", "-"): pattern.replace("${key}", cell) for cell in cells
    }


def test_cells_of_states_declare_every_parameter_of_their_recipe_and_none_of_pixels():
    declared = {key.split(".")[1] for key in keys("train") if key.startswith("train.")}
    assert declared == set(Descent.model_fields) | {"batch", "validation"}
