"""Provenance of a report: names of git trees, checksums, versions."""

import hashlib
import subprocess
from pathlib import Path

import pytest

from hnn.reporting import provenance


def git(folder, *words):
    author = ["-c", "user.name=a", "-c", "user.email=a@b.c"]
    return subprocess.run(["git", *author, *words], cwd=folder, check=True, capture_output=True, text=True).stdout.strip()


@pytest.fixture
def repository(tmp_path):
    """Names on both sides of the slash in git's order: a folder sorts as if it ended in one."""
    for name in ("code/a.py", "code/a/b.py", "code/a-b.py", "code/ä.md"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(name, encoding="utf-8")
    git(tmp_path, "init", "--quiet")
    git(tmp_path, "add", "--all")
    git(tmp_path, "commit", "--quiet", "--message", "code")
    return tmp_path


def test_git_tree_is_the_name_that_git_gives_a_folder(repository):
    assert provenance.git_tree(repository / "code") == git(repository, "rev-parse", "HEAD:code")


def test_git_tree_depends_on_content_and_not_on_the_commit(repository):
    before = provenance.git_tree(repository / "code")
    git(repository, "commit", "--quiet", "--allow-empty", "--message", "another")
    (repository / "code/a/__pycache__").mkdir()
    (repository / "code/a/__pycache__/b.pyc").write_bytes(b"left behind")
    assert provenance.git_tree(repository / "code") == before
    (repository / "code/a/b.py").write_text("changed")
    assert provenance.git_tree(repository / "code") != before


def test_origin_has_checksums_versions_and_parameters(tmp_path):
    path = tmp_path / "x.npz"
    path.write_bytes(b"data")
    origin = provenance.origin([Path(provenance.__file__).parent / "templates"], [path], "seed: 0\n")
    assert origin.data == [{"file": path.as_posix(), "sha256": hashlib.sha256(b"data").hexdigest()}]
    assert origin.parameters == "seed: 0\n"
    assert {row["package"] for row in origin.versions} >= {"python", "torch", "numpy", "matplotlib"}
