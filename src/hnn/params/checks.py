"""Checks of params.yaml against systems and models: constants, initial distributions, integrators."""

import dataclasses
import inspect
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from pydantic import NonNegativeFloat, PositiveFloat, ValidationError, create_model

from hnn.core import registry
from hnn.core.cell import Cell
from hnn.core.errors import Refused
from hnn.models.base import Layout, accepted, find_model, make_model
from hnn.params.base import Section, describe_error, hint
from hnn.params.loading import InvalidParams, read_raw, validate_schema
from hnn.params.schema import Params
from hnn.systems.base import System, find_system, make_system

__all__ = ["check_constants", "load_checked_params"]


def load_checked_params(path: Path = Path("params.yaml")) -> Params:
    """The parameters of a file, checked completely: types and ranges, constants of systems, integrators.

    Raises `InvalidParams` with a line for each mistake.
    """
    raw = read_raw(path)
    params, problems = validate_schema(raw)
    for name, task in raw["tasks"].items() if isinstance(raw.get("tasks"), dict) else ():
        problems += check_physics(task, f"tasks.{name}.") if isinstance(task, dict) else []
    problems += check_friction(params) + check_cells(params) + check_losses(params) if params and not problems else []
    if problems or params is None:
        raise InvalidParams("\n".join(f"{path}: {problem}" for problem in problems))
    return params


def check_physics(task: dict[str, Any], prefix: str) -> list[str]:
    """A line for each mistake in a task's system, its constants and the distributions of its initial states."""
    constants, simulate = task.get("system"), task.get("simulate")
    if not isinstance(constants, dict) or not constants:
        return []
    key = "file" if "file" in constants else "name"
    known, given = registry.names("systems"), constants.get(key)
    if key == "name" and given not in known:
        return [f"{prefix}system.name: given {str(given)!r}; {hint(str(given), known)}"]
    try:
        system = find_system(constants.get("name"), constants.get("file"))
    except Refused as error:
        return [f"{prefix}system.{key}: {error}"]
    problems = check_constants(system, constants, key, f"{prefix}system")
    if key == "file":
        problems = problems or check_own(system, constants, f"{prefix}system.file")
        problems += [
            f"{prefix}{section}: frames are drawn of the systems of src/hnn/systems alone; leave this section out"
            for section in ("render", "pretrain")
            if section in task
        ]
    for name in ("distribution", "published_distribution", "outside_distribution"):
        section = simulate.get(name) if isinstance(simulate, dict) else None
        problems += check_distribution(system, section, f"{prefix}simulate.{name}") if isinstance(section, dict) else []
    return problems or check_outside(simulate, f"{prefix}simulate.outside_distribution")


def check_constants(system: type[System], given: Mapping[str, Any], key: str, path: str) -> list[str]:
    """A line for each mistake in `given`, apart from its key `key`, as constants of a system; numbers must be positive."""
    fields: dict[str, Any] = {}
    for field in dataclasses.fields(system):  # type: ignore[arg-type]
        kind = PositiveFloat if field.type in (float, "float") else field.type
        fields[field.name] = (kind, ... if field.default is dataclasses.MISSING else field.default)
    return check_values(fields, given, key, path)


def check_own(system: type[System], given: dict[str, Any], path: str) -> list[str]:
    """A line if the code of a system of one's own raises an exception for constants that are valid by themselves."""
    source = registry.source_of("systems", file=given["file"])
    try:
        make_system(**given).conservative  # noqa: B018 # what later checks ask first
    except Exception as error:  # of the user's code
        return [f"{path}: {source}: {registry.describe_exception(error, source)}"]
    return []


def check_outside(simulate: Any, path: str) -> list[str]:
    """A line if the out-of-distribution starts have the shape of the training data and do not reach farther."""
    inner, outer = (
        simulate.get(key) if isinstance(simulate, dict) else None for key in ("distribution", "outside_distribution")
    )
    if not isinstance(inner, dict) or not isinstance(outer, dict) or inner["shape"] != outer["shape"]:
        return []
    farther = [key for key in inner if key not in ("shape", "low") and float(outer[key]) > float(inner[key])]
    reach = ", ".join(f"{key} {inner[key]}" for key in inner if key not in ("shape", "low"))
    return [] if farther else [f"{path}: given {outer!r}, must reach farther than the training data's {reach}"]


def check_distribution(system: Any, given: dict[str, Any], path: str) -> list[str]:
    """A line for each mistake in a distribution of initial states, whose keys are the arguments of the system's method."""
    shape = str(given.get("shape"))
    if shape not in system.shapes:
        return [f"{path}.shape: given {shape!r}; {hint(shape, system.shapes)}"]
    options = list(inspect.signature(getattr(system, shape)).parameters)[3:]  # after self, generator, count
    problems = check_values(dict.fromkeys(options, (NonNegativeFloat, ...)), given, "shape", path)
    if not problems and {"low", "high"} <= set(options) and float(given["low"]) > float(given["high"]):
        return [f"{path}.low: given {given['low']!r}, must be at most {path}.high, {given['high']!r}"]
    return problems


