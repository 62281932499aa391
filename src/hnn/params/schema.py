"""The schema of params.yaml: its sections, those of each task, and the checks across them."""

from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, Field, NonNegativeInt, PositiveInt, model_validator
from pydantic_core import PydanticCustomError

from hnn.core import registry
from hnn.core.cell import Cell
from hnn.core.errors import Refused
from hnn.params.base import DEVICE, Section, hint
from hnn.params.sections import (
    Autoencoder,
    Compute,
    Ingest,
    Name,
    Network,
    Pretrain,
    Recording,
    Render,
    Rollout,
    Simulate,
    Source,
    TaskIngest,
    TaskRender,
    TaskRollout,
    TaskSimulate,
    Train,
    TrainPixels,
)

__all__ = ["STAGES", "Params", "Task"]


class Task(Section):
    """A named data set: a system or a recording, and each stage's defaults with this task's own values over them."""

    system: dict[str, Any] = Field(default_factory=dict)
    """Name and constants; {} for a recording of an unknown system, which has `source`."""
    source: Source | None = None
    recording: Recording | None = None
    simulate: TaskSimulate | None = None
    ingest: TaskIngest | None = None
    render: TaskRender | None = None
    autoencoder: Autoencoder | None = None
    pretrain: Pretrain | None = None
    train: Train | None = None
    train_pixels: TrainPixels | None = None
    rollout: TaskRollout

    @property
    def from_pixels(self) -> bool:
        """True if the task is seen in frames."""
        return self.pretrain is not None

    @model_validator(mode="after")
    def check_sections(self) -> Self:
        """Refuse a task without exactly one origin of data and one kind of training."""
        if [self.simulate, self.ingest, self.source].count(None) != 2:
            raise PydanticCustomError(
                "origin", "needs one of simulate (a simulated task), ingest (a measured one) and source (a recording of yours)"
            )
        if (self.source is None) != bool(self.system):
            raise PydanticCustomError("origin", "needs system (a known energy) or source (a recording of yours), not both")
        if (self.source is None) != (self.recording is None):
            raise PydanticCustomError("origin", "has recording: a task with source has it, and no other")
        if self.source and (self.train or self.train_pixels or self.pretrain or self.autoencoder or self.render):
            raise PydanticCustomError("origin", "has source: it is trained by recording, and has no train and no frames")
        if self.source:
            return self
        if self.from_pixels and (self.train_pixels is None or self.train is not None or self.render is None):
            raise PydanticCustomError("origin", "has pretrain: a pixel task needs render and train_pixels, and has no train")
        if not self.from_pixels and (self.train is None or self.train_pixels is not None or self.autoencoder is not None):
            raise PydanticCustomError(
                "origin",
                "needs train (states are observed) and no autoencoder, or pretrain and train_pixels (a pixel task)",
            )
        return self


class Tasks(dict[str, Task]):
    """The tasks by name; another name is refused."""

    def __missing__(self, name: str) -> Task:
        raise Refused(f"task: given {name!r}; {hint(name, self)}")


