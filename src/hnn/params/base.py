"""The base of every section of params.yaml: strict keys and readable errors."""

import dataclasses
import difflib
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, TypeVar

from pydantic import (
    AllowInfNan,
    BaseModel,
    ConfigDict,
    PositiveFloat,
    PositiveInt,
    TypeAdapter,
    ValidationError,
    model_validator,
)
from pydantic_core import ErrorDetails, PydanticCustomError

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

__all__ = [
    "DEVICE",
    "FILE_NAME",
    "MEMBER",
    "NAME",
    "PATTERNS",
    "SHA256",
    "Section",
    "describe_error",
    "hint",
    "word_or_number",
]

D = TypeVar("D", bound="DataclassInstance")


RENAMED = {
    "certificate": "max_energy_error",
    "rise": "warmup_fraction",
    "beta1_at_peak": "beta1_min",
    "long": "long_horizon_factor",
    "long_points": "long_horizon_points",
    "settle": "dynamics_only_steps",
    "settle_rate": "dynamics_only_rate",
    "settle_batch": "dynamics_only_batch",
    "latent_std": "rescale_latents_to_std",
    "chunk": "batch_of_starts",
    "published_stretch": "published_horizon_growth",
    "size": "pixels",
}
"""Keys of older versions and their names now."""


class Section(BaseModel):
    """A mapping with the declared keys and no others; no text is taken for a number or truth value; numbers are finite."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False, strict=True)

    moved: ClassVar[Mapping[str, str]] = {"threads": "threads, at the top level"}
    """Keys that older versions had here, and where they are now."""

    @model_validator(mode="before")
    @classmethod
    def check_keys(cls, values: Any) -> Any:
        """Refuse an unknown key, with the name that is probably meant."""
        for key, value in values.items() if isinstance(values, dict) else ():
            if key not in cls.model_fields:
                context = {"key": str(key), "hint": cls.key_hint(str(key))}
                raise PydanticCustomError("unknown", "unknown key; {hint}", context)
            if isinstance(value, bool) and cls.model_fields[key].annotation is not bool:
                context = {"key": key, "value": str(value).lower()}
                raise PydanticCustomError("truth", "given {value}, must not be a truth value", context)
        return values

    @classmethod
    def key_hint(cls, key: str) -> str:
        """The new name or place of an older version's key, or the nearest known key."""
        name = RENAMED.get(key, key)
        if name in cls.model_fields:
            return f"renamed to {name}"
        return f"moved to {cls.moved[name]}" if name in cls.moved else hint(key, cls.model_fields)

    def pick(self, kind: type[D]) -> D:
        """A dataclass whose fields are keys of this section."""
        return kind(**{field.name: getattr(self, field.name) for field in dataclasses.fields(kind)})


def hint(given: str, known: Iterable[str]) -> str:
    """The nearest known name, if any, and all known names."""
    near = difflib.get_close_matches(str(given), list(known), n=1)
    return (f"did you mean {near[0]!r}? " if near else "") + f"known: {', '.join(known)}"


NUMBERS: dict[str, Any] = {
    "a positive whole number": PositiveInt,
    "a positive number": Annotated[PositiveFloat, AllowInfNan(False)],
}
"""Kinds of numbers in words."""


def word_or_number(value: Any, word: str, kind: str) -> Any:
    """The word or a number of a kind of `NUMBERS`, with one message where a union type would give one for each of both."""
    try:
        return word if value == word else TypeAdapter(NUMBERS[kind]).validate_python(value, strict=True)
    except ValidationError:
        raise PydanticCustomError("count", "must be {word} or {kind}", {"word": word, "kind": kind}) from None


OWN_ERRORS = {"unknown", "truth", "origin", "name", "twice", "none", "frames"}
"""Types of the errors raised in this package whose message already says what was given."""


def describe_error(error: ErrorDetails, prefix: str = "") -> str:
    """One line on an error: the key's path, what was given, what is allowed."""
    own = error["type"] in OWN_ERRORS
    key = [error["ctx"]["key"]] if own and "key" in error.get("ctx", {}) else []  # of the section that `loc` leads to
    path = ".".join(filter(None, [prefix, *(str(part) for part in error["loc"] if part != "[key]"), *key]))
    if error["type"] == "missing":
        return f"{path}: is missing"
    if own:
        return f"{path}: {error['msg']}"
    given = "nothing" if error["input"] is None else repr(error["input"])
    pattern = str(error.get("ctx", {}).get("pattern"))
    allowed = KINDS.get(error["type"]) or PATTERNS.get(pattern) or error["msg"].replace("Input should", "must")
    return f"{path}: given {given}, {allowed}"


KINDS = {
    "list_type": "must be a list: one item per line after `- `, or [] for none",
    "model_type": "must be a mapping: one `key: value` per line",
    "dict_type": "must be a mapping: one `key: value` per line",
    "too_short": "must have at least one item",
}
"""The allowed kind of value by pydantic's type of error, where its own message is not for a reader of YAML."""

NAME, DEVICE, SHA256 = "^[a-z][a-z0-9_]*$", r"^(auto|cpu|cuda(:\d+)?)$", "^[0-9a-f]{64}$"
FILE_NAME, MEMBER = "^[A-Za-z0-9_][A-Za-z0-9_.-]*$", "^[A-Za-z0-9_][A-Za-z0-9_./ -]*$"
PATTERNS = {
    NAME: "must be lower-case letters, digits and underscores, beginning with a letter",
    DEVICE: "must be auto, cpu, cuda or cuda:<number>",
    SHA256: "must be 64 hexadecimal digits",
    FILE_NAME: "must be the name of a file without a folder: letters, digits, dots, hyphens and underscores",
    MEMBER: "must be the name of a file in the archive: letters, digits, dots, hyphens, underscores, spaces and slashes",
}
"""The patterns of texts, and what each allows."""
