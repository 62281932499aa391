"""README and docs: results equal the report's; commands, links and overrides are valid."""

import json
import re
import shlex
import shutil
from pathlib import Path

import numpy as np
import pytest
from conftest import PARAMS
from dvc.utils import hydra

from hnn import __main__ as command
from hnn.core.errors import Refused
from hnn.params.loading import load_params, read_raw
from hnn.reporting import report

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
PAGES = ["README.md", "CONTRIBUTING.md", *(f"docs/{path.name}" for path in (ROOT / "docs").glob("*.md"))]


def test_results_are_those_of_the_committed_report():
    committed = (ROOT / "metrics" / "report.md").read_text(encoding="utf-8")
    assert report.extract(README) == report.extract(committed), "run `make readme`"


def test_the_metrics_shown_are_the_committed_headline():
    shown = README.partition("$ dvc metrics show\n")[2].partition("$")[0]
    for path in (ROOT / "metrics" / "headline").glob("*.json"):
        (row,) = re.findall(rf"headline/{path.name} +(.*)", shown)
        numbers = [round(number, 5) for number in json.loads(path.read_text(encoding="utf-8")).values()]
        assert sorted(float(one) for one in row.split() if one != "-") == pytest.approx(sorted(numbers), abs=1e-4), (
            "run `make readme`"
        )


def test_no_measured_number_stands_outside_the_generated_results():
    prose = re.sub(r"<!-- (\w+): begin -->.*?<!-- \1: end -->", "", README, flags=re.DOTALL)
    assert not re.search(r"\d+(\.\d+)?\s*(%|×|times|seconds|minutes|MB|GB)", prose)
    assert not re.search(r"\d\.\d+e-?\d+", prose)


@pytest.mark.parametrize("page", PAGES)
def test_every_link_leads_to_a_file_of_the_project(page):
    targets = re.findall(r"\]\((?!https?:)([^)#]+)\)", (ROOT / page).read_text(encoding="utf-8"))
    assert [target for target in targets if not ((ROOT / page).parent / target).exists()] == []


@pytest.mark.parametrize("page", PAGES)
def test_every_make_target_named_exists(page):
    named = set(re.findall(r"(?:`|^ {4})make ([a-z-]+)", (ROOT / page).read_text(encoding="utf-8"), re.MULTILINE))
    assert named <= set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))


def test_the_example_runs_as_it_stands(monkeypatch):
    """On a project whose cells are trained; elsewhere the error says what to do."""
    code, _ = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    monkeypatch.chdir(ROOT)
    if (ROOT / "data" / "models" / "two_body-hnn.safetensors").is_file():
        names: dict = {}
        exec(code, names)
        assert names["model"].rollout(names["x0"], names["torch"].linspace(0, 100, 1000)).shape == (1000, 8)
    else:
        with pytest.raises(FileNotFoundError, match="make repro"):
            exec(code, {})


def test_the_example_on_arrays_runs_as_it_stands(monkeypatch, tmp_path):
    _, code = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    monkeypatch.chdir(tmp_path)
    names: dict = {}
    exec(code, names)
    orbit, model = names["orbit"], names["model"]
    assert pytest.approx(model.rollout(names["x"][0], orbit.t), abs=1e-4) == orbit.y.T
    assert abs(np.linalg.norm(orbit.y[:, -1]) - np.exp(-0.05 * 20)) < 0.1
    assert (tmp_path / "my_rig.safetensors").is_file()


@pytest.mark.parametrize("line", re.findall(r"^ {4}python -m (hnn [^#\n]+)", README, re.MULTILINE))
def test_every_command_of_the_terminal_is_one(line):
    given = command.parser().parse_args(command.joined(shlex.split(line)[1:]))
    assert given.command.__name__ == line.split()[1]


def test_the_rollout_from_the_terminal_says_what_it_does(monkeypatch, tmp_path, capsys):
    """On a project whose cells are trained; elsewhere the error says what to do."""
    [line] = re.findall(r"^ {4}python -m hnn (rollout .+ --start .+)", README, re.MULTILINE)
    [said] = re.findall(r"<!-- orbit: begin -->\n {4}(.*)\n<!-- orbit: end -->", README)
    monkeypatch.chdir(ROOT)
    given = command.parser().parse_args(command.joined(shlex.split(line)))
    given.out = tmp_path / given.out
    if (ROOT / "data" / "models" / "two_body-hnn.safetensors").is_file():
        given.command(given)
        printed = capsys.readouterr()
        assert printed.out.replace(f"{tmp_path}/", "").strip() == said
        assert printed.err == ""
    else:
        with pytest.raises(Refused, match="make repro"):
            given.command(given)


@pytest.mark.parametrize("options", re.findall(r"^ {4}.*dvc exp run (-S .*?|--queue -S .*?)(?: *#.*)?$", README, re.MULTILINE))
def test_every_override_shown_is_one_that_dvc_and_the_parameters_allow(options, tmp_path):
    words = [word for word in shlex.split(options) if word not in ("-S", "--queue") and "=" in word]
    path = tmp_path / "params.yaml"
    for word in words:
        shutil.copy(ROOT / "params.yaml", path)
        for one in [word] if "[" in word else [f"{word.split('=')[0]}={word.split('=')[1].split(',')[0]}"]:
            hydra.apply_overrides(str(path), [one])
        load_params(path)
        assert read_raw(path) != PARAMS, f"{word} changes nothing"
