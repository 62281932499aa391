"""What params.yaml may hold: one class for each section, with the type and range of every key."""

import dataclasses
import difflib
import re
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self, TypeVar

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

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

__all__ = ["OWN_ERRORS", "STAGES", "Descent", "Params", "Section", "Task", "hint"]

Count = Annotated[int, Field(ge=2)]
Fraction = Annotated[float, Field(ge=0, lt=1)]
Name = Annotated[str, Field(pattern="^[a-z][a-z0-9_]*$")]
Tolerance = Annotated[float, Field(ge=1e-13, le=1e-3)]

D = TypeVar("D", bound="DataclassInstance")


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
            if isinstance(value, bool) and cls.model_fields[key].annotation is not bool:
                context = {"key": key, "value": str(value).lower()}
                raise PydanticCustomError("truth", "given {value}, must not be a truth value", context)
        return values

    def pick(self, kind: type[D]) -> D:
        """A dataclass whose fields are keys of this section."""
        return kind(**{field.name: getattr(self, field.name) for field in dataclasses.fields(kind)})


def hint(given: str, known: Any) -> str:
    """What to do about an unknown name."""
    near = difflib.get_close_matches(str(given), list(known), n=1)
    return (f"did you mean {near[0]!r}? " if near else "") + f"known: {', '.join(known)}"


def word_or_count(value: Any, word: str) -> Any:
    """The word or a positive whole number: one message, where a union would give one for each of its kinds."""
    try:
        return word if value == word else TypeAdapter(PositiveInt).validate_python(value)
    except ValidationError:
        raise PydanticCustomError("count", "must be {word} or a positive whole number", {"word": word}) from None


class Compute(Section):
    """Where fits and chunks are computed: see `hnn.compute`."""

    scheduler: str
    workers: Literal["auto"] | PositiveInt

    @field_validator("scheduler")
    @classmethod
    def check_scheduler(cls, value: str) -> str:
        """Refuse what is neither this machine nor an address that Dask knows."""
        if value != "local" and not re.fullmatch(r"(tcp|tls)://\S+:\d{1,5}", value):
            raise PydanticCustomError("scheduler", "must be local or a Dask scheduler's address, such as tcp://host:8786")
        return value

    @field_validator("workers", mode="plain")
    @classmethod
    def check_workers(cls, value: Any) -> Any:
        """`auto` or a positive whole number."""
        return word_or_count(value, "auto")


class Network(Section):
    """The network inside every model."""

    hidden: PositiveInt
    layers: PositiveInt
    activation: Literal["tanh", "softplus", "silu", "relu"]


class Simulate(Section):
    """Defaults of the stage simulate."""

    tolerance: Tolerance
    chunk: PositiveInt
    threads: PositiveInt
    certificate: PositiveFloat
    derivative: Literal["exact", "central", "forward"]
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
    outside_distribution: dict[str, Any] | None = None
    published_stretch: Annotated[float, Field(ge=1)] = 1.0


class Render(Section):
    """Defaults of the stage render: see `hnn.rendering.Canvas`."""

    size: Annotated[int, Field(ge=8, le=512)]
    channels: Literal[1, 3]
    line_width: Annotated[float, Field(gt=0, lt=1)]
    supersampling: Annotated[int, Field(ge=1, le=16)]


class TaskRender(Render):
    """The canvas of one task."""

    centre_x: float
    centre_y: float
    half_width: PositiveFloat


class Autoencoder(Section):
    """The network between frames and latent states."""

    hidden: PositiveInt
    latent: PositiveInt

    @field_validator("latent")
    @classmethod
    def check_latent(cls, value: int) -> int:
        """Refuse an odd number: half of the latents are positions, half momenta."""
        if value % 2:
            raise PydanticCustomError("odd", "must be an even number: half of the latents are positions, half momenta")
        return value


class Ingest(Section):
    """Defaults of the stage ingest."""

    archive: str
    sha256: Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
    derivative: Literal["central", "forward", "published"]
    test: Annotated[float, Field(gt=0, lt=1)]
    starts: PositiveInt


class TaskIngest(Ingest):
    """One measured task."""

    member: str
    trial: NonNegativeInt
    horizon_points: Count


class Descent(Section):
    """How a loss is minimised: see `hnn.recipe.Recipe`."""

    steps: PositiveInt
    learning_rate: PositiveFloat
    schedule: Literal["constant", "one_cycle"]
    rise: Annotated[float, Field(gt=0, lt=1)]
    beta1: Fraction
    beta1_at_peak: Fraction
    beta2: Fraction
    weight_decay: NonNegativeFloat
    gradient_clip: NonNegativeFloat
    threads: PositiveInt


class Pretrain(Descent):
    """How an autoencoder is fitted: see `hnn.pixel_options.Pretraining`."""

    steps: NonNegativeInt  # 0: not at all
    batch: PositiveInt
    segment: Count
    time_unit: PositiveFloat
    blur: Fraction
    latent_std: NonNegativeFloat
    relative: bool
    reconstruction: NonNegativeFloat
    canonical: NonNegativeFloat


