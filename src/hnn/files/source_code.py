"""Listings of source code: the files that a script imports, each with a hash that ignores comments and docstrings.

DVC does not follow imports, so each stage depends on a listing instead of naming its modules. A listing changes exactly if
code that the script may run changes; comments, docstrings and blank lines do not matter.
"""

import ast
import hashlib
import io
import tokenize
from functools import cache
from pathlib import Path

from hnn.core.errors import Refused

__all__ = ["digest", "import_closure", "is_python", "listing", "stripped"]

Position = tuple[int, int]
"""Line from 0 and column in bytes."""


def listing(scripts: list[Path], root: Path) -> str:
    """One line `hash path` for each file of the project that the scripts import, directly or indirectly, sorted by path."""
    files = set().union(*(import_closure(script, root) for script in scripts))
    return "".join(f"{digest(file)} {file.relative_to(root).as_posix()}\n" for file in sorted(files))


def is_python(file: Path) -> bool:
    """True for a file that can be read and has the syntax of Python."""
    try:
        ast.parse(file.read_bytes())
    except (OSError, SyntaxError, ValueError):
        return False
    return True


def import_closure(script: Path, root: Path) -> set[Path]:
    """The script and every file of the project that it imports, directly or indirectly, at any place of the code.

    Imports under `if TYPE_CHECKING:` are never run and are left out. Modules that are imported by a name known only at run
    time are not included.
    """
    closure: set[Path] = set()
    new = {script, *package_files(script, root)}
    while new:
        closure |= new
        new = set().union(*(imported_files(file, root) for file in new)) - closure
    return closure


def package_files(file: Path, root: Path) -> set[Path]:
    """The `__init__.py` of every package below `root` that contains the file; Python runs them before it."""
    folders = [folder for folder in file.parents if folder.is_relative_to(root)]
    return {folder / "__init__.py" for folder in folders if (folder / "__init__.py").is_file()}


@cache
def imported_files(file: Path, root: Path) -> frozenset[Path]:
    """The files below `root`/src and `root` that the imports of a file load, `__init__.py` of their packages included.

    Raises `Refused` for a relative import.
    """
    modules: set[str] = set()
    for node in runtime_nodes(ast.parse(file.read_bytes())):
        if isinstance(node, ast.Import):
            modules |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            if node.level:
                raise Refused(f"{file}:{node.lineno}: given a relative import, allowed: absolute imports")
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
    """All nodes of a syntax tree except those under `if TYPE_CHECKING:`."""
    nodes, stack = [], [tree]
    while stack:
        node = stack.pop()
        if isinstance(node, ast.If) and ast.unparse(node.test) in ("TYPE_CHECKING", "typing.TYPE_CHECKING"):
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
    """The source without comments, docstrings (of attributes too), trailing spaces and blank lines outside of strings.

    Text is removed by its position and not printed from the syntax tree, so that every version of Python gives the same.

    >>> print(stripped(b'def f(x):  # a comment\\n    "A docstring."\\n\\n    return x\\n'))
    def f(x):
        return x
    """
    lines = [line.rstrip(b"\r\n") for line in source.splitlines(keepends=True)]
    in_string = [False] * len(lines)  # the line ends within a string
    for first, last in multiline_strings(source):
        in_string[first:last] = [True] * (last - first)
    for (first, start), (last, end) in sorted(comments(source) + docstrings(source), reverse=True):
        lines[first : last + 1] = [lines[first][:start] + lines[last][end:]]
        in_string[first : last + 1] = [in_string[last]]
    kept, continues = [], False
    for line, ends_in_string in zip(lines, in_string, strict=True):
        text = line.decode() if ends_in_string else line.decode().rstrip()
        if text or continues:
            kept.append(text)
        continues = ends_in_string
    return "\n".join(kept)


def tokens(source: bytes) -> list[tokenize.TokenInfo]:
    """The tokens of a source."""
    return list(tokenize.tokenize(io.BytesIO(source).readline))


def comments(source: bytes) -> list[tuple[Position, Position]]:
    """Begin and end of each comment."""
    lines, positions = source.splitlines(), []
    for token in tokens(source):
        if token.type == tokenize.COMMENT:
            row, column = token.start  # from 1, in characters
            start = len(lines[row - 1].decode()[:column].encode())
            positions.append(((row - 1, start), (row - 1, start + len(token.string.encode()))))
    return positions


def docstrings(source: bytes) -> list[tuple[Position, Position]]:
    """Begin and end of each string that is a statement of its own."""
    return [
        ((node.lineno - 1, node.col_offset), (int(node.end_lineno or 0) - 1, int(node.end_col_offset or 0)))
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
    ]


def multiline_strings(source: bytes) -> list[tuple[int, int]]:
    """First and last line, from 0, of each string literal that spans several lines."""
    spans: list[tuple[int, int]] = []
    begun: list[int] = []  # first lines of the f-strings that surround the token; from Python 3.12 they are several tokens
    for token in tokens(source):
        name = tokenize.tok_name[token.type]
        if name.endswith("STRING_START"):
            begun.append(token.start[0])
        elif name == "STRING" or name.endswith("STRING_END"):
            first = token.start[0] if name == "STRING" else begun.pop()
            spans.append((first - 1, token.end[0] - 1))
    return [(first, last) for first, last in spans if first < last]
