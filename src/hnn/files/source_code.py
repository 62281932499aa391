"""Listings of source code: the files that a script imports, each with a hash that ignores comments and docstrings.

DVC does not follow imports, so each stage depends on such a listing instead of naming its modules. A listing changes exactly
when code that the script may run changes: a reworded comment or docstring, or a blank line, leaves it as it is.
"""

import ast
import hashlib
import io
import tokenize
from functools import cache
from pathlib import Path

__all__ = ["digest", "import_closure", "listing", "stripped"]

Position = tuple[int, int]
"""Line from 0 and column in bytes."""


def listing(scripts: list[Path], root: Path) -> str:
    """One line `hash path` for each file of this project that the scripts import, directly or not, sorted by path."""
    files = set().union(*(import_closure(script, root) for script in scripts))
    return "".join(f"{digest(file)} {file.relative_to(root).as_posix()}\n" for file in sorted(files))


def import_closure(script: Path, root: Path) -> set[Path]:
    """The script and every file of this project that it imports, directly or not, anywhere in its code.

    Imports below `if TYPE_CHECKING:` never run and are left out; modules that are found by name at run time are not seen.
    """
    found, new = set(), {script}
    while new:
        found |= new
        new = set().union(*(imported_files(file, root) for file in new)) - found
    return found


@cache
def imported_files(file: Path, root: Path) -> frozenset[Path]:
    """The files below `root`/src and `root` that the imports of a file load, `__init__.py` of their packages included."""
    modules: set[str] = set()
    for node in runtime_nodes(ast.parse(file.read_bytes())):
        if isinstance(node, ast.Import):
            modules |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            if node.level:
                raise ValueError(f"{file}:{node.lineno}: relative import; allowed: absolute imports")
            modules |= {str(node.module), *(f"{node.module}.{alias.name}" for alias in node.names)}
    files: set[Path] = set()
    for module in modules:
        parts = module.split(".")
        for folder in (root / "src", root):
            if (folder / parts[0]).is_dir():
                packages = [folder.joinpath(*parts[:i], "__init__.py") for i in range(1, len(parts) + 1)]
                files |= {path for path in [*packages, folder.joinpath(*parts).with_suffix(".py")] if path.is_file()}
    return frozenset(files)


def runtime_nodes(tree: ast.AST) -> list[ast.AST]:
    """All nodes of a syntax tree but those below `if TYPE_CHECKING:`."""
    nodes, stack = [], [tree]
    while stack:
        node = stack.pop()
        if isinstance(node, ast.If) and ast.unparse(node.test).endswith("TYPE_CHECKING"):
            stack += node.orelse
            continue
        nodes.append(node)
        stack += ast.iter_child_nodes(node)
    return nodes


@cache
def digest(file: Path) -> str:
    """Hash of a Python file without comments, docstrings and blank lines: 32 hexadecimal digits."""
    return hashlib.sha256(stripped(file.read_bytes()).encode()).hexdigest()[:32]


def stripped(source: bytes) -> str:
    """The source without comments, docstrings (of attributes too), trailing spaces and blank lines.

    Cut by position, not printed from the syntax tree, so that every version of Python finds the same text.
    """
    lines = [line.rstrip(b"\r\n") for line in source.splitlines(keepends=True)]
    for (first, start), (last, end) in sorted(comments(source) + docstrings(source), reverse=True):
        lines[first : last + 1] = [lines[first][:start] + lines[last][end:]]
    return "\n".join(text for line in lines if (text := line.decode().rstrip()))


def comments(source: bytes) -> list[tuple[Position, Position]]:
    """Where comments begin and end."""
    found = []
    for token in tokenize.tokenize(io.BytesIO(source).readline):
        if token.type == tokenize.COMMENT:
            start = len(token.line[: token.start[1]].encode())
            found.append(((token.start[0] - 1, start), (token.start[0] - 1, start + len(token.string.encode()))))
    return found


def docstrings(source: bytes) -> list[tuple[Position, Position]]:
    """Where strings that stand alone as statements begin and end."""
    return [
        ((node.lineno - 1, node.col_offset), (int(node.end_lineno or 0) - 1, int(node.end_col_offset or 0)))
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
    ]
