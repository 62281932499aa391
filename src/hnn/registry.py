"""Named parts: one class per file in a folder, and the file's name is the key in params.yaml.

Adding a system or a model is adding a file. Names are found by listing the folder, so that a stage imports the one file it
needs and a change of one model's file re-runs that model's cells and nothing else.
"""

import ast
import importlib
import inspect
from pathlib import Path
from typing import TypeVar

__all__ = ["describe", "find", "names"]

T = TypeVar("T")


def describe(package: str, name: str) -> tuple[str, str]:
    """The first lines of what the file hnn/<package>/<name>.py and its class say of themselves; it is read and not run."""
    tree = ast.parse(Path(__file__).with_name(package).joinpath(f"{name}.py").read_text(encoding="utf-8"))
    classes = [node for node in tree.body if isinstance(node, ast.ClassDef)]
    file, own = ((ast.get_docstring(node) or name).splitlines()[0] for node in (tree, classes[-1]))
    return file, own


def names(package: str) -> list[str]:
    """The keys in hnn/<package>/, sorted: its file names without those that start with an underscore."""
    folder = Path(__file__).with_name(package)
    return sorted(file.stem for file in folder.glob("*.py") if not file.stem.startswith("_"))


def find(package: str, name: str, base: type[T]) -> type[T]:
    """The subclass of `base` that hnn/<package>/<name>.py defines."""
    if name not in names(package):
        raise ValueError(f"{package}: given {name!r}, allowed: {', '.join(names(package))}")
    module = importlib.import_module(f"hnn.{package}.{name}")
    classes = [c for _, c in inspect.getmembers(module, inspect.isclass) if c.__module__ == module.__name__]
    found = [c for c in classes if issubclass(c, base)]
    if len(found) != 1:
        raise TypeError(f"{module.__name__} must define exactly one {base.__name__}, it defines {len(found)}")
    return found[0]
