"""Source code -> listings of the files that each stage, model and system imports, on which the other stages depend."""

from pathlib import Path
from typing import Any

from stages import run

from hnn.core import registry
from hnn.core.errors import Refused
from hnn.files.formats import write_text
from hnn.files.paths import CODE
from hnn.files.source_code import is_python, listing
from hnn.params.loading import read_raw

ROOT = Path(__file__).resolve().parents[1]
SRC = ROOT / "src" / "hnn"


def list_code() -> None:
    """Write data/code/<script>.txt, models/<model>.txt and systems/<task>.txt.

    Invalid parts of params.yaml are skipped here; `validate` reports them.
    """
    plugins = {package: {name: SRC / package / f"{name}.py" for name in registry.names(package)} for package in FOUND_BY_NAME}
    tasks = read_raw(Path("params.yaml")).get("tasks")
    found = {task: system_file(section) for task, section in tasks.items()} if isinstance(tasks, dict) else {}
    systems = {task: file for task, file in found.items() if file}
    for script in (ROOT / "stages").glob("[!_]*.py"):
        imported = []
        if script.stem == "validate":  # it checks the parameters of every system and model
            imported = [file for files in [*plugins.values(), systems] for file in files.values()]
        write_text(CODE / f"{script.stem}.txt", listing([script, *imported], ROOT))
    for model, file in plugins["models"].items():
        write_text(CODE / "models" / f"{model}.txt", listing([file], ROOT))
    for task, file in systems.items():
        write_text(CODE / "systems" / f"{task}.txt", listing([file], ROOT))


def system_file(task: Any) -> Path | None:
    """The file of the system of a task of params.yaml, found by its name or by `file`; None if there is no valid one."""
    system = task.get("system") if isinstance(task, dict) else None
    try:
        file = ROOT / registry.source_of("systems", **system) if isinstance(system, dict) else None
    except (Refused, TypeError):
        return None
    return file if file and is_python(file) else None


FOUND_BY_NAME = ("models", "systems")
"""Packages whose modules are imported by their name in params.yaml, which the source of an importing script does not show."""

if __name__ == "__main__":
    run(list_code)
