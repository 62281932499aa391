"""A section of params.yaml in general: keys are as declared, and what is refused is said in plain words."""

import dataclasses
import difflib
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import BaseModel, ConfigDict, PositiveInt, TypeAdapter, ValidationError, model_validator
from pydantic_core import ErrorDetails, PydanticCustomError

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

__all__ = ["Section", "describe_error", "hint", "word_or_count"]

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


def hint(given: str, known: Iterable[str]) -> str:
    """What to do about an unknown name."""
    near = difflib.get_close_matches(str(given), list(known), n=1)
    return (f"did you mean {near[0]!r}? " if near else "") + f"known: {', '.join(known)}"


def word_or_count(value: Any, word: str) -> Any:
    """The word or a positive whole number: one message, where a union would give one for each of its kinds."""
    try:
        return word if value == word else TypeAdapter(PositiveInt).validate_python(value)
    except ValidationError:
        raise PydanticCustomError("count", "must be {word} or a positive whole number", {"word": word}) from None


OWN_ERRORS = {"unknown", "truth", "origin", "name", "twice", "none", "frames"}
"""Types of the errors raised in this package whose message already says what was given."""


def describe_error(error: ErrorDetails, prefix: str = "") -> str:
    """The key's path, what was given, what is allowed."""
    own = error["type"] in OWN_ERRORS
    key = [error["ctx"]["key"]] if own and "key" in error.get("ctx", {}) else []  # of the section that `loc` leads to
    path = ".".join(filter(None, [prefix, *map(str, error["loc"]), *key]))
    if error["type"] == "missing":
        return f"{path}: is missing"
    text = error["msg"].replace("Input should", "must")
    return f"{path}: {text}" if own else f"{path}: given {error['input']!r}, {text}"
