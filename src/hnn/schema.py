"""What params.yaml may hold: one class for each section, with the type and range of every key."""

import difflib
from typing import Annotated, Any, Literal, Self

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
    field_validator,
    model_validator,
)
from pydantic_core import PydanticCustomError

from hnn import registry

__all__ = ["OWN_ERRORS", "STAGES", "Params", "Section", "Task", "hint"]

Count = Annotated[int, Field(ge=2)]
Fraction = Annotated[float, Field(ge=0, lt=1)]
Name = Annotated[str, Field(pattern="^[a-z][a-z0-9_]*$")]
Tolerance = Annotated[float, Field(ge=1e-13, le=1e-3)]


class Section(BaseModel):
    """Keys are as declared and no others; a truth value is not a number; numbers are finite however they are written."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    @model_validator(mode="before")
    @classmethod
    def check_keys(cls, values: Any) -> Any:
        """Refuse a key that is not known, naming the nearest one that is."""
        for key, value in values.items() if isinstance(values, dict) else ():
            if key not in cls.model_fields:
                context = {"key": str(key), "hint": hint(str(key), cls.model_fields)}
                raise PydanticCustomError("unknown", "unknown key; {hint}", context)
            if isinstance(value, bool):
                context = {"key": key, "value": str(value).lower()}
                raise PydanticCustomError("truth", "given {value}, must not be a truth value", context)
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

    tolerance: Tolerance
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
    tolerance: Tolerance
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
        if not self.active:
            raise PydanticCustomError(
                "none", "given [] and measured_tasks [], at least one task is needed", {"key": "state_tasks"}
            )
        simulated = [name for name, task in self.tasks.items() if task.simulate]
        measured = [name for name, task in self.tasks.items() if task.ingest]
        known = {"state_tasks": simulated, "measured_tasks": measured, "models": registry.names("models")}
        for key, allowed in known.items():
            given: list[str] = getattr(self, key)
            for name in given:
                if name not in allowed:
                    raise PydanticCustomError(
                        "name", "given {name}; {hint}", {"key": key, "name": repr(name), "hint": hint(name, allowed)}
                    )
                if given.count(name) > 1:
                    raise PydanticCustomError("twice", "given {name} more than once", {"key": key, "name": repr(name)})
        return self


STAGES: dict[str, type[Section]] = {"simulate": Simulate, "ingest": Ingest, "train": Train, "rollout": Rollout}
"""The sections of defaults that a task may override."""

OWN_ERRORS = {"unknown", "truth", "origin", "name", "twice", "none"}
"""Errors raised above, whose message says what was given."""