def check_friction(params: Params) -> list[str]:
    """A line for each task in a list of tasks with friction that has none, or the other way round."""
    problems = []
    for ideal, with_friction in (("state_tasks", "friction_tasks"), ("pixel_tasks", "friction_pixel_tasks")):
        for key, other, conservative in ((ideal, with_friction, True), (with_friction, ideal, False)):
            for task in getattr(params, key):
                if make_system(**params.tasks[task].system).conservative is not conservative:
                    has = "no friction" if not conservative else "friction"
                    problems.append(f"{key}: given {task!r}, whose system has {has}; it belongs to {other}")
    return problems


def check_cells(params: Params) -> list[str]:
    """A line for each cell that cannot be: a model that cannot learn its task, or whose field the integrator cannot split."""
    cells = params.all_cells()
    refused: dict[tuple[str, str], list[str]] = {}
    entangled: dict[tuple[str, str], dict[str, list[str]]] = {}
    for cell in cells:
        if reason := refusal(params, cell):
            refused.setdefault((cell.model, reason), []).append(cell.task)
    problems = [
        f"models: given {model} for {', '.join(dict.fromkeys(tasks))}; {reason}" for (model, reason), tasks in refused.items()
    ]
    for cell in cells:
        for section, integrator in integrators(params, cell).items() if not refused else ():
            if integrator in SPLITTINGS and not separable(params, cell):
                entangled.setdefault((section, integrator), {}).setdefault(cell.model, []).append(cell.task)
    for (section, integrator), models in entangled.items():
        tasks = dict.fromkeys(task for of_model in models.values() for task in of_model)
        problems.append(
            f"{section}.integrator: given {integrator!r} for {', '.join(tasks)}; it splits H = T(p) + V(q), and no such H is "
            f"learned by {', '.join(models)}; allowed: {ALLOWED[section]}"
        )
    return problems


SPLITTINGS = ("leapfrog", "yoshida4")
"""Integrators that need a separable field."""


def layout(params: Params, cell: Cell) -> Layout:
    """The layout of the states that a cell learns from."""
    system = params.tasks[cell.task].system
    return Layout(make_system(**system).equal_bodies if system else 1, latent=cell.from_pixels)


def refusal(params: Params, cell: Cell) -> str | None:
    """The reason why a model cannot learn its task; None if it can."""
    return find_model(cell.model).refusal(layout(params, cell))


def separable(params: Params, cell: Cell) -> bool:
    """True if the cell's model is separable, which may depend on its options."""
    task = params.tasks[cell.task]
    degrees = len(task.source.positions) if task.source else make_system(**task.system).degrees
    smallest = {**params.model.model_dump(), "hidden": 1, "bodies": layout(params, cell).bodies}
    return make_model(cell.model, degrees, generator=torch.Generator(), **accepted(cell.model, smallest)).separable


ALLOWED = {"rollout": "dop853, gauss, rk4, implicit_midpoint", "train": "rk4, implicit_midpoint"}
"""Integrators for any field, by section."""


def integrators(params: Params, cell: Cell) -> dict[str, str]:
    """The integrators of a cell whose states are observed, by section; none of a cell that sees frames."""
    task = params.tasks[cell.task]
    found: dict[str, str] = {"rollout": task.rollout.integrator}
    if task.source:
        return found
    if cell.from_pixels or task.train is None:
        return {}
    return found if loss_of(params, cell) == "derivative" else found | {"train": task.train.integrator}


def loss_of(params: Params, cell: Cell) -> str:
    """The loss that a cell whose states are observed is trained with."""
    train = params.tasks[cell.task].train
    assert train is not None  # hnn.params.schema: every task whose states are observed has it
    return find_model(cell.model).loss or train.loss


def check_losses(params: Params) -> list[str]:
    """A line for each model or task whose loss of trajectories makes no sense."""
    lists = {"pixel_models": params.pixel_models if params.pixel_tasks else []}
    lists["friction_pixel_models"] = params.friction_pixel_models if params.friction_pixel_tasks else []
    problems = [
        f"{key}: given {name!r}, which is fitted to observed states by the loss {find_model(name).loss}, "
        "and pixel tasks have frames; put it under models"
        for key, names in lists.items()
        for name in names
        if find_model(name).loss
    ]
    forward: dict[tuple[str, str], list[str]] = {}
    for task in params.active:
        p = params.tasks[task]
        losses = {cell.model: loss_of(params, cell) for cell in params.cells(task)}
        if closed := [name for name, loss in losses.items() if loss != "derivative" and find_model(name).closed_form]:
            problems.append(
                f"train.loss: given {losses[closed[0]]!r} for {task}; {', '.join(closed)} is fitted to derivatives in closed "
                "form; allowed: derivative"
            )
        section, data = ("simulate", p.simulate) if p.simulate else ("ingest", p.ingest)
        if data and data.derivative in ("forward", "published") and "joint" in losses.values():
            forward.setdefault((section, data.derivative), []).append(task)
    problems += [
        f"{section}.derivative: given {name!r} for {', '.join(tasks)}; the loss joint matches derivatives at states, and a "
        "forward difference is the derivative between two; allowed: central, or models and train.loss without joint"
        for (section, name), tasks in forward.items()
    ]
    return problems


def check_values(fields: Mapping[str, Any], given: Mapping[str, Any], name: str, path: str) -> list[str]:
    """A line for each mistake in `given`, apart from its key `name`, as values of `fields`: (type, default or ...)."""
    schema = create_model("Constants", __base__=Section, **fields)
    try:
        schema.model_validate({key: value for key, value in given.items() if key != name})
    except ValidationError as error:
        return [describe_error(e, path) for e in error.errors()]
    return []
