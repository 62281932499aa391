"""Systems of one's own, loaded from files: the class, its refusals in one line, and its way to other processes."""

import os
import re
import subprocess
import sys
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import cloudpickle
import pytest
import torch
import yaml
from conftest import ROOT, parameters

from hnn.core import registry
from hnn.core.errors import Refused
from hnn.parallel.pool import parallel_map
from hnn.params.checks import load_checked_params
from hnn.params.loading import InvalidParams
from hnn.systems.base import find_system, load_system, make_system

TEXT = (ROOT / "systems/duffing.py").read_text()
CONSTANTS = {"mass": 1.0, "stiffness": 1.0, "hardening": 0.5}


@pytest.fixture
def write(tmp_path, monkeypatch):
    """A function that writes systems/duffing.py of an empty project, in which the test runs."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "systems").mkdir()

    def write_file(text, name="duffing.py"):
        (tmp_path / "systems" / name).write_text(text)

    return write_file


def test_make_system_takes_a_file_of_the_project_as_it_takes_a_name(write):
    write(TEXT)
    system = make_system(file="duffing.py", **CONSTANTS)
    assert system.hamiltonian(torch.tensor([2.0, 2.0])).item() == 2 + 2 + 2
    assert system == make_system(file="duffing.py", **CONSTANTS)  # of the same class, although loaded twice
    assert registry.source_of("systems", file="duffing.py") == Path("systems/duffing.py")
    assert registry.source_of("systems", name="pendulum") == ROOT / "src/hnn/systems/pendulum.py"


def test_find_system_sees_a_change_of_the_file(write):
    write(TEXT)
    before = find_system(file="duffing.py")
    write(TEXT.replace("hardening * q**4 / 4", "hardening * q**4 / 8"))  # of the same size, within the same second
    changed = find_system(file="duffing.py")
    assert changed is not before
    assert changed(**CONSTANTS).hamiltonian(torch.tensor([2.0, 2.0])).item() == pytest.approx(2 + 2 + 1)


def test_constants_may_have_defaults_and_annotations_may_be_text(write):
    write("from __future__ import annotations\n" + TEXT.replace("hardening: float", "hardening: float = 0.5"))
    assert make_system(file="duffing.py", mass=1.0, stiffness=1.0).hardening == 0.5


WRONG = {
    "no such file": (None, r"there is no such file; its folder has no Python file"),
    "syntax": (TEXT.replace("mass: float", "mass float"), r"line 20: SyntaxError: invalid syntax"),
    "a null byte": ("\0", r"(SyntaxError|ValueError): .*null"),
    "no system": ("x = 1\n", r"must define exactly one subclass of System, it defines none"),
    "empty": ("", r"it defines none"),
    "two systems": (f"{TEXT}\n\nclass Second(Duffing):\n    pass\n", r"it defines Duffing, Second"),
    "an imported system": ("from hnn.systems.pendulum import Pendulum\n", r"it defines none"),
    "no dataclass": (TEXT.replace("@dataclass(frozen=True)\n", ""), r"Duffing is not a frozen dataclass; write @dataclass"),
    "not frozen": (TEXT.replace("(frozen=True)", ""), r"Duffing is not a frozen dataclass"),
    "a subclass that is no dataclass": (
        "from hnn.systems.pendulum import Pendulum\n\nclass Mine(Pendulum):\n    pass\n",
        r"Mine is not a frozen dataclass",
    ),
    "no period": (TEXT.replace("def period", "def other"), r"Duffing lacks period"),
    "neither method": (
        TEXT.replace("def period", "def a").replace("def ham", "def b"),
        r"Duffing lacks hamiltonian and period",
    ),
    "no degrees": (TEXT.replace("    degrees: ClassVar[int] = 1\n", ""), r"Duffing\.degrees: given None, must be the number"),
    "half a degree": (TEXT.replace("ClassVar[int] = 1", "ClassVar[int] = 0.5"), r"Duffing\.degrees: given 0.5, must be"),
    "a constant of the name file": (
        TEXT.replace("mass: float", "file: float"),
        r"Duffing\.file: a constant must have another",
    ),
    "a shape without method": (
        TEXT.replace("    mass: float", '    shapes = ("cross",)\n    mass: float'),
        r"Duffing\.shapes: given 'cross', which is no method",
    ),
    "an unknown module": (f"import nothing_of_this_name\n{TEXT}", r"line 1: ModuleNotFoundError: No module named"),
    "a relative import": (f"from . import other\n{TEXT}", r"line 1: ImportError: "),
    "an exception": (f"{TEXT}\n\n1 / 0\n", r"line 36: ZeroDivisionError: division by zero"),
    "an exception of several lines": ("raise ValueError('a\\nb')\n", r"line 1: ValueError: a b$"),
    "an exit": ("raise SystemExit(3)\n", r"line 1: SystemExit: 3"),
}


@pytest.mark.parametrize("wrong", WRONG)
def test_load_system_refuses_a_wrong_file_in_one_line_that_names_it(write, wrong):
    text, message = WRONG[wrong]
    if text is not None:
        assert text != TEXT
        write(text)
    with pytest.raises(Refused) as caught:
        load_system(Path("systems/duffing.py"))
    said = str(caught.value)
    assert said.startswith("systems/duffing.py: ")
    assert re.search(message, said.removeprefix("systems/duffing.py: ")), said
    assert "\n" not in said


def test_load_system_refuses_other_kinds_of_files(write, tmp_path):
    write("x", "duffing.txt")
    with pytest.raises(Refused, match=r"systems/duffing.txt: must be a Python file, \*.py"):
        load_system(Path("systems/duffing.txt"))
    (tmp_path / "systems/folder.py").mkdir()
    with pytest.raises(Refused, match=r"there is no such file; its folder has folder\.py"):
        load_system(Path("systems/folder.py"))


def test_find_system_refuses_a_name_beside_a_file():
    with pytest.raises(Refused, match=r"given name 'pendulum' and file 'duffing.py'; allowed: one of them"):
        find_system("pendulum", "duffing.py")


def energy(system, q):
    """H at rest; also in another process."""
    return system.hamiltonian(torch.tensor([q, 0.0])).item()


def test_forked_workers_have_the_system(write):
    write(TEXT)
    system = make_system(file="duffing.py", **CONSTANTS)
    compute = SimpleNamespace(scheduler="local", workers=2)
    assert parallel_map(partial(energy, system), [1.0, 2.0], threads=1, compute=compute) == [0.625, 4.0]


def test_the_system_reaches_a_worker_without_the_file(write, tmp_path):
    write(TEXT)
    path = tmp_path / "system.pickle"
    path.write_bytes(cloudpickle.dumps(make_system(file="duffing.py", **CONSTANTS)))
    code = (
        f"import cloudpickle, torch; print(cloudpickle.load(open({str(path)!r}, 'rb')).hamiltonian(torch.tensor([2.0, 0.0])))"
    )
    os.remove("systems/duffing.py")
    environment = os.environ | {"PYTHONPATH": str(ROOT / "src")}
    done = subprocess.run([sys.executable, "-c", code], cwd="/", env=environment, capture_output=True, text=True, check=False)
    assert done.stdout.strip() == "tensor(4.)", done.stderr


def checked(write, **changes):
    """The problems of params.yaml whose pendulum is this system, with changed keys of its task."""
    write(TEXT)
    params = parameters()
    task = params["tasks"]["pendulum"]
    task["system"] = {"file": "duffing.py", **CONSTANTS}
    del task["render"], task["simulate"]["outside_distribution"]
    for key, value in changes.items():
        section, _, name = key.partition("__")
        task.setdefault(section, {})[name] = value
    Path("params.yaml").write_text(yaml.safe_dump(params))
    try:
        load_checked_params()
    except InvalidParams as error:
        return str(error).splitlines()
    return []


AT = "params.yaml: tasks.pendulum."
MISTAKES = {
    "a negative constant": ({"system__mass": -1.0}, f"{AT}system.mass: given -1.0, must be greater than 0"),
    "an unknown constant": ({"system__masss": 1.0}, f"{AT}system.masss: unknown key; did you mean 'mass'?"),
    "text": ({"system__mass": "1"}, f"{AT}system.mass: given '1', must be a valid number"),
    "a name too": ({"system__name": "pendulum"}, f"{AT}system.file: given name 'pendulum' and file 'duffing.py'"),
    "another file": ({"system__file": "dufing.py"}, f"{AT}system.file: systems/dufing.py: there is no such file"),
    "a number": ({"system__file": 3}, f"{AT}system.file: given 3, must be the name of a Python file in systems/"),
    "a folder": ({"system__file": "../duffing.py"}, f"{AT}system.file: given '../duffing.py', must be the name of a Python"),
    "frames": ({"render__centre_x": 0.0}, f"{AT}render: frames are drawn of the systems of src/hnn/systems alone"),
    "a shape": (
        {"simulate__distribution": {"shape": "rings", "low": 0.1, "high": 1.0}},
        f"{AT}simulate.distribution.shape: given 'rings'; did you mean 'ring'? known: ring, box",
    ),
    "a lower end": (
        {"simulate__distribution": {"shape": "ring", "low": 2.0, "high": 1.0}},
        f"{AT}simulate.distribution.low: given 2.0, must be at most",
    ),
    "starts that reach no farther": (
        {"simulate__outside_distribution": {"shape": "ring", "low": 0.1, "high": 1.0}},
        f"{AT}simulate.outside_distribution: given",
    ),
}


def test_load_checked_params_accepts_a_system_of_ones_own(write):
    assert checked(write) == []


@pytest.mark.parametrize("mistake", MISTAKES)
def test_load_checked_params_refuses_mistakes_as_those_of_built_in_systems(write, mistake):
    changes, message = MISTAKES[mistake]
    problems = [line for line in checked(write, **changes) if line.startswith(message)]
    assert len(problems) == 1, checked(write, **changes)


def test_load_checked_params_refuses_code_that_fails_for_the_constants(write, monkeypatch):
    text = TEXT.replace(
        "    def period", "    def __post_init__(self):\n        raise ValueError('too\\nheavy')\n\n    def period"
    )
    monkeypatch.setattr("test_own_system.TEXT", text)
    (problem,) = checked(write)
    assert problem == f"{AT}system.file: systems/duffing.py: line 29: ValueError: too heavy"


def test_load_checked_params_puts_a_system_with_friction_into_friction_tasks(write, monkeypatch):
    friction = "    def dissipation(self, x):\n        return -0.1 * x\n\n    def period"
    monkeypatch.setattr("test_own_system.TEXT", TEXT.replace("    def period", friction))
    (problem,) = checked(write)
    assert problem == "params.yaml: state_tasks: given 'pendulum', whose system has friction; it belongs to friction_tasks"
