"""The origin of a report: checksums, versions and parameters, the same for a run in any fresh clone of the same state."""

import hashlib
import platform
from collections.abc import Iterable
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

__all__ = ["Origin", "checksum", "git_tree", "origin", "versions"]

PACKAGES = ("torch", "numpy", "scipy", "dvc", "safetensors", "pandas", "matplotlib", "pillow", "jinja2")
"""Packages whose version may change a result or a figure; requirements.lock has all versions."""


@dataclass(frozen=True)
class Origin:
    """Code, data, versions and parameters of a run, as rows of tables."""

    code: list[dict[str, str]]
    data: list[dict[str, str]]
    versions: list[dict[str, str]]
    parameters: str
    """params.yaml without comments."""


def origin(folders: Iterable[Path], files: Iterable[Path], parameters: str) -> Origin:
    """The origin of a run: the git objects of its source folders, the checksums of its data files, versions, parameters."""
    return Origin(
        code=[{"folder": path.as_posix(), "git rev-parse HEAD:folder": git_tree(path)} for path in folders],
        data=[{"file": path.as_posix(), "sha256": checksum(path)} for path in files],
        versions=[{"package": name, "version": number} for name, number in versions().items()],
        parameters=parameters,
    )


def versions() -> dict[str, str]:
    """The version of Python and of `PACKAGES`."""
    return {"python": platform.python_version()} | {name: version(name) for name in PACKAGES}


def checksum(path: Path) -> str:
    """SHA-256 of a file, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def git_tree(folder: Path) -> str:
    """The name that git gives to the content of a folder of source code, as `git rev-parse HEAD:<folder>` prints it.

    It identifies the code of every commit that contains it; the commit itself cannot be named in a file that is part of it.
    `__pycache__` is not counted, and files are taken for ones that are not executable.
    """
    entries = []
    for path in folder.iterdir():
        if path.is_dir() and path.name != "__pycache__":
            entries.append((f"{path.name}/", b"40000 " + path.name.encode(), git_tree(path)))
        elif path.is_file():
            entries.append((path.name, b"100644 " + path.name.encode(), git_object(b"blob", path.read_bytes())))
    listing = b"".join(mode_and_name + b"\0" + bytes.fromhex(name) for _, mode_and_name, name in sorted(entries))
    return git_object(b"tree", listing)


def git_object(kind: bytes, content: bytes) -> str:
    """The SHA-1 of an object of git."""
    return hashlib.sha1(kind + b" %d\0" % len(content) + content, usedforsecurity=False).hexdigest()
