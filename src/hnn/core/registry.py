"""Plug-ins by file name: one class per file of a package, and the file's name is the key in params.yaml.

A new system or model is a new file. Names come from the listing of the folder, so that a stage imports only the file that it
needs, and a change of one model's file re-runs the cells of that model alone.
"""

import ast
import importlib
import inspect
from pathlib import Path
from typing import TypeVar

from hnn.core.errors import Refused

__all__ = ["UnknownName", "find", "names", "summaries"]

T = TypeVar("T")


class UnknownName(Refused, ValueError):
    """A name for which a package has no file."""


PACKAGE = Path(__file__).parents[1]
BASE = "base"
"""The file of each plug-in package that holds the base class and is no plug-in."""


def names(package: str) -> list[str]:
    """The plug-ins of hnn/<package>/, sorted: file names without `base` and those that start with an underscore."""
    stems = (file.stem for file in (PACKAGE / package).glob("*.py"))
    return sorted(stem for stem in stems if stem != BASE and not stem.startswith("_"))


def find(package: str, name: str, base: type[T]) -> type[T]:
    """The one subclass of `base` that hnn/<package>/<name>.py defines.

    Raises `UnknownName` for an unknown name, `TypeError` if the file defines none or several.

    >>> from hnn.systems.base import System
    >>> find("systems", "pendulum", System).__name__
    'Pendulum'
    """
    if name not in names(package):
        raise UnknownName(f"{package}: given {name!r}, allowed: {', '.join(names(package))}")
    module = importlib.import_module(f"hnn.{package}.{name}")
    classes = [c for _, c in inspect.getmembers(module, inspect.isclass) if c.__module__ == module.__name__]
    plugins = [c for c in classes if issubclass(c, base)]
    if len(plugins) != 1:
        raise TypeError(f"{module.__name__} must define exactly one {base.__name__}, it defines {len(plugins)}")
    return plugins[0]


def summaries(package: str, name: str) -> tuple[str, str]:
    """First docstring line of the file hnn/<package>/<name>.py and of its last class, read without an import.

    >>> summaries("systems", "mass_spring")
    ('A mass on an ideal spring.', 'H(q, p) = p²/(2m) + k q²/2, at rest at q = 0.')
    """
    tree = ast.parse((PACKAGE / package / f"{name}.py").read_text(encoding="utf-8"))
    classes = [node for node in tree.body if isinstance(node, ast.ClassDef)]
    file_summary, class_summary = ((ast.get_docstring(node) or name).splitlines()[0] for node in (tree, classes[-1]))
    return file_summary, class_summary
