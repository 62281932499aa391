"""The lock files: each package has one version and hashes; `make audit` says what it did not look up."""

import hashlib
import json
import re
import subprocess
import sys
import tomllib
import zipfile
from types import SimpleNamespace

import pytest
from conftest import ROOT
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

sys.path.insert(0, str(ROOT / "locks"))
import audit
import write_locks

FILES = ["requirements.lock", "bench/requirements.lock", "locks/torch.lock", "locks/torch-cpu.lock", "locks/checks.lock"]
EXTRAS = {"requirements.lock": ("dask", "dev"), "bench/requirements.lock": ("bench",), "locks/checks.lock": ("checks",)}


def read(name):
    return (ROOT / name).read_text(encoding="utf-8")


def versions(*names):
    """The versions of the packages of lock files, by their names; all are for this or another platform."""
    requirements = [Requirement(line) for name in names for line in write_locks.pinned(read(name))]
    return {canonicalize_name(one.name): str(one.specifier).removeprefix("==") for one in requirements}


@pytest.mark.parametrize("name", FILES)
def test_locked_requirements_have_one_version_and_hashes(name):
    entries = re.split(r"\n(?=\S)", read(name).split("\n", 1)[1].strip())
    assert entries
    for entry in entries:
        assert re.match(r"[\w.-]+==\S+( ; .*)? \\\n", entry), entry
        assert re.fullmatch(r"( +--hash=sha256:[0-9a-f]{64}( \\\n|$))+", entry.split("\n", 1)[1]), entry


@pytest.mark.parametrize("name", EXTRAS)
def test_locked_versions_are_allowed_by_pyproject(name):
    project = tomllib.loads(read("pyproject.toml"))["project"]
    declared = [*project["dependencies"], *(one for extra in EXTRAS[name] for one in project["optional-dependencies"][extra])]
    locked = versions("requirements.lock", "locks/torch.lock", name)
    for requirement in map(Requirement, declared):
        if requirement.name != "hnn-pipeline":
            assert locked[canonicalize_name(requirement.name)] in requirement.specifier, requirement


def test_the_cpu_build_is_of_the_same_version():
    assert versions("locks/torch-cpu.lock")["torch"] == versions("locks/torch.lock")["torch"] + "+cpu"


@pytest.fixture
def wheel(tmp_path):
    """A package of no modules, in a folder that stands for an index."""
    name, about = "planted-1.0.dist-info", "Metadata-Version: 2.1\nName: planted\nVersion: 1.0\n"
    with zipfile.ZipFile(tmp_path / "planted-1.0-py3-none-any.whl", "w") as file:
        file.writestr(f"{name}/METADATA", about)
        file.writestr(f"{name}/WHEEL", "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        file.writestr(f"{name}/RECORD", "")
    return tmp_path / "planted-1.0-py3-none-any.whl"


@pytest.mark.parametrize(("hashes", "status"), [("--hash=sha256:{}", 0), ("--hash=sha256:" + 64 * "0", 1), ("", 1)])
def test_pip_refuses_a_file_whose_hash_is_not_locked(wheel, tmp_path, hashes, status):
    lock = tmp_path / "planted.lock"
    lock.write_text(f"planted==1.0 {hashes.format(hashlib.sha256(wheel.read_bytes()).hexdigest())}\n")
    words = [
        "install",
        "--dry-run",
        "--no-deps",
        "--no-index",
        f"--find-links={tmp_path}",
        "--require-hashes",
        f"--requirement={lock}",
    ]
    done = subprocess.run([sys.executable, "-m", "pip", "--isolated", *words], capture_output=True, text=True, check=False)
    assert done.returncode == status, done.stderr
    assert ("hash" in done.stderr.lower()) == bool(status)


def test_each_declared_dependency_has_its_reason():
    section = read("pyproject.toml").partition("[tool.")[0].partition("dependencies = [")[2]
    lines = [line for line in section.splitlines() if line.startswith('  "')]
    assert len(lines) > 30
    assert all(re.search(r'",\s+# \S', line) for line in lines)


def test_licence_is_the_expression_or_the_classifier_or_the_first_line():
    class Metadata(dict):
        def get_all(self, name, default):
            return [self[name]] if isinstance(self.get(name), str) else self.get(name, default)

    classifier = "License :: OSI Approved :: MIT License"
    assert audit.licence(Metadata({"License-Expression": "MIT", "License": "x", "Classifier": [classifier]})) == "MIT"
    assert audit.licence(Metadata({"License": "x", "Classifier": [classifier]})) == "MIT License"
    assert audit.licence(Metadata({"License": "BSD\nlong text"})) == "BSD"
    assert audit.licence(Metadata()) == "none declared"


def test_licences_of_all_packages_that_are_installed_are_declared():
    assert [line for line in audit.licences(list(versions("requirements.lock"))) if line.endswith("none declared")] == []


BUG = {"name": "b", "version": "1", "vulns": [{"id": "PYSEC-1", "fix_versions": ["2"]}]}
GOOD, UNKNOWN = {"name": "a", "version": "1", "vulns": []}, {"name": "c", "skip_reason": "not found"}


@pytest.mark.parametrize(
    ("printed", "status", "said"),
    [
        ({"dependencies": [GOOD]}, 0, "0 known vulnerabilities in 1 packages"),
        ({"dependencies": [GOOD, BUG]}, 1, "b 1: PYSEC-1, fixed in 2"),
        ({"dependencies": [GOOD, UNKNOWN]}, 2, "NOT AUDITED: c"),
        ({"dependencies": [UNKNOWN]}, 2, "NOT AUDITED: the database of vulnerabilities has none of the 1 packages"),
        (None, 2, "NOT AUDITED: the database of vulnerabilities cannot be reached: no route"),
    ],
)
def test_audit_tells_what_is_clean_from_what_was_not_looked_up(printed, status, said, monkeypatch):
    stdout = json.dumps(printed) if printed else ""
    done = SimpleNamespace(stdout=stdout, stderr="Traceback\nno route\n", returncode=1)
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: done)
    found, lines = audit.audit([])
    assert found == status
    assert said in "\n".join(lines)
