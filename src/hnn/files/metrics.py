"""The entries of the metrics files, and of the other JSON files that are read: their types, and what must fit within each."""

from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, NonNegativeInt, PositiveFloat, TypeAdapter, ValidationError, model_validator

from hnn.core.recording import About

__all__ = ["check_about", "check_canvas", "check_comparisons", "check_rollout", "check_train"]

SLACK = 1e-9
"""Rounding of the bounds of an interval, relative to their size."""

STRICT = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False)


class IntervalEntry(BaseModel):
    """See `hnn.core.statistics.Interval`."""

    model_config = STRICT

    mean: float | None
    low: float | None
    high: float | None
    geometric: bool = False
    seeds: list[float] = []
    reason: str | None = None
    median: float | None = None
    q1: float | None = None
    q3: float | None = None

    @model_validator(mode="after")
    def check_order(self) -> Self:
        """Refuse a bound or a mean that is missing without a reason, and bounds that do not contain the mean."""
        if self.mean is None or self.low is None or self.high is None:
            if self.reason is None:
                raise ValueError("has neither a mean with its interval nor a reason why")
        elif not self.low - SLACK * abs(self.low) <= self.mean <= self.high + SLACK * abs(self.high):
            raise ValueError(f"mean {self.mean:g} is not between low {self.low:g} and high {self.high:g}")
        return self


class IntegratorEntry(BaseModel):
    """See `hnn.evaluation.integrator_contract.IntegratorCheck`."""

    model_config = STRICT

    method: str
    tolerance: float | None = None
    step: float | None = None
    error: float | None
    share: float | None
    honoured: bool


class DifferenceEntry(BaseModel):
    """See `hnn.reporting.results.Difference`."""

    model_config = STRICT

    ratio: float | None = None
    difference: float | None = None
    low: float | None
    high: float | None
    p: Annotated[float, Field(ge=0, le=1)] | None
    verdict: str


class TermEntry(BaseModel):
    """A term of a formula with its coefficient."""

    model_config = STRICT

    name: str
    coefficient: IntervalEntry


class LawEntry(BaseModel):
    """See `hnn.core.law.Law`."""

    model_config = STRICT

    terms: Annotated[list[TermEntry], Field(min_length=1)]
    true: dict[str, float] | None
    field_r2: IntervalEntry
    r2: IntervalEntry
    library: list[str]
    errors: dict[str, IntervalEntry]


class CanvasEntry(BaseModel):
    """See `hnn.rendering.canvas.Canvas`."""

    model_config = STRICT

    pixels: Annotated[int, Field(ge=1, le=4096)]
    channels: Literal[1, 3]
    line_width: Annotated[float, Field(gt=0, lt=1)]
    supersampling: Annotated[int, Field(ge=1, le=64)]
    centre_x: float
    centre_y: float
    half_width: PositiveFloat


class RenderEntry(BaseModel):
    """The canvas of a task's frames, and the name and constants of the system that they show."""

    model_config = STRICT

    canvas: CanvasEntry
    system: dict[str, str | PositiveFloat]


COMPARISONS: TypeAdapter[Any] = TypeAdapter(dict[str, dict[str, dict[str, dict[str, DifferenceEntry]]]])
"""By task, title, set of starts and quantity."""

INTERVAL, INTEGRATOR, COUNT = TypeAdapter(IntervalEntry), TypeAdapter(IntegratorEntry), TypeAdapter(NonNegativeInt)
LAW, RENDER, ABOUT = TypeAdapter(LawEntry), TypeAdapter(RenderEntry), TypeAdapter(About)


def check_rollout(content: Any) -> Any:
    """The metrics of rollouts: intervals by quantity, of the held-out starts at the top, and by the name of other sets.

    And the `law` of a learned energy. Raises `ValueError` for any other content.
    """
    for name, entry in entries(content):
        if name == "law":
            check(LAW, entry, name)
        elif isinstance(entry, dict) and "mean" not in entry and name != "integrator":
            for quantity, one in entry.items():
                check_metric(f"{name}.{quantity}", quantity, one)
        else:
            check_metric(name, name, entry)
    return content


def check_metric(path: str, name: str, entry: Any) -> None:
    """Raise `ValueError` unless an entry of a set of starts is an interval, the integrator's or the mark of a mismatch."""
    if name == "mismatch":
        if not isinstance(entry, bool):
            raise ValueError(f"{path} is {entry!r}, must be true or false")
    else:
        check(INTEGRATOR if name == "integrator" else INTERVAL, entry, path)


def check_train(content: Any) -> Any:
    """The metrics of training: intervals of losses, and the numbers of parameters and steps; raises `ValueError`."""
    for name, entry in entries(content):
        check(COUNT if name in ("parameters", "steps") else INTERVAL, entry, name)
    if not {"parameters", "steps"} <= set(content):
        raise ValueError("has no number of parameters or steps")
    return content


def entries(content: Any) -> list[tuple[str, Any]]:
    """The entries of a mapping that is not empty; raises `ValueError` for anything else."""
    if not isinstance(content, dict) or not content:
        raise ValueError("is not a mapping of metrics")
    return list(content.items())


def check_comparisons(content: Any) -> Any:
    """The content of metrics/comparisons.json; raises `ValueError` for any other."""
    return check(COMPARISONS, content)


def check_canvas(content: Any) -> Any:
    """The content of the file of a task's frames, see `RenderEntry`; raises `ValueError` for any other."""
    return check(RENDER, content)


def check_about(content: Any) -> Any:
    """The content of the file of a recording, see `hnn.core.recording.About`; raises `ValueError` for any other."""
    return check(ABOUT, content)


def check(kind: TypeAdapter[Any], content: Any, path: str = "") -> Any:
    """The content, if it is of this kind; raises `ValueError` with its first mistake."""
    try:
        kind.validate_python(content)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join([path, *map(str, first["loc"])]).strip(".")
        raise ValueError(f"{where}: {first['msg'].replace('Value error, ', '')}") from None
    return content
