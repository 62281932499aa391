"""Plug-ins by file name: one class per file of a package, and the file's name is the key in params.yaml.

A new system or model is a new file. Names come from the listing of the folder, so that a stage imports only the file that it
needs, and a change of one model's file re-runs the cells of that model alone. Files outside the package are loaded by path.
"""

import ast
import importlib
import importlib.util
import inspect
import re
import sys
import traceback
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any, TypeVar

from hnn.core.errors import Refused

__all__ = ["UnknownName", "describe_exception", "find", "load", "names", "source", "source_of", "summaries", "summaries_of"]

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
    source(package, name)
    module = importlib.import_module(f"hnn.{package}.{name}")
    plugins = subclasses(module, base)
    if len(plugins) != 1:
        raise TypeError(f"{module.__name__} must define exactly one {base.__name__}, it defines {len(plugins)}")
    return plugins[0]


def load(path: Path, base: type[T]) -> type[T]:
    """The one subclass of `base` that a Python file outside the package defines; its code is executed.

    Raises `Refused` if the file cannot be read or executed, or defines none or several.
    """
    try:
        module = executed(path.resolve(), path.read_bytes())
    except OSError as error:
        raise Refused(f"{path}: cannot be read: {error.strerror}") from None
    except (Exception, SystemExit) as error:  # of the file's own code
        raise Refused(f"{path}: {describe_exception(error, path)}") from None
    plugins = subclasses(module, base)
    if len(plugins) != 1:
        found = ", ".join(one.__name__ for one in plugins) or "none"
        raise Refused(f"{path}: must define exactly one subclass of {base.__name__}, it defines {found}")
    return plugins[0]


@cache
def executed(path: Path, _: bytes) -> ModuleType:
    """The module of a file with this content.

    It does not stay in `sys.modules`: a class of it is then pickled by its value and reaches a worker without the file.
    """
    spec = importlib.util.spec_from_file_location(f"file_{path.stem}", path)
    if spec is None or spec.loader is None:
        raise Refused("must be a Python file, *.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look up names of annotations there
    writes, sys.dont_write_bytecode = sys.dont_write_bytecode, True  # bytecode of a file changed twice in a second is stale
    try:
        spec.loader.exec_module(module)
    finally:
        sys.dont_write_bytecode = writes
        del sys.modules[spec.name]
    return module


def describe_exception(error: BaseException, path: Path) -> str:
    """An exception of the code of a file in one line, with the line of the file that raised it."""
    kind, message = type(error).__name__, " ".join(str(error).split())
    if isinstance(error, SyntaxError):
        return f"line {error.lineno}: {kind}: {error.msg}" if error.lineno else f"{kind}: {error.msg}"
    if isinstance(error, Refused):
        return message
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if Path(frame.filename) == path.resolve()]
    return f"{f'line {lines[-1]}: ' if lines else ''}{kind}: {message}"


def subclasses(module: ModuleType, base: type[T]) -> list[type[T]]:
    """The subclasses of `base` that a module defines itself."""
    classes = [c for _, c in inspect.getmembers(module, inspect.isclass) if c.__module__ == module.__name__]
    return [c for c in classes if issubclass(c, base)]


def source(package: str, name: str) -> Path:
    """The file hnn/<package>/<name>.py; raises `UnknownName` for an unknown name, so that none leads to another place."""
    if name not in names(package):
        raise UnknownName(f"{package}: given {name!r}, allowed: {', '.join(names(package))}")
    return PACKAGE / package / f"{name}.py"


def source_of(package: str, name: str | None = None, file: str | None = None, **_: Any) -> Path:
    """The file of a plug-in, from the keys `name` or `file` of its section of params.yaml.

    A `file` is in the folder <package>/ of the project, where stages run; DVC watches it. Raises `Refused` for an unknown
    name, and for a `file` that is no plain file name: none leads out of the folder.
    """
    if file is None:
        return source(package, str(name))
    if not isinstance(file, str) or not re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9_.-]*\.py", file):
        raise Refused(f"given {file!r}, must be the name of a Python file in {package}/, without a folder, such as duffing.py")
    return Path(package) / file


def summaries(package: str, name: str) -> tuple[str, str]:
    """First docstring line of the file hnn/<package>/<name>.py and of its last class, read without an import.

    >>> summaries("systems", "mass_spring")
    ('A mass on an ideal spring.', 'H(q, p) = p²/(2m) + k q²/2, at rest at q = 0.')
    """
    return summaries_of(source(package, name))


def summaries_of(file: Path) -> tuple[str, str]:
    """First docstring line of a Python file and of its last class, read without an import; else its name.

    Raises `Refused` for a file that is no Python.
    """
    try:
        tree = ast.parse(file.read_bytes())
    except (SyntaxError, ValueError) as error:
        raise Refused(f"{file}: {describe_exception(error, file)}") from None
    classes = [node for node in tree.body if isinstance(node, ast.ClassDef)]
    documented: list[ast.Module | ast.ClassDef] = [tree, classes[-1] if classes else tree]
    file_summary, class_summary = ((ast.get_docstring(node) or file.stem).splitlines()[0] for node in documented)
    return file_summary, class_summary
