"""params.yaml to validated objects: the whole file is checked before anything is computed."""

import dataclasses
import inspect
from pathlib import Path
from typing import Any

import yaml
from pydantic import NonNegativeFloat, PositiveFloat, ValidationError, create_model
from pydantic_core import ErrorDetails

from hnn import registry
from hnn.errors import Refused
from hnn.schema import OWN_ERRORS, STAGES, Params
from hnn.strict import Section, hint

__all__ = ["InvalidParams", "as_written", "load"]


class InvalidParams(Refused, ValueError):
    """One line for each thing that is wrong: the key's path, what was given, what is allowed."""


def load(path: Path = Path("params.yaml")) -> Params:
    """The validated parameters of a file; raises `InvalidParams` with a line for each mistake."""
    try:
        raw = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise InvalidParams(f"{path}: there is no such file; run in the project's folder") from None
    except yaml.YAMLError as error:
        raise InvalidParams(f"{path}: is not YAML: {' '.join(str(error).split())}") from None
    if not isinstance(raw, dict):
        raise InvalidParams(f"{path}: given {raw!r}, must be a mapping of sections")
    try:
        params = Params.model_validate(with_defaults(raw))
        problems = check_integrators(params)
    except ValidationError as error:
        problems = [describe(e) for e in error.errors() if not inherited(raw, e)]
    for name, task in raw["tasks"].items() if isinstance(raw.get("tasks"), dict) else ():
        problems += check_physics(task, f"tasks.{name}.") if isinstance(task, dict) else []
    if problems:
        raise InvalidParams("\n".join(f"{path}: {problem}" for problem in problems))
    return params


def as_written(path: Path = Path("params.yaml")) -> str:
    """The parameters of a file as YAML without comments, for a reader of the report.

    `compute` is left out: where a run computes changes nothing that it writes, and so must not change the report either.
    """
    raw = yaml.safe_load(path.read_text(encoding="utf-8"))
    kept = {key: value for key, value in raw.items() if key != "compute"}
    return str(yaml.safe_dump(kept, sort_keys=False, allow_unicode=True))


def with_defaults(raw: dict[str, Any]) -> dict[str, Any]:
    """`raw` with each stage's defaults under every task's own values; what is not a mapping is left to validation."""

    def complete(task: Any) -> Any:
        """A task with the defaults under it."""
        if not isinstance(task, dict):
            return task
        merged = dict(task)
        for name in STAGES:
            defaults, own = raw.get(name), task.get(name, {} if name in ("train", "rollout") else None)
            if isinstance(defaults, dict) and isinstance(own, dict):
                merged[name] = {**defaults, **own}
        return merged

    tasks = raw.get("tasks")
    return {**raw, "tasks": {name: complete(task) for name, task in tasks.items()}} if isinstance(tasks, dict) else raw


def inherited(raw: dict[str, Any], error: ErrorDetails) -> bool:
    """Whether a task's error is only that of a stage's defaults, which is reported there."""
    loc = error["loc"]
    if len(loc) < 3 or loc[0] != "tasks" or loc[2] not in STAGES:
        return False
    section = str(loc[2])
    key = error.get("ctx", {}).get("key", loc[3] if len(loc) > 3 else None)
    own, defaults = raw["tasks"][loc[1]].get(section), raw.get(section)
    known = set(STAGES[section].model_fields) | set(defaults if isinstance(defaults, dict) else ())
    return key not in (own if isinstance(own, dict) else ()) and key in known


