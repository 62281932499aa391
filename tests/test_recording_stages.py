"""A recording of one's own from files to its report, by the commands that users type."""

import json
import shutil

import numpy as np
import pytest
from tiny_project import Project, ran

import hnn

MODELS = ("baseline", "hnn", "dissipative_hnn")
"""Models of recordings by default."""


@pytest.fixture
def project(recorded, tmp_path, env):
    """A copy of `recorded` to work in."""
    return Project(shutil.copytree(recorded, tmp_path / "project", symlinks=True), env)


def test_a_recording_has_a_report_with_all_models_and_its_own_metrics(project):
    text = (project / "metrics/recordings/rig.md").read_text()
    assert "predicts the held-out runs best" in text
    assert "2 training trials, 1 held out (c)" in text
    for model in MODELS:
        assert f"| {model} |" in text
    page = (project / "metrics/recordings/rig.html").read_text()
    assert page.count("data:image/png;base64,") == 1
    shown = json.loads((project / "metrics/recordings/rig.json").read_text())
    assert set(shown) == set(MODELS)
    assert all(np.isfinite(list(numbers.values())).all() for numbers in shown.values())
    assert "rig.json" in project.dvc("metrics", "show")
    printed = project.hnn("-m", "hnn", "report")
    assert "\nrig\n" in printed
    assert "held-out runs" in " ".join(printed.split())


def test_nothing_is_run_twice_and_a_change_of_the_fit_runs_what_depends_on_it(project):
    assert ran(project.dvc("repro", "report_recording@rig")) == set()
    project.edit(lambda params: params["recording"].update(iterations=3))
    log = project.dvc("repro", "report_recording@rig")
    stages = {"train_recording", "rollout_recording"}
    expected = {f"{stage}@rig-{model}" for stage in stages for model in MODELS} | {"validate", "report_recording@rig"}
    assert ran(log) - {"code"} == expected


def test_the_trained_model_is_loaded_in_the_units_of_the_recording(project):
    model = hnn.load("rig", "dissipative_hnn", root=project.folder)
    rate = model.field(0.0, np.array([0.5, 0.0]))
    assert rate.shape == (2,)
    assert rate == pytest.approx(np.asarray(model.time_derivative([0.5, 0.0])))
    assert model.energy([[0.0, 0.0], [0.5, 0.0]]).shape == (2,)


def test_a_file_that_is_changed_is_read_again_and_one_that_is_gone_is_named(project):
    path = project / "data/recordings/rig/c.csv"
    path.chmod(0o644)
    lines = path.read_text().splitlines()
    path.write_text("\n".join(lines[:-10]) + "\n")
    status, log = project.try_run("dvc", "repro", "ingest_recording@rig")
    assert status == 0, log
    assert "ingest_recording@rig" in log
    path.write_text("\n".join([*lines[:5], "0.2,x,y", *lines[5:]]) + "\n")
    status, log = project.try_run("dvc", "repro", "ingest_recording@rig")
    assert status != 0
    assert "Traceback" not in log
    assert "c.csv: line 6" in log
