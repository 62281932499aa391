"""Nothing executes data, and nothing of the parameters leads out of the workspace or into a page as markup."""

import ast

import pytest
import yaml
from conftest import ROOT, parameters
from report_fixture import METRICS, results

from hnn.core.errors import Refused
from hnn.params.checks import load_checked_params
from hnn.params.loading import validate_schema
from hnn.params.schema import Params
from hnn.reporting.model_cards import model_cards
from hnn.systems.base import make_system

FILES = [file for folder in ("src", "stages") for file in sorted((ROOT / folder).rglob("*.py"))]

ALLOWED = {
    # Results go from a fork to the process that made it, by a pipe that no other process has.
    ("src/hnn/parallel/pool.py", "import pickle"),
    # The function goes to the workers of the scheduler that params.yaml names: whoever runs it may run code there anyway.
    ("src/hnn/parallel/cluster.py", "import pickle"),
    ("src/hnn/parallel/cluster.py", "import cloudpickle"),
    # A person's own system: code that they put into systems/, or name on the command line, to be run.
    ("src/hnn/core/registry.py", "importlib.util.spec_from_file_location"),
}
"""The only places that execute what they read, and why they may."""

MODULES = {"pickle", "cPickle", "cloudpickle", "dill", "marshal", "shelve", "jsonpickle", "code", "codeop", "imp", "runpy"}
BUILTINS = {"eval", "exec", "compile", "__import__"}
CALLS = {
    *("os.system", "os.popen", "os.execv", "os.spawnv", "subprocess.getoutput", "subprocess.getstatusoutput", "pty.spawn"),
    *(
        "torch.load",
        "torch.jit.load",
        "torch.hub.load",
        "joblib.load",
        "np.load",
        "numpy.load",
        "np.fromfile",
        "pd.read_pickle",
    ),
    *(
        "yaml.load",
        "yaml.load_all",
        "yaml.full_load",
        "yaml.unsafe_load",
        "yaml.FullLoader",
        "yaml.UnsafeLoader",
        "yaml.Loader",
    ),
    *("importlib.util.spec_from_file_location", "importlib.machinery.SourceFileLoader", "runpy.run_path"),
    *("shutil.unpack_archive", "tarfile.open", "archive.extract", "archive.extractall"),
}


def unsafe(source):
    """What a source does that could execute data, or write where data says."""
    found = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import | ast.ImportFrom):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else [str(node.module)]
            found |= {f"import {name}" for name in names if name.split(".")[0] in MODULES}
        elif isinstance(node, ast.Attribute) and ast.unparse(node) in CALLS:
            found.add(ast.unparse(node))
        elif isinstance(node, ast.Call):
            if isinstance(node.func, ast.Name) and node.func.id in BUILTINS:
                found.add(node.func.id)
            for word in node.keywords:
                if word.arg in ("shell", "allow_pickle") and not (
                    isinstance(word.value, ast.Constant) and not word.value.value
                ):
                    found.add(f"{word.arg}={ast.unparse(word.value)}")
    return found


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(ROOT)))
def test_no_source_executes_data(file):
    path = file.relative_to(ROOT).as_posix()
    found = {(path, one) for one in unsafe(file.read_text(encoding="utf-8"))}
    assert found == {one for one in ALLOWED if one[0] == path}


@pytest.mark.parametrize(
    "source",
    [
        "import pickle",
        "from pickle import loads",
        "import cloudpickle as c",
        "eval('1')",
        "exec(text)",
        "__import__(name)",
        "subprocess.run(x, shell=True)",
        "subprocess.run(x, shell=flag)",
        "os.system(x)",
        "torch.load(path)",
        "np.load(path)",
        "np.lib.format.read_array(file, allow_pickle=True)",
        "yaml.load(text, yaml.SafeLoader)",
        "archive.extractall()",
        "importlib.util.spec_from_file_location('a', path)",
    ],
)
def test_unsafe_finds_planted_lines(source):
    assert unsafe(source)


def test_every_stream_of_yaml_is_read_by_the_safe_loader():
    loaders = {
        base
        for file in FILES
        for node in ast.walk(ast.parse(file.read_bytes()))
        if isinstance(node, ast.ClassDef)
        for base in map(ast.unparse, node.bases)
        if base.startswith("yaml.")
    }
    assert loaders == {"yaml.SafeLoader"}


OUTSIDE = ["../../../etc/passwd", "/etc/passwd", "..", ".", "a/b", "a\\b", "", "~root", "a\n", "a\0b", "-rf"]


@pytest.mark.parametrize("name", OUTSIDE)
def test_no_name_of_the_parameters_is_a_path_out_of_the_workspace(name):
    raw = parameters()
    changes = {
        "ingest.archive": lambda: raw["ingest"].update(archive=name),
        "tasks": lambda: raw["tasks"].update({name: raw["tasks"]["pendulum"]}),
        "state_tasks.0": lambda: raw.update(state_tasks=[name]),
        "models.0": lambda: raw.update(models=[name]),
        "step_maps.0": lambda: raw.update(step_maps=[name]),
    }
    for key, change in changes.items():
        raw = parameters()
        change()
        params, problems = validate_schema(raw)
        assert params is None, f"{key}: {name!r} is allowed"
        assert problems, key


@pytest.mark.parametrize(
    "name", [*OUTSIDE, "../duffing.py", "/tmp/duffing.py", "a/duffing.py", "~/duffing.py", "duffing.py\n"]
)
def test_no_file_of_a_system_leads_out_of_its_folder(name, tmp_path):
    raw = parameters()
    raw["tasks"]["pendulum"]["system"] = {"file": name, "mass": 1.0}
    (tmp_path / "params.yaml").write_text(yaml.safe_dump(raw))
    with pytest.raises(Refused, match=r"must be the name of a Python file in systems/") as caught:
        load_checked_params(tmp_path / "params.yaml")
    assert "\n" not in str(caught.value)
    with pytest.raises(Refused, match=r"must be the name of a Python file in systems/"):
        make_system(**raw["tasks"]["pendulum"]["system"])


@pytest.mark.parametrize("name", ["a\nb", "<script>", "`x`", "../x", "/x", "[x](y)"])
def test_the_member_of_an_archive_is_a_plain_name(name):
    raw = parameters()
    raw["tasks"]["real_pendulum"]["ingest"]["member"] = name
    (problem,) = validate_schema(raw)[1]
    assert problem.startswith(f"tasks.real_pendulum.ingest.member: given {name!r}, must be the name of a file in the archive")


MARKUP = '<script>alert(1)</script><img src=x onerror="alert(1)">'


def test_model_cards_escape_parameters():
    raw = parameters()
    raw["tasks"]["pendulum"]["system"]["name"] = "pendulum"
    raw["tasks"]["pendulum"]["system"][MARKUP] = MARKUP
    raw["tasks"]["pendulum"]["simulate"]["distribution"]["shape"] = MARKUP
    params = validate_schema(raw)[0]
    assert isinstance(params, Params)
    cards = model_cards(results(METRICS), {"pendulum": 0.0}, params.tasks, 5)
    assert all("<script>" not in text for text in cards.values())
    assert any("&lt;script&gt;" in text for text in cards.values())
