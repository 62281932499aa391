"""params.yaml to validated objects."""

from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError
from pydantic_core import ErrorDetails

from hnn.core.errors import Refused
from hnn.params.base import describe_error
from hnn.params.schema import STAGES, Params
from hnn.params.yaml12 import AmbiguousYAML, read_yaml

__all__ = ["InvalidParams", "load_params", "params_as_written", "parse_raw", "read_raw", "validate_schema"]


class InvalidParams(Refused, ValueError):
    """One line for each mistake in params.yaml: the key's path, what was given, what is allowed."""


def load_params(path: Path = Path("params.yaml")) -> Params:
    """The parameters of a file, their types and ranges validated; raises `InvalidParams` with a line for each mistake.

    Stages use this; the stage `validate` and commands use `hnn.params.checks.load_checked_params`, which also checks the
    constants of systems and what models allow, and so imports them.
    """
    params, problems = validate_schema(read_raw(path))
    if params is None:
        raise InvalidParams("\n".join(f"{path}: {problem}" for problem in problems))
    return params


def read_raw(path: Path) -> dict[str, Any]:
    """The content of the file as plain values, read as DVC reads it; raises `InvalidParams` if it cannot be read so."""
    try:
        text = path.read_bytes().decode("utf-8")
    except FileNotFoundError:
        raise InvalidParams(f"{path}: there is no such file; run in the project's folder") from None
    except OSError as error:
        raise InvalidParams(f"{path}: cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise InvalidParams(f"{path}: is not UTF-8; save it in that encoding") from None
    raw = parse_raw(text, str(path))
    if not raw:
        raise InvalidParams(f"{path}: is empty; `git checkout {path}` brings the committed parameters back")
    return raw


def parse_raw(text: str, origin: str) -> dict[str, Any]:
    """The mapping that a YAML text holds, as DVC reads it, {} for none; raises `InvalidParams`, which names the origin."""
    try:
        raw = read_yaml(text)
    except AmbiguousYAML as error:
        raise InvalidParams(f"{origin}: {error}") from None
    except yaml.YAMLError as error:
        raise InvalidParams(f"{origin}: {yaml_problem(error)}") from None
    if not isinstance(raw, dict | None):
        raise InvalidParams(f"{origin}: given {raw!r}, must be a mapping of sections")
    return raw or {}


def yaml_problem(error: yaml.YAMLError) -> str:
    """The line and the problem of a YAML error, in one line."""
    mark, problem = getattr(error, "problem_mark", None), str(getattr(error, "problem", None) or error)
    where = f"line {mark.line + 1}: " if mark else ""
    if "'\\t'" in problem:
        return f"{where}a tab, allowed: spaces"
    return f"{where}is not YAML: {' '.join(problem.split())}"


def validate_schema(raw: dict[str, Any]) -> tuple[Params | None, list[str]]:
    """(parameters, []) if types and ranges are valid, else (None, a line for each mistake)."""
    try:
        return Params.model_validate(with_defaults(raw)), []
    except ValidationError as error:
        return None, [describe_error(e) for e in error.errors() if not inherited(raw, e)]


def params_as_written(path: Path = Path("params.yaml")) -> str:
    """The parameters of a file as YAML without comments, for the report.

    `compute` is left out: it says where a run computes and changes no result, so it must not change the report.
    """
    kept = {key: value for key, value in read_raw(path).items() if key != "compute"}
    return str(yaml.safe_dump(kept, sort_keys=False, allow_unicode=True))


def with_defaults(raw: dict[str, Any]) -> dict[str, Any]:
    """`raw` with the defaults of each stage under every task's own values; what is not a mapping is left to validation.

    A task that lacks the section of its rollouts, of its training or of its autoencoder has the defaults alone.
    """

    def complete(task: Any) -> Any:
        """A task with the defaults under it."""
        if not isinstance(task, dict):
            return task
        fitted = ("autoencoder", "train_pixels") if "pretrain" in task else ("recording",) if "source" in task else ("train",)
        always = {"rollout", *fitted}
        merged = dict(task)
        for name in STAGES:
            defaults, own = raw.get(name), task.get(name, {} if name in always else None)
            if isinstance(defaults, dict) and isinstance(own, dict):
                merged[name] = {**defaults, **own}
        return merged

    tasks = raw.get("tasks")
    return {**raw, "tasks": {name: complete(task) for name, task in tasks.items()}} if isinstance(tasks, dict) else raw


def inherited(raw: dict[str, Any], error: ErrorDetails) -> bool:
    """True for an error of a task that is inherited from the defaults, where it is reported too."""
    loc = error["loc"]
    if len(loc) < 3 or loc[0] != "tasks" or loc[2] not in STAGES:
        return False
    section = str(loc[2])
    key = str(error.get("ctx", {}).get("key", loc[3] if len(loc) > 3 else ""))
    own, defaults = raw["tasks"][loc[1]].get(section), raw.get(section)
    known = set(STAGES[section].model_fields) | set(map(str, defaults if isinstance(defaults, dict) else ()))
    return key not in map(str, own if isinstance(own, dict) else ()) and key in known
