"""The sections of params.yaml: one class for each, with the type and range of every key."""

import re
from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import Field, NonNegativeFloat, NonNegativeInt, PositiveFloat, PositiveInt, field_validator, model_validator
from pydantic_core import PydanticCustomError

from hnn.params.base import FILE_NAME, MEMBER, NAME, SHA256, Section, word_or_number

__all__ = [
    "Autoencoder",
    "Compute",
    "Ingest",
    "Name",
    "Network",
    "Optimizer",
    "Pretrain",
    "Recording",
    "Render",
    "Rollout",
    "Simulate",
    "Source",
    "TaskIngest",
    "TaskRender",
    "TaskRollout",
    "TaskSimulate",
    "Train",
    "TrainPixels",
]

Count = Annotated[int, Field(ge=2, le=10**6)]
Starts = Annotated[int, Field(ge=1, le=10**6)]
Fraction = Annotated[float, Field(ge=0, lt=1)]
Name = Annotated[str, Field(pattern=NAME)]
Tolerance = Annotated[float, Field(ge=1e-13, le=1e-3)]


class Compute(Section):
    """The place of computation: see `hnn.parallel.pool.parallel_map`."""

    scheduler: str
    workers: Literal["auto"] | PositiveInt

    @field_validator("scheduler")
    @classmethod
    def check_scheduler(cls, value: str) -> str:
        """Refuse text that is neither `local` nor the address of a Dask scheduler."""
        if value != "local" and not re.fullmatch(r"(tcp|tls)://\S+:\d{1,5}", value):
            raise PydanticCustomError("scheduler", "must be local or a Dask scheduler's address, such as tcp://host:8786")
        return value

    @field_validator("workers", mode="plain")
    @classmethod
    def check_workers(cls, value: Any) -> Any:
        """`auto` or a positive whole number."""
        return word_or_number(value, "auto", "a positive whole number")


class Network(Section):
    """The networks inside the models, and the options of single models: see `hnn.models.base.Model.options`."""

    hidden: PositiveInt
    layers: PositiveInt
    activation: Literal["tanh", "softplus", "silu", "relu"]
    mass_matrix: Literal["of_position", "constant"]
    pair_potential: Literal["of_distance", "of_difference"]
    max_features: PositiveInt


class Simulate(Section):
    """Defaults of the stages simulate and simulate_pixels."""

    data: Literal["per_seed", "shared"]
    """Whether each seed has training data of its own, or all have the same."""
    tolerance: Tolerance
    batch_of_starts: PositiveInt
    max_energy_error: PositiveFloat
    """Upper bound of each error of `hnn.datasets.simulation.certify`: of energy, the closed solution and reversal."""
    derivative: Literal["exact", "central", "forward"]
    starts: Starts
    long_horizon_factor: Annotated[float, Field(ge=1)]
    long_horizon_points: Count


class TaskSimulate(Simulate):
    """One simulated task: training data, and the starts and horizon of its rollouts."""

    train: Starts
    test: Starts
    duration: PositiveFloat
    points: Count
    noise_q: NonNegativeFloat
    noise_p: NonNegativeFloat
    distribution: dict[str, Any]
    horizon: PositiveFloat
    horizon_points: Count
    published_distribution: dict[str, Any] | None = None
    outside_distribution: dict[str, Any] | None = None
    published_horizon_growth: Annotated[float, Field(ge=1)] = 1.0


class Render(Section):
    """Defaults of the stage render: see `hnn.rendering.canvas.Canvas`."""

    pixels: Annotated[int, Field(ge=8, le=512)]
    channels: Literal[1, 3]
    line_width: Annotated[float, Field(gt=0, lt=1)]
    supersampling: Annotated[int, Field(ge=1, le=16)]


class TaskRender(Render):
    """The canvas of one task."""

    centre_x: float
    centre_y: float
    half_width: Literal["auto"] | PositiveFloat

    @field_validator("half_width", mode="plain")
    @classmethod
    def check_half_width(cls, value: Any) -> Any:
        """`auto` or a positive number."""
        return word_or_number(value, "auto", "a positive number")


class Autoencoder(Section):
    """The network between frames and latent states."""

    hidden: PositiveInt
    latent: PositiveInt
    momentum: Literal["difference", "encoded"]

    @field_validator("latent")
    @classmethod
    def check_latent(cls, value: int) -> int:
        """Refuse an odd number: half of the latents are positions, half momenta."""
        if value % 2:
            raise PydanticCustomError("odd", "must be an even number: half of the latents are positions, half momenta")
        return value


class Ingest(Section):
    """Defaults of the stage ingest."""

    archive: Annotated[str, Field(pattern=FILE_NAME)]
    sha256: Annotated[str, Field(pattern=SHA256)]
    derivative: Literal["central", "forward", "published"]
    test: Annotated[float, Field(gt=0, lt=1)]
    starts: PositiveInt


class TaskIngest(Ingest):
    """One measured task."""

    member: Annotated[str, Field(pattern=MEMBER)]
    trial: NonNegativeInt
    horizon_points: Count


