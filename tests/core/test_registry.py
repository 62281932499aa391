"""Parts found by the names of their files."""

import sys
from types import ModuleType

import pytest

from hnn.core import registry


class Part:
    """What the files of the made-up folder define."""


@pytest.fixture
def parts(tmp_path, monkeypatch):
    """A folder hnn/parts with one file, and a way to say which classes the file defines."""
    (tmp_path / "parts").mkdir()
    for name in ("wheel.py", "axle.py", "_private.py", "__init__.py", "base.py", "notes.txt"):
        (tmp_path / "parts" / name).touch()
    monkeypatch.setattr(registry, "PACKAGE", tmp_path)

    def define(*classes):
        module = ModuleType("hnn.parts.wheel")
        for i, bases in enumerate(classes):
            setattr(module, f"C{i}", type(f"C{i}", bases, {"__module__": module.__name__}))
        module.Part = Part  # imported, not defined there
        monkeypatch.setitem(sys.modules, "hnn.parts.wheel", module)
        return module

    return define


@pytest.mark.usefixtures("parts")
def test_names_are_the_sorted_public_files():
    assert registry.names("parts") == ["axle", "wheel"]


def test_find_gives_the_one_class_that_the_file_defines(parts):
    module = parts((Part,), (object,))
    assert registry.find("parts", "wheel", Part) is module.C0


@pytest.mark.parametrize("classes", [(), ((object,),), ((Part,), (Part,))])
def test_a_file_must_define_exactly_one(parts, classes):
    parts(*classes)
    count = sum(bases == (Part,) for bases in classes)
    with pytest.raises(TypeError, match=f"hnn.parts.wheel must define exactly one Part, it defines {count}"):
        registry.find("parts", "wheel", Part)


@pytest.mark.usefixtures("parts")
def test_an_unknown_name_is_refused_with_those_that_are_known():
    with pytest.raises(ValueError, match="parts: given 'sail', allowed: axle, wheel"):
        registry.find("parts", "sail", Part)