class Train(Descent):
    """How a cell is fitted: see `hnn.training.fit`, and `hnn.pixel_options.LatentTraining` for what only pixels need."""

    batch: Literal["full"] | PositiveInt
    validation: Fraction
    segment: Count
    relative: bool
    reconstruction: NonNegativeFloat
    canonical: NonNegativeFloat
    dynamics: PositiveFloat
    autoencoder_rate: PositiveFloat
    freeze_autoencoder: bool
    settle: NonNegativeInt
    settle_rate: PositiveFloat
    settle_batch: PositiveInt

    @field_validator("batch", mode="plain")
    @classmethod
    def check_batch(cls, value: Any) -> Any:
        """`full` or a positive whole number."""
        return word_or_count(value, "full")


class Rollout(Section):
    """Defaults of the stage rollout."""

    integrator: Literal["dop853", "gauss", "rk4", "leapfrog", "yoshida4", "implicit_midpoint"]
    step: PositiveFloat
    tolerance: Tolerance
    allow_mismatch: bool
    draws: PositiveInt
    chunk: PositiveInt
    threads: PositiveInt


class TaskRollout(Rollout):
    """One task's rollouts."""

    published_energy: Literal["hamiltonian", "twice_hamiltonian", "three_eighths_hamiltonian", "squared_radius"] | None = None


class Task(Section):
    """A named data set: a system with its constants, and each stage's defaults with this task's own values over them."""

    system: dict[str, Any]
    simulate: TaskSimulate | None = None
    ingest: TaskIngest | None = None
    render: TaskRender | None = None
    pretrain: Pretrain | None = None
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
    pixel_tasks: list[Name]
    measured_tasks: list[Name]
    step_maps: Annotated[list[Literal["rk4", "euler"]], Field(min_length=1)]
    models: Annotated[list[Name], Field(min_length=1)]
    seed: NonNegativeInt
    seeds: PositiveInt
    device: Annotated[str, Field(pattern=r"^(auto|cpu|cuda(:\d+)?)$")]
    compute: Compute
    model: Network
    autoencoder: Autoencoder
    simulate: Simulate
    ingest: Ingest
    render: Render
    pretrain: Pretrain
    train: Train
    rollout: Rollout
    tasks: dict[Name, Task]

    @property
    def active(self) -> list[str]:
        """The tasks whose states are observed, simulated ones first."""
        return self.state_tasks + self.measured_tasks

    @property
    def latent_models(self) -> list[str]:
        """The cells of a pixel task: each model trained through each step map."""
        return [f"{model}-{step_map}" for model in self.models for step_map in self.step_maps]

    @model_validator(mode="after")
    def check_frames(self) -> Self:
        """Refuse pixel tasks whose clips are too short, or whose rollouts are not saved once per frame."""
        for name in self.pixel_tasks:
            task = self.tasks.get(name)
            if task is None or task.simulate is None or task.pretrain is None:
                continue  # check_lists says so
            clip = task.simulate
            frame_step = clip.duration / (clip.points - 1)
            seconds = {"horizon_points": clip.horizon, "long_points": clip.long * clip.horizon}
            due = {key: round(total / frame_step) + 1 for key, total in seconds.items()}
            wrong: list[tuple[str, Any, str]] = [
                (f"simulate.{key}", getattr(clip, key), f"{points}: one point each frame, {frame_step:.4g} s")
                for key, points in due.items()
                if getattr(clip, key) != points
            ]
            recipes: dict[str, Pretrain | Train] = {"pretrain": task.pretrain, "train": task.train}
            for section, recipe in recipes.items():
                if recipe.batch == "full":
                    wrong.append((f"{section}.batch", "full", "a positive whole number: frame pairs are drawn"))
                if recipe.segment >= clip.points:
                    wrong.append((f"{section}.segment", recipe.segment, f"less than the frames of a clip, {clip.points}"))
            for key, given, allowed in wrong:
                context = {"key": f"tasks.{name}.{key}", "given": given, "allowed": allowed}
                raise PydanticCustomError("frames", "given {given}, must be {allowed}", context)
        return self

    @model_validator(mode="after")
    def check_lists(self) -> Self:
        """Refuse names in the lists that are unknown, of the wrong kind or there twice."""
        if not self.active + self.pixel_tasks:
            raise PydanticCustomError(
                "none", "given [], pixel_tasks [] and measured_tasks [], at least one task is needed", {"key": "state_tasks"}
            )
        simulated = [name for name, task in self.tasks.items() if task.simulate and name not in self.pixel_tasks]
        pixels = [name for name, task in self.tasks.items() if task.simulate and task.render and task.pretrain]
        measured = [name for name, task in self.tasks.items() if task.ingest]
        known = {
            "state_tasks": simulated,
            "pixel_tasks": pixels,
            "measured_tasks": measured,
            "models": registry.names("models"),
            "step_maps": ["rk4", "euler"],
        }
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


STAGES: dict[str, type[Section]] = {
    "simulate": Simulate,
    "ingest": Ingest,
    "render": Render,
    "pretrain": Pretrain,
    "train": Train,
    "rollout": Rollout,
}
"""The sections of defaults that a task may override."""

OWN_ERRORS = {"unknown", "truth", "origin", "name", "twice", "none", "frames"}
"""Errors raised above, whose message says what was given."""