def check_physics(task: dict[str, Any], prefix: str) -> list[str]:
    """What is wrong with a task's system, its constants and the distributions of its initial states."""
    constants, simulate = task.get("system"), task.get("simulate")
    if not isinstance(constants, dict):
        return []
    known, name = registry.names("systems"), str(constants.get("name"))
    if name not in known:
        return [f"{prefix}system.name: given {name!r}; {hint(name, known)}"]
    system = registry.find("systems", name, object)
    fields = {f.name: PositiveFloat if f.type is float else f.type for f in dataclasses.fields(system)}  # type: ignore[arg-type]
    problems = check(fields, constants, "name", f"{prefix}system")
    for key in ("distribution", "published_distribution", "outside_distribution"):
        given = simulate.get(key) if isinstance(simulate, dict) else None
        problems += check_distribution(system, given, f"{prefix}simulate.{key}") if isinstance(given, dict) else []
    return problems or check_outside(simulate, f"{prefix}simulate.outside_distribution")


def check_outside(simulate: Any, path: str) -> list[str]:
    """What is wrong with the out-of-distribution starts where that can be told: of the same shape, they must reach farther."""
    inner, outer = (
        simulate.get(key) if isinstance(simulate, dict) else None for key in ("distribution", "outside_distribution")
    )
    if not isinstance(inner, dict) or not isinstance(outer, dict) or inner["shape"] != outer["shape"]:
        return []
    farther = [key for key in inner if key not in ("shape", "low") and float(outer[key]) > float(inner[key])]
    reach = ", ".join(f"{key} {inner[key]}" for key in inner if key not in ("shape", "low"))
    return [] if farther else [f"{path}: given {outer!r}, must reach farther than the training data's {reach}"]


def check_distribution(system: Any, given: dict[str, Any], path: str) -> list[str]:
    """What is wrong with a distribution of initial states: the options of a shape are the arguments of the system's method."""
    shape = str(given.get("shape"))
    if shape not in system.shapes:
        return [f"{path}.shape: given {shape!r}; {hint(shape, system.shapes)}"]
    options = list(inspect.signature(getattr(system, shape)).parameters)[3:]  # after self, generator, count
    problems = check(dict.fromkeys(options, NonNegativeFloat), given, "shape", path)
    if not problems and {"low", "high"} <= set(options) and float(given["low"]) > float(given["high"]):
        return [f"{path}.low: given {given['low']!r}, must be at most {path}.high, {given['high']!r}"]
    return problems


def check_integrators(params: Params) -> list[str]:
    """Which active cells are to be rolled out with a method that their models do not allow."""
    entangled = [model for model in params.models if not registry.find("models", model, object).separable]  # type: ignore[attr-defined]
    tasks: dict[str, list[str]] = {}
    for task in params.active if entangled else ():
        tasks.setdefault(params.tasks[task].rollout.integrator, []).append(task)
    learned = f"no such H is learned by {', '.join(entangled)}; allowed: dop853, gauss, rk4, implicit_midpoint"
    return [
        f"rollout.integrator: given {name!r} for {', '.join(tasks[name])}; it splits H = T(p) + V(q), and {learned}"
        for name in ("leapfrog", "yoshida4")
        if name in tasks
    ]


def check(fields: dict[str, Any], given: dict[str, Any], name: str, path: str) -> list[str]:
    """What is wrong with `given`, apart from its key `name`, as values of `fields`."""
    schema = create_model("Constants", __base__=Section, **{key: (kind, ...) for key, kind in fields.items()})  # type: ignore[call-overload]
    try:
        schema.model_validate({key: value for key, value in given.items() if key != name})
    except ValidationError as error:
        return [describe(e, path) for e in error.errors()]
    return []


def describe(error: ErrorDetails, prefix: str = "") -> str:
    """The key's path, what was given, what is allowed."""
    own = error["type"] in OWN_ERRORS
    key = [error["ctx"]["key"]] if own and "key" in error.get("ctx", {}) else []  # of the section that `loc` leads to
    path = ".".join(filter(None, [prefix, *map(str, error["loc"]), *key]))
    if error["type"] == "missing":
        return f"{path}: is missing"
    text = error["msg"].replace("Input should", "must")
    return f"{path}: {text}" if own else f"{path}: given {error['input']!r}, {text}"