class Params(Section):
    """All of params.yaml."""

    state_tasks: list[Name]
    friction_tasks: list[Name]
    pixel_tasks: list[Name]
    friction_pixel_tasks: list[Name]
    measured_tasks: list[Name]
    recorded_tasks: list[Name]
    step_maps: Annotated[list[Literal["rk4", "euler"]], Field(min_length=1)]
    models: Annotated[list[Name], Field(min_length=1)]
    friction_models: Annotated[list[Name], Field(min_length=1)]
    pixel_models: Annotated[list[Name], Field(min_length=1)]
    friction_pixel_models: Annotated[list[Name], Field(min_length=1)]
    recorded_models: Annotated[list[Name], Field(min_length=1)]
    seed: NonNegativeInt
    seeds: PositiveInt
    device: Annotated[str, Field(pattern=DEVICE)]
    threads: PositiveInt
    compute: Compute
    model: Network
    autoencoder: Autoencoder
    simulate: Simulate
    ingest: Ingest
    render: Render
    pretrain: Pretrain
    train: Train
    recording: Recording
    train_pixels: TrainPixels
    rollout: Rollout
    tasks: Annotated[dict[Name, Task], AfterValidator(Tasks)]

    @property
    def active(self) -> list[str]:
        """The tasks of known systems whose states are observed, simulated ones first."""
        return self.state_tasks + self.friction_tasks + self.measured_tasks

    @property
    def seen(self) -> list[str]:
        """The tasks that are seen only in frames."""
        return self.pixel_tasks + self.friction_pixel_tasks

    def models_of(self, task: str) -> list[str]:
        """The models of an active task; a measured one has friction."""
        if task in self.recorded_tasks:
            return self.recorded_models
        if task in self.friction_tasks + self.measured_tasks:
            return self.friction_models
        if task in self.friction_pixel_tasks:
            return self.friction_pixel_models
        return self.pixel_models if task in self.pixel_tasks else self.models

    def cells(self, task: str) -> list[Cell]:
        """The cells of an active task: its models, and from pixels each through every step map."""
        step_maps = self.step_maps if task in self.seen else [""]
        return [Cell(task, model, step_map) for model in self.models_of(task) for step_map in step_maps]

    def all_cells(self) -> list[Cell]:
        """The cells of all active tasks."""
        return [cell for task in self.active + self.seen + self.recorded_tasks for cell in self.cells(task)]

    @model_validator(mode="after")
    def check_frames(self) -> Self:
        """Refuse pixel tasks whose clips are too short or whose rollouts are not saved once per frame."""
        for name in self.seen:
            task = self.tasks.get(name)
            if task is None or task.simulate is None or task.pretrain is None or task.train_pixels is None:
                continue  # check_lists reports it
            clip = task.simulate
            frame_step = clip.duration / (clip.points - 1)
            horizons = {"horizon_points": clip.horizon, "long_horizon_points": clip.long_horizon_factor * clip.horizon}
            wrong: list[tuple[str, Any, str]] = []
            for key, horizon in horizons.items():
                points = round(horizon / frame_step) + 1
                if getattr(clip, key) != points:
                    wrong.append((f"simulate.{key}", getattr(clip, key), f"{points}: one point per frame, {frame_step:.4g} s"))
            for section, length in (("pretrain", task.pretrain.segment), ("train_pixels", task.train_pixels.segment)):
                if length >= clip.points:
                    wrong.append((f"{section}.segment", length, f"less than the frames of a clip, {clip.points}"))
            for key, given, allowed in wrong:
                context = {"key": f"tasks.{name}.{key}", "given": given, "allowed": allowed}
                raise PydanticCustomError("frames", "given {given}, must be {allowed}", context)
        return self

    @model_validator(mode="after")
    def check_lists(self) -> Self:
        """Refuse names in the lists that are unknown, of the wrong kind or there twice."""
        if not self.active + self.seen + self.recorded_tasks:
            raise PydanticCustomError(
                "none", "given [], as all other lists of tasks, at least one task is needed", {"key": "state_tasks"}
            )
        simulated = [name for name, task in self.tasks.items() if task.simulate and not task.from_pixels]
        pixels = [name for name, task in self.tasks.items() if task.simulate and task.from_pixels]
        measured = [name for name, task in self.tasks.items() if task.ingest]
        recorded = [name for name, task in self.tasks.items() if task.source]
        known = {
            "state_tasks": simulated,
            "friction_tasks": simulated,
            "pixel_tasks": pixels,
            "friction_pixel_tasks": pixels,
            "measured_tasks": measured,
            "recorded_tasks": recorded,
            "models": registry.names("models"),
            "friction_models": registry.names("models"),
            "pixel_models": registry.names("models"),
            "friction_pixel_models": registry.names("models"),
            "recorded_models": registry.names("models"),
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
    "autoencoder": Autoencoder,
    "pretrain": Pretrain,
    "recording": Recording,
    "train": Train,
    "train_pixels": TrainPixels,
    "rollout": Rollout,
}
"""The sections of defaults that a task may override."""
