"""Checks of params.yaml against systems and models: constants, initial distributions, integrators."""

import dataclasses
import inspect
from pathlib import Path
from typing import Any

from pydantic import NonNegativeFloat, PositiveFloat, ValidationError, create_model

from hnn.core import registry
from hnn.models.base import Model
from hnn.params.base import Section, describe_error, hint
from hnn.params.loading import InvalidParams, read_raw, validate_schema
from hnn.params.schema import Params
from hnn.systems.base import System

__all__ = ["load_checked_params"]


def load_checked_params(path: Path = Path("params.yaml")) -> Params:
    """The parameters of a file, checked completely: types and ranges, constants of systems, integrators.

    Raises `InvalidParams` with a line for each mistake.
    """
    raw = read_raw(path)
    params, problems = validate_schema(raw)
    problems += check_integrators(params) + check_losses(params) if params else []
    for name, task in raw["tasks"].items() if isinstance(raw.get("tasks"), dict) else ():
        problems += check_physics(task, f"tasks.{name}.") if isinstance(task, dict) else []
    if problems or params is None:
        raise InvalidParams("\n".join(f"{path}: {problem}" for problem in problems))
    return params


def check_physics(task: dict[str, Any], prefix: str) -> list[str]:
    """A line for each mistake in a task's system, its constants and the distributions of its initial states."""
    constants, simulate = task.get("system"), task.get("simulate")
    if not isinstance(constants, dict):
        return []
    known, name = registry.names("systems"), str(constants.get("name"))
    if name not in known:
        return [f"{prefix}system.name: given {name!r}; {hint(name, known)}"]
    system = registry.find("systems", name, System)  # type: ignore[type-abstract]
    fields = {f.name: PositiveFloat if f.type is float else f.type for f in dataclasses.fields(system)}  # type: ignore[arg-type]
    problems = check_values(fields, constants, "name", f"{prefix}system")
    for key in ("distribution", "published_distribution", "outside_distribution"):
        given = simulate.get(key) if isinstance(simulate, dict) else None
        problems += check_distribution(system, given, f"{prefix}simulate.{key}") if isinstance(given, dict) else []
    return problems or check_outside(simulate, f"{prefix}simulate.outside_distribution")


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
    problems = check_values(dict.fromkeys(options, NonNegativeFloat), given, "shape", path)
    if not problems and {"low", "high"} <= set(options) and float(given["low"]) > float(given["high"]):
        return [f"{path}.low: given {given['low']!r}, must be at most {path}.high, {given['high']!r}"]
    return problems


def check_integrators(params: Params) -> list[str]:
    """A line for each integrator that the models of the active tasks do not allow."""
    entangled = [name for name in params.models if not model_class(name).separable]
    used: dict[tuple[str, str], list[str]] = {}
    for task in params.active if entangled else ():
        p = params.tasks[task]
        used.setdefault(("rollout", p.rollout.integrator), []).append(task)
        if p.train is not None and losses_of(params, task) != {"derivative"}:
            used.setdefault(("train", p.train.integrator), []).append(task)
    learned = f"no such H is learned by {', '.join(entangled)}; allowed:"
    return [
        f"{section}.integrator: given {name!r} for {', '.join(tasks)}; it splits H = T(p) + V(q), and "
        f"{learned} {ALLOWED[section]}"
        for (section, name), tasks in sorted(used.items())
        if name in ("leapfrog", "yoshida4")
    ]


ALLOWED = {"rollout": "dop853, gauss, rk4, implicit_midpoint", "train": "rk4, implicit_midpoint"}
"""Integrators for any field, by section."""


def check_losses(params: Params) -> list[str]:
    """A line for each model or task whose loss of trajectories makes no sense."""
    problems = [
        f"pixel_models: given {name!r}, which is fitted to observed states by the loss {model_class(name).loss}, "
        "and pixel tasks have frames; put it under models"
        for name in params.pixel_models
        if params.pixel_tasks and model_class(name).loss
    ]
    forward: dict[tuple[str, str], list[str]] = {}
    for task in params.active:
        p = params.tasks[task]
        section, given = ("simulate", p.simulate) if p.simulate else ("ingest", p.ingest)
        if given and given.derivative in ("forward", "published") and "joint" in losses_of(params, task):
            forward.setdefault((section, given.derivative), []).append(task)
    problems += [
        f"{section}.derivative: given {name!r} for {', '.join(tasks)}; the loss joint matches derivatives at states, and a "
        "forward difference is the derivative between two; allowed: central, or models and train.loss without joint"
        for (section, name), tasks in forward.items()
    ]
    return problems


def losses_of(params: Params, task: str) -> set[str]:
    """The losses that the models of a task whose states are observed are trained with."""
    train = params.tasks[task].train
    return {model_class(name).loss or train.loss for name in params.models} if train else set()


def model_class(name: str) -> type[Model]:
    """The model of hnn/models/<name>.py."""
    return registry.find("models", name, Model)  # type: ignore[type-abstract]


def check_values(fields: dict[str, Any], given: dict[str, Any], name: str, path: str) -> list[str]:
    """A line for each mistake in `given`, apart from its key `name`, as values of `fields`."""
    schema = create_model("Constants", __base__=Section, **{key: (kind, ...) for key, kind in fields.items()})  # type: ignore[call-overload]
    try:
        schema.model_validate({key: value for key, value in given.items() if key != name})
    except ValidationError as error:
        return [describe_error(e, path) for e in error.errors()]
    return []
