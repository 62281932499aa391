"""params.yaml to validated objects: the whole file is checked before anything is computed."""

import dataclasses
import difflib
import inspect
from pathlib import Path
from typing import Annotated, Any, Literal, Self

import yaml
from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    NonNegativeFloat,
    NonNegativeInt,
    PositiveFloat,
    PositiveInt,
    TypeAdapter,
    ValidationError,
    create_model,
    field_validator,
    model_validator,
)
from pydantic_core import ErrorDetails, PydanticCustomError

from hnn import registry
from hnn.errors import Refused

__all__ = ["InvalidParams", "Params", "Task", "load"]

Count = Annotated[int, Field(ge=2)]
Fraction = Annotated[float, Field(ge=0, lt=1)]
Name = Annotated[str, Field(pattern="^[a-z][a-z0-9_]*$")]


class InvalidParams(Refused, ValueError):
    """One line for each thing that is wrong: the key's path, what was given, what is allowed."""


class Section(BaseModel):
    """Keys are as declared and no others; a truth value is not a number; numbers are finite however they are written."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    @model_validator(mode="before")
    @classmethod
    def check_keys(cls, values: Any) -> Any:
        """Refuse a key that is not known, naming the nearest one that is."""
        for key, value in values.items() if isinstance(values, dict) else ():
            if key not in cls.model_fields:
                raise PydanticCustomError(
                    "unknown", "unknown key '{key}'; {hint}", {"key": key, "hint": hint(key, cls.model_fields)}
                )
            if isinstance(value, bool):
                raise PydanticCustomError(
                    "truth", "{key} given {value}; no key takes a truth value", {"key": key, "value": value}
                )
        return values


def hint(given: str, known: Any) -> str:
    """What to do about an unknown name."""
    near = difflib.get_close_matches(str(given), list(known), n=1)
    return (f"did you mean {near[0]!r}? " if near else "") + f"known: {', '.join(known)}"


class Network(Section):
    """The network inside every model."""

    hidden: PositiveInt
    layers: PositiveInt
    activation: Literal["tanh", "softplus", "silu", "relu"]


class Simulate(Section):
    """Defaults of the stage simulate."""

    tolerance: Annotated[float, Field(ge=1e-13, le=1e-3)]
    certificate: PositiveFloat
    starts: PositiveInt
    long: Annotated[float, Field(ge=1)]
    long_points: Count


class TaskSimulate(Simulate):
    """One simulated task: training data, and the starts and horizon of its rollouts."""

    train: PositiveInt
    test: PositiveInt
    duration: PositiveFloat
    points: Count
    noise_q: NonNegativeFloat
    noise_p: NonNegativeFloat
    distribution: dict[str, Any]
    horizon: PositiveFloat
    horizon_points: Count
    published_distribution: dict[str, Any] | None = None


class Ingest(Section):
    """Defaults of the stage ingest."""

    archive: str
    sha256: Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
    derivative: Literal["central", "forward"]
    test: Annotated[float, Field(gt=0, lt=1)]
    starts: PositiveInt


class TaskIngest(Ingest):
    """One measured task."""

    member: str
    trial: NonNegativeInt
    horizon_points: Count


class Train(Section):
    """How a fit is made: see `hnn.training.fit`."""

    steps: PositiveInt
    batch: Literal["full"] | PositiveInt
    learning_rate: PositiveFloat
    schedule: Literal["constant", "one_cycle"]
    weight_decay: NonNegativeFloat
    gradient_clip: NonNegativeFloat
    validation: Fraction

    @field_validator("batch", mode="plain")
    @classmethod
    def check_batch(cls, value: Any) -> int | Literal["full"]:
        """`full` or a positive whole number: one message, where a union would give one for each of its kinds."""
        if value == "full":
            return "full"
        try:
            return TypeAdapter(PositiveInt).validate_python(value)
        except ValidationError:
            raise PydanticCustomError("batch", "must be full or a positive whole number") from None


class Rollout(Section):
    """Defaults of the stage rollout."""

    integrator: Literal["dop853", "rk4", "leapfrog", "yoshida4", "implicit_midpoint"]
    step: PositiveFloat
    tolerance: Annotated[float, Field(ge=1e-13, le=1e-3)]
    draws: PositiveInt


class TaskRollout(Rollout):
    """One task's rollouts."""

    published_energy: Literal["hamiltonian", "twice_hamiltonian", "squared_radius"] | None = None


