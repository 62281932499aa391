"""Plug-ins by the names of their files."""

import sys
from types import ModuleType

import pytest

from hnn.core import registry


class Part:
    """The base class of the plug-ins of the temporary package."""


@pytest.fixture
def parts(tmp_path, monkeypatch):
    """A folder hnn/parts with several files, and a function that sets the classes that hnn.parts.wheel defines."""
    (tmp_path / "parts").mkdir()
    for name in ("wheel.py", "axle.py", "_private.py", "__init__.py", "base.py", "notes.txt"):
        (tmp_path / "parts" / name).touch()
    monkeypatch.setattr(registry, "PACKAGE", tmp_path)

    def define(*bases_of_classes):
        module = ModuleType("hnn.parts.wheel")
        for i, bases in enumerate(bases_of_classes):
            setattr(module, f"C{i}", type(f"C{i}", bases, {"__module__": module.__name__}))
        module.Part = Part  # imported, not defined there
        monkeypatch.setitem(sys.modules, "hnn.parts.wheel", module)
        return module

    return define


@pytest.mark.usefixtures("parts")
def test_names_are_the_sorted_files_but_base_and_private_ones():
    assert registry.names("parts") == ["axle", "wheel"]


def test_find_returns_the_one_class_that_the_file_defines(parts):
    module = parts((Part,), (object,))
    assert registry.find("parts", "wheel", Part) is module.C0


@pytest.mark.parametrize("bases_of_classes", [(), ((object,),), ((Part,), (Part,))])
def test_find_raises_type_error_unless_the_file_defines_exactly_one_plug_in(parts, bases_of_classes):
    parts(*bases_of_classes)
    count = sum(bases == (Part,) for bases in bases_of_classes)
    with pytest.raises(TypeError, match=f"hnn.parts.wheel must define exactly one Part, it defines {count}"):
        registry.find("parts", "wheel", Part)


@pytest.mark.usefixtures("parts")
def test_find_names_the_allowed_plug_ins_when_it_refuses_an_unknown_one():
    with pytest.raises(ValueError, match="parts: given 'sail', allowed: axle, wheel"):
        registry.find("parts", "sail", Part)


def test_summaries_fall_back_to_the_name_where_there_is_no_docstring(parts, tmp_path):
    (tmp_path / "parts" / "axle.py").write_text(
        'class Old:\n    pass\n\n\nclass Axle(Old):\n    """Turns.\n\n    Slowly."""\n'
    )
    assert registry.summaries("parts", "axle") == ("axle", "Turns.")
