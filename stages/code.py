"""Source code -> listings of the files that each stage, model and system imports, on which the other stages depend."""

from pathlib import Path

from stages import run

from hnn.core import registry
from hnn.files.formats import write_text
from hnn.files.paths import CODE
from hnn.files.source_code import listing
from hnn.params.loading import read_raw

ROOT = Path(__file__).resolve().parents[1]
SRC = ROOT / "src" / "hnn"


def list_code() -> None:
    """Write data/code/<script>.txt, models/<model>.txt and systems/<task>.txt.

    Invalid parts of params.yaml are skipped here; `validate` reports them.
    """
    plugins = {package: {name: SRC / package / f"{name}.py" for name in registry.names(package)} for package in FOUND_BY_NAME}
    for script in (ROOT / "stages").glob("[!_]*.py"):
        imports_all = script.stem == "validate"  # it checks the parameters of every system and model
        imported = [file for files in plugins.values() for file in files.values()] if imports_all else []
        write_text(CODE / f"{script.stem}.txt", listing([script, *imported], ROOT))
    for model, file in plugins["models"].items():
        write_text(CODE / "models" / f"{model}.txt", listing([file], ROOT))
    tasks = read_raw(Path("params.yaml")).get("tasks")
    for task, section in tasks.items() if isinstance(tasks, dict) else ():
        system = section.get("system") if isinstance(section, dict) else None
        name = str(system.get("name")) if isinstance(system, dict) else ""
        if name in plugins["systems"]:
            write_text(CODE / "systems" / f"{task}.txt", listing([plugins["systems"][name]], ROOT))


FOUND_BY_NAME = ("models", "systems")
"""Packages whose modules are imported by their name in params.yaml, which the source of an importing script does not show."""

if __name__ == "__main__":
    run(list_code)