class Task(Section):
    """A named data set: a system with its constants, and each stage's defaults with this task's own values over them."""

    system: dict[str, Any]
    simulate: TaskSimulate | None = None
    ingest: TaskIngest | None = None
    train: Train
    rollout: TaskRollout

    @model_validator(mode="after")
    def check_origin(self) -> Self:
        """Refuse a task that is neither simulated nor measured, or both."""
        if (self.simulate is None) == (self.ingest is None):
            raise PydanticCustomError("origin", "needs either simulate (a simulated task) or ingest (a measured one)")
        return self


class Params(Section):
    """All of params.yaml."""

    state_tasks: list[Name]
    measured_tasks: list[Name]
    models: Annotated[list[Name], Field(min_length=1)]
    seed: NonNegativeInt
    seeds: PositiveInt
    device: Annotated[str, Field(pattern=r"^(auto|cpu|cuda(:\d+)?)$")]
    threads: PositiveInt
    model: Network
    simulate: Simulate
    ingest: Ingest
    train: Train
    rollout: Rollout
    tasks: dict[Name, Task]

    @property
    def active(self) -> list[str]:
        """The tasks that this run is about, simulated ones first."""
        return self.state_tasks + self.measured_tasks

    @model_validator(mode="after")
    def check_lists(self) -> Self:
        """Refuse names in the lists that are unknown, of the wrong kind or there twice."""
        simulated = [name for name, task in self.tasks.items() if task.simulate]
        measured = [name for name, task in self.tasks.items() if task.ingest]
        known = {"state_tasks": simulated, "measured_tasks": measured, "models": registry.names("models")}
        for key, allowed in known.items():
            given: list[str] = getattr(self, key)
            for name in given:
                if name not in allowed:
                    raise PydanticCustomError(
                        "name", "{key}: given {name}; {hint}", {"key": key, "name": repr(name), "hint": hint(name, allowed)}
                    )
                if given.count(name) > 1:
                    raise PydanticCustomError("twice", "{key}: given {name} more than once", {"key": key, "name": repr(name)})
        return self


def load(path: Path = Path("params.yaml")) -> Params:
    """The validated parameters of a file; raises `InvalidParams` with a line for each mistake."""
    try:
        raw = yaml.safe_load(path.read_text())
    except FileNotFoundError:
        raise InvalidParams(f"{path}: there is no such file; run in the project's folder") from None
    except yaml.YAMLError as error:
        raise InvalidParams(f"{path}: is not YAML: {' '.join(str(error).split())}") from None
    if not isinstance(raw, dict):
        raise InvalidParams(f"{path}: given {raw!r}, must be a mapping of sections")
    try:
        params = Params.model_validate(with_defaults(raw))
        problems = []
    except ValidationError as error:
        problems = [describe(e) for e in error.errors() if not inherited(raw, e)]
    for name, task in raw["tasks"].items() if isinstance(raw.get("tasks"), dict) else ():
        problems += check_physics(task, f"tasks.{name}.") if isinstance(task, dict) else []
    if problems:
        raise InvalidParams("\n".join(f"{path}: {problem}" for problem in problems))
    return params


def with_defaults(raw: dict[str, Any]) -> dict[str, Any]:
    """`raw` with each stage's defaults under every task's own values; what is not a mapping is left to validation."""

    def complete(task: Any) -> Any:
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
    if loc[0] != "tasks" or len(loc) < 3 or loc[2] not in STAGES:
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
    for key in ("distribution", "published_distribution"):
        given = simulate.get(key) if isinstance(simulate, dict) else None
        problems += check_distribution(system, given, f"{prefix}simulate.{key}") if isinstance(given, dict) else []
    return problems


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
    path = ".".join([prefix] * bool(prefix) + [str(part) for part in error["loc"]])
    if error["type"] == "missing":
        return f"{path}: is missing"
    said = error["type"] in OWN_ERRORS
    text = (
        error["msg"].replace("Input should", "must")
        if said
        else f"given {error['input']!r}, {error['msg'].replace('Input should', 'must')}"
    )
    return f"{path}: {text}" if path else text


STAGES: dict[str, type[Section]] = {"simulate": Simulate, "ingest": Ingest, "train": Train, "rollout": Rollout}
OWN_ERRORS = {"unknown", "truth", "origin", "name", "twice"}