class Source(Section):
    """The recording of a task: the columns of the files in data/recordings/<task>, and how they are used."""

    time: Annotated[str, Field(min_length=1)] | None = None
    """Column of the times in s; without one, rows are `time_step` apart."""
    time_step: PositiveFloat | None = None
    positions: Annotated[list[str], Field(min_length=1)]
    velocities: list[str] = Field(default_factory=list)
    """Columns in the order of `positions`; [] if they are estimated from the positions, or `momenta` are given."""
    momenta: list[str] = Field(default_factory=list)
    trial: str | None = None
    """Column that numbers the runs of a file."""
    mass: PositiveFloat = 1.0
    """Momenta are this times the velocities."""
    every: PositiveInt = 1
    """Only each so many rows are used."""
    period: PositiveFloat
    """Characteristic period of the motion in s, the unit in which horizons are quoted."""
    test: Annotated[float, Field(gt=0, lt=1)] | Annotated[list[str], Field(min_length=1)] = 0.2
    """Held out: the last fraction of the trials, or of a single one; or the trials whose names begin so."""

    @model_validator(mode="after")
    def check_columns(self) -> Self:
        """Refuse two origins of the times or of the momenta, and lists of unequal length."""
        if (self.time is None) == (self.time_step is None):
            raise PydanticCustomError("origin", "needs either time, a column, or time_step in s")
        if self.velocities and self.momenta:
            raise PydanticCustomError("origin", "has velocities and momenta; one of them must be []")
        for name in ("velocities", "momenta"):
            if getattr(self, name) and len(getattr(self, name)) != len(self.positions):
                raise PydanticCustomError("origin", "{name} must have as many columns as positions, or none", {"name": name})
        return self


class Recording(Section):
    """Networks and fits of recordings: see `hnn.training.recording.RecordingOptions`."""

    hidden: PositiveInt
    layers: PositiveInt
    activation: Literal["tanh", "softplus", "silu", "relu"]
    steps: PositiveInt
    learning_rate: PositiveFloat
    segments: Annotated[list[PositiveFloat], Field(min_length=1)]
    iterations: PositiveInt


class Optimizer(Section):
    """Optimiser and schedule: see `hnn.training.optimizer.OptimizerOptions`."""

    steps: PositiveInt
    learning_rate: PositiveFloat
    schedule: Literal["constant", "one_cycle"]
    warmup_fraction: Annotated[float, Field(gt=0, lt=1)]
    beta1: Fraction
    beta1_min: Fraction
    beta2: Fraction
    weight_decay: NonNegativeFloat
    gradient_clip: NonNegativeFloat


class PixelLosses(Optimizer):
    """Training from frames: batches of segments, and the weights of the losses of an autoencoder."""

    batch: PositiveInt
    segment: Count
    relative: bool
    reconstruction: NonNegativeFloat
    canonical: NonNegativeFloat


class Pretrain(PixelLosses):
    """Training of an autoencoder: see `hnn.pixels.training.Pretraining`."""

    steps: NonNegativeInt  # 0: no pretraining
    time_unit: PositiveFloat
    blur: Fraction
    rescale_latents_to_std: NonNegativeFloat


class TrainPixels(PixelLosses):
    """Joint training of autoencoder and dynamics: see `hnn.pixels.training.LatentTraining`."""

    dynamics: PositiveFloat
    autoencoder_rate: PositiveFloat
    freeze_autoencoder: bool
    dynamics_only_steps: NonNegativeInt
    dynamics_only_rate: PositiveFloat
    dynamics_only_batch: PositiveInt
    output_layer_segment: NonNegativeInt


class Train(Optimizer):
    """Training of a cell whose states are observed: see `hnn.training.fit.fit`."""

    moved: ClassVar[Mapping[str, str]] = {**Section.moved, **{key: f"train_pixels.{key}" for key in TrainPixels.model_fields}}

    loss: Literal["derivative", "trajectory", "joint"]
    batch: Literal["full"] | PositiveInt
    validation: Fraction
    derivative_weight: PositiveFloat
    segment: PositiveInt
    integrator: Literal["rk4", "leapfrog", "yoshida4", "implicit_midpoint"]
    step: PositiveFloat

    @field_validator("batch", mode="plain")
    @classmethod
    def check_batch(cls, value: Any) -> Any:
        """`full` or a positive whole number."""
        return word_or_number(value, "full", "a positive whole number")


class Rollout(Section):
    """Defaults of the stages rollout, truth and rollout_pixels."""

    integrator: Literal["dop853", "gauss", "rk4", "leapfrog", "yoshida4", "implicit_midpoint"]
    step: PositiveFloat
    tolerance: Tolerance
    allow_mismatch: bool
    batch_of_starts: PositiveInt
    evaluations_per_period: PositiveInt


class TaskRollout(Rollout):
    """One task's rollouts."""

    published_energy: Literal["hamiltonian", "twice_hamiltonian", "three_eighths_hamiltonian", "squared_radius"] | None = None
