"""`dvc plots`: curves and errors are drawn by the templates of the project, on a log axis, with titles and units."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from test_error_curves import cell, rollout

from hnn.core.cell import TRUTH, Cell
from hnn.figures import error_curves
from hnn.figures.style import FLOOR, colour
from hnn.files import formats

ROOT = Path(__file__).parents[2]
CURVE, ERRORS = "data/curves/pendulum-hnn.csv", "data/errors/pendulum.csv"


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A repository with the project's plots and two files to draw, and nothing to run."""
    for path in ("dvc.yaml", "params.yaml", ".dvc/config", ".dvc/plots"):
        (tmp_path / path).parent.mkdir(exist_ok=True)
        copy = shutil.copytree if (ROOT / path).is_dir() else shutil.copy
        copy(ROOT / path, tmp_path / path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DVC_SITE_CACHE_DIR", str(tmp_path / ".site"))
    write(1.0)
    run("git", "init", "--quiet")
    run("git", "add", "data", "dvc.yaml", "params.yaml", ".dvc/plots", ".dvc/config")
    run("git", "-c", "user.name=a", "-c", "user.email=a@b.c", "commit", "--quiet", "--message", "results")
    return tmp_path


def write(size):
    losses = {"train_loss": 0.5 * size, "test_loss": size}
    formats.write_rows(Path(CURVE), [{"step": step, **losses} for step in (0, 10, 20)])
    models = {Cell("pendulum", model): cell(held_out=rollout(0.1 * size)) for model in ("baseline", "hnn", TRUTH)}
    formats.write_rows(Path(ERRORS), error_curves.rows(models))


def run(*command):
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def plots(*words):
    """The filled templates that DVC gives the browser, by file."""
    command = [sys.executable, "-m", "dvc", "plots", *words, CURVE, str(Path(ERRORS).parent), "--json", "--out", "plots"]
    found = json.loads(run(*command))
    assert not found.get("errors")
    return {name: plot["content"] for name, (plot,) in found["data"].items()}


def test_curves_and_errors_have_a_log_axis_a_title_and_units(project):
    shown = plots("show")
    for name, title, x, y in (
        (CURVE, "pendulum-hnn: loss, mean over the seeds", "step", "loss: test data, and training data dashed"),
        (ERRORS, ERRORS, "time in s", "energy error / energy std"),
    ):
        assert shown[name]["title"]["text"] == title
        assert shown[name]["encoding"]["x"]["title"] == x
        for layer in shown[name]["layer"]:
            assert layer["encoding"]["y"]["title"] == y
            assert layer["encoding"]["y"]["scale"] == {"type": "log"}


def test_errors_are_bands_of_each_model_in_the_colours_of_the_figures(project):
    content = plots("show")[ERRORS]
    assert [layer["mark"]["type"] for layer in content["layer"]] == ["area", "line"]
    cells = [Cell("pendulum", model) for model in ("baseline", "hnn", TRUTH, FLOOR)]
    scale = content["encoding"]["color"]["scale"]
    assert dict(zip(scale["domain"], scale["range"], strict=True)) == {cell.name: colour(cell) for cell in cells}
    assert {row["model"] for row in content["data"]["values"]} == {"baseline", "hnn", "truth"}


def test_a_difference_shows_both_revisions(project):
    write(2.0)
    for content in plots("diff", "HEAD", "--targets").values():
        assert {row["rev"] for row in content["data"]["values"]} == {"HEAD", "workspace"}
