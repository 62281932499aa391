"""DVC and the command line, run as a user runs them, on tiny parameters in copies of the project."""

import csv
import hashlib
import os
import re
import shutil
import signal
import subprocess
import time
from pathlib import Path

import numpy as np
import pytest
import yaml
from tiny_project import HIDDEN, ROOT, Project, once, ran

from bench.loopback import started

UP_TO_DATE = "Data and pipelines are up to date."
ARCHIVE = "invar_datasets.zip"


@pytest.fixture(scope="session")
def varied(tmp_path_factory, finished, env):
    """`finished` after two experiments, the first of them committed: not to be changed. Their logs are in .dvc/tmp."""

    def experiments(project):
        (project / ".dvc/tmp/tasks.log").write_text(project.dvc("exp", "run", "-S", "state_tasks=[mass_spring]"))
        project.commit()
        (project / ".dvc/tmp/hidden.log").write_text(project.dvc("exp", "run", "-S", "model.hidden=16"))

    return copy_once(tmp_path_factory, "varied", finished, env, experiments)


@pytest.fixture(scope="session")
def seen(tmp_path_factory, finished, env):
    """`finished` with one pixel task, of one model and step map, and no other: not to be changed."""

    def one_pixel_cell(project):
        change = {"state_tasks": [], "pixel_tasks": ["pixel_pendulum"], "models": ["hnn"], "step_maps": ["rk4"]}
        project.edit(lambda params: params.update(change))
        project.dvc("repro")
        project.commit()

    return copy_once(tmp_path_factory, "seen", finished, env, one_pixel_cell)


def copy_once(tmp_path_factory, name, project, env, change):
    """A copy of a project, changed by a function of it, made by the first test process that asks for it."""

    def build(folder):
        change(Project(shutil.copytree(project, folder, symlinks=True), env))

    return once(tmp_path_factory, name, build)


@pytest.fixture
def pixels(seen, tmp_path, env):
    """A copy of `seen` to work in."""
    return Project(shutil.copytree(seen, tmp_path / "project", symlinks=True), env)


@pytest.fixture
def experiment(varied, tmp_path, env):
    """A copy of `varied` to work in."""
    return Project(shutil.copytree(varied, tmp_path / "project", symlinks=True), env)


def rows(table):
    """The rows of a table that DVC prints, as lists of words."""
    return [line.split() for line in table.splitlines()]


def test_repro_writes_exactly_the_outs_that_are_declared(project):
    lock = yaml.safe_load((project / "dvc.lock").read_text())["stages"]
    outs = [project / out["path"] for stage in lock.values() for out in stage["outs"]]
    declared = {file for out in outs for file in (out.rglob("*") if out.is_dir() else [out]) if file.is_file()}
    assert set(project.files()) == {str(file.relative_to(project.folder)) for file in declared}
    cells = {f"{task}-{model}" for task in ("mass_spring", "two_body") for model in ("baseline", "hnn")}
    tasks = {f"{stage}@{task}" for stage in ("simulate", "truth") for task in ("mass_spring", "two_body")}
    assert set(lock) == {"code", "validate", "report"} | tasks | {
        f"{stage}@{cell}" for stage in ("train", "rollout") for cell in cells
    }


def test_a_second_repro_finds_everything_up_to_date_and_the_tree_stays_clean(project):
    assert UP_TO_DATE in project.dvc("repro")
    assert project.run("git", "status", "--porcelain") == ""


def test_a_fresh_clone_is_up_to_date_without_its_data(project, tmp_path):
    project.run("git", "clone", "--quiet", ".", str(tmp_path / "clone"))
    clone = Project(tmp_path / "clone", project.env)
    assert not (clone / "data").exists()
    assert UP_TO_DATE in clone.dvc("repro", "--allow-missing", "--dry")
    clone.edit(lambda params: params.update(seed=1))
    assert UP_TO_DATE not in clone.try_run("dvc", "repro", "--allow-missing", "--dry")[1]


def test_the_page_written_again_after_another_commit_is_the_same_and_names_its_code(project):
    project.run("git", "commit", "--quiet", "--allow-empty", "--message", "another")
    project.dvc("repro", "--force", "--single-item", "report")
    assert project.run("git", "status", "--porcelain") == ""
    page = (project / "metrics/report.html").read_text()
    assert all(project.run("git", "rev-parse", f"HEAD:{folder}").strip() in page for folder in ("src/hnn", "stages"))
    assert hashlib.sha256((project / "data/observations/two_body.npz").read_bytes()).hexdigest() in page


def test_another_network_trains_rolls_out_and_reports_again_and_simulates_nothing(varied):
    log = (varied / ".dvc/tmp/hidden.log").read_text()
    assert ran(log) == {"code", "validate", "report"} | {
        f"{stage}@mass_spring-{model}" for stage in ("train", "rollout") for model in ("baseline", "hnn")
    }
    assert "Stage 'simulate@mass_spring' didn't change, skipping" in log


def test_fewer_tasks_report_on_only_those_although_files_of_the_others_are_left(varied):
    assert ran((varied / ".dvc/tmp/tasks.log").read_text()) == {"code", "validate", "report"}
    assert (varied / "data/rollouts/two_body-hnn.npz").is_file()
    assert (varied / "metrics/rollout/two_body-hnn.json").is_file()
    for path in [varied / "metrics/report.md", varied / "metrics/summary.csv"]:
        assert "mass_spring" in path.read_text()
        assert "two_body" not in path.read_text()
    assert not list((varied / "metrics/figures").glob("*two_body*"))


def test_exp_show_lists_the_experiment_with_its_parameter(experiment):
    shown = list(csv.DictReader(experiment.dvc("exp", "show", "--csv").splitlines()))
    (name,) = [row["Experiment"] for row in shown if row["Experiment"]]
    assert {row["Experiment"] or row["rev"]: row["model.hidden"] for row in shown} == {
        "workspace": "16",
        "main": str(HIDDEN),
        name: "16",
    }
    assert name in experiment.dvc("exp", "show")


def test_metrics_show_lists_every_cell(project):
    printed = project.dvc("metrics", "show")
    for task in ("mass_spring", "two_body"):
        for stage, models in {"train": ("-baseline", "-hnn"), "rollout": ("-baseline", "-hnn"), "simulate": ("",)}.items():
            assert all(f"metrics/{stage}/{task}{model}.json" in printed for model in models)


def test_metrics_diff_shows_a_change_of_every_headline_number_although_it_rounds(experiment):
    changes = {tuple(row[:2]): row[-1] for row in rows(experiment.dvc("metrics", "diff"))}
    headlines = {"train": ["test_loss"], "rollout": ["energy_mse", "energy_error", "table1.energy_mse", "long.energy_error"]}
    for model in ("baseline", "hnn"):
        for stage, names in headlines.items():
            for name in names:
                assert float(changes[f"metrics/{stage}/mass_spring-{model}.json", f"{name}.log10"]) != 0


def test_params_diff_shows_what_was_changed(experiment):
    assert rows(experiment.dvc("params", "diff"))[1:] == [["params.yaml", "model.hidden", str(HIDDEN), "16"]]


def test_plots_show_has_curves_and_pictures(project):
    project.dvc("plots", "show")
    page = (project / "dvc_plots/index.html").read_text()
    for cell in ("mass_spring-baseline", "mass_spring-hnn", "two_body-baseline", "two_body-hnn"):
        assert f"{cell}: loss, mean over the seeds" in page
    for picture in (project / "metrics/figures").glob("*.png"):
        assert picture.name in page
        assert list((project / "dvc_plots/static").glob(f"*{picture.name}"))
    assert all(f"metrics/errors/{task}.csv" in page for task in ("mass_spring", "two_body"))
    assert '"scale": {"type": "log"}' in page
    assert project.run("git", "status", "--porcelain") == ""


def test_queued_experiments_run_side_by_side_each_with_its_own_source(project):
    project.edit(lambda params: params.update(state_tasks=["mass_spring"], models=["hnn"]))
    project.append("src/hnn/reporting/templates/report.md", "\nof the queued source\n")
    project.dvc("exp", "run", "--queue", "-S", f"model.hidden=6,{HIDDEN}")
    project.append("src/hnn/core/errors.py", "\nraise RuntimeError('imported from the workspace')\n")
    project.dvc("queue", "start", "-j", "2")
    done, deadline = {}, time.monotonic() + 120
    while len(done) < 2 and time.monotonic() < deadline:
        time.sleep(0.5)
        refs = project.run("git", "for-each-ref", "refs/exps", "--format=%(refname)").split()
        done = {ref.split("/")[-1]: ref for ref in refs if re.fullmatch(r"refs/exps/../[0-9a-f]{38}/.+", ref)}
    status = project.dvc("queue", "status")
    assert len(done) == 2, status + "".join(project.dvc("queue", "logs", row[0]) for row in rows(status) if "Failed" in row)
    hidden = set()
    for ref in done.values():
        assert "of the queued source" in project.run("git", "show", f"{ref}:metrics/report.md")
        hidden.add(yaml.safe_load(project.run("git", "show", f"{ref}:params.yaml"))["model"]["hidden"])
    assert hidden == {6, HIDDEN}
    assert "imported from the workspace" in project.try_run("python", "-m", "stages.validate")[1]


def test_a_trained_cell_loads_in_python(project):
    code = """
import torch, hnn
model = hnn.load("two_body", "hnn")
x = torch.randn(3, 8)
print(tuple(model.time_derivative(x).shape), tuple(model.hamiltonian(x).shape))
path = model.rollout(x, torch.linspace(0, 0.1, 5))
print(tuple(path.shape), bool((path[:, 0] == x).all()), bool((path[:, -1] != x).all()))
"""
    assert project.hnn("-c", code).split("\n") == ["(3, 8) (3,)", "(3, 5, 8) True True", ""]


def test_the_same_cell_trained_again_gives_the_same_bytes(project):
    before = project.files()
    log = project.dvc("repro", "--force", "--single-item", "train@mass_spring-hnn")
    assert ran(log) == {"train@mass_spring-hnn"}
    assert project.files() == before
    assert project.run("git", "status", "--porcelain") == ""


def test_where_it_runs_is_no_reason_to_run_it_again(project):
    before = project.files()
    project.edit(lambda params: params["compute"].update(workers=1))
    assert ran(project.dvc("repro")) == {"code", "validate"}
    assert project.files() == before


def test_a_cell_trained_on_a_cluster_has_the_bytes_of_here(project):
    before = project.files()
    with started({}, {}) as cluster:
        project.edit(lambda params: params["compute"].update(scheduler=cluster.address))
        project.dvc("repro", "--force", "--single-item", "train@mass_spring-hnn")
        assert "'versions'" in (cluster.folder / "worker.log").read_text()  # the worker was asked for them
    assert project.files() == before


def rerun(project):
    """The stages that `dvc repro` would run, after the listings of source code are made again, but `code` and `report`."""
    project.dvc("repro", "code")
    return ran(project.dvc("repro", "--dry")) - {"report"}


def test_reworded_comments_and_docstrings_rerun_code_and_report_alone(project):
    for path in ("src/hnn/core/errors.py", "src/hnn/params/sections.py", "src/hnn/training/loop.py", "stages/train.py"):
        source = (project / path).read_text()
        (project / path).write_text(source.replace('"""', '"""Reworded. ', 1) + "\n\n# A remark.\n")
    assert rerun(project) == set()


def test_a_changed_constant_reruns_the_stages_that_import_it(project):
    path = project / "src/hnn/integrators/gauss.py"
    path.write_text(path.read_text().replace("stages: int = 16", "stages: int = 15"))
    stages = {"simulate": [""], "truth": [""], "rollout": ["-baseline", "-hnn"]}
    assert rerun(project) == {
        f"{stage}@{task}{model}"
        for stage, models in stages.items()
        for task in ("mass_spring", "two_body")
        for model in models
    }


def test_a_changed_system_reruns_its_tasks_alone(project):
    project.append("src/hnn/systems/mass_spring.py", "\nUNUSED = 1\n")
    cells = {f"rollout@mass_spring-{model}" for model in ("baseline", "hnn")}
    assert rerun(project) == {"validate", "simulate@mass_spring", "truth@mass_spring"} | cells


def test_a_changed_model_reruns_its_cells_alone(project):
    project.append("src/hnn/models/baseline.py", "\nUNUSED = 1\n")
    assert rerun(project) - {"validate"} == {
        f"{stage}@{task}-baseline" for stage in ("train", "rollout") for task in ("mass_spring", "two_body")
    }


def test_a_new_model_file_reruns_validate_alone(project):
    source = (project / "src/hnn/models/hnn.py").read_text()
    (project / "src/hnn/models/another.py").write_text(source.replace("HamiltonianNetwork", "Another"))
    assert rerun(project) == {"validate"}


def test_bad_parameters_are_refused_in_one_line_each_before_any_out_is_touched(project):
    before = project.files()

    def spoil(params):
        params["train"]["learning_rate"] = -1
        params["model"]["hiden"] = 200

    project.edit(spoil)
    status, printed = project.try_run("dvc", "repro")
    assert status != 0
    said = [line for line in printed.splitlines() if line.startswith("params.yaml: ")]
    assert [line.split(": ")[1] for line in said] == ["model.hiden", "train.learning_rate"]
    assert "did you mean 'hidden'?" in said[0]
    assert "-1" in said[1]
    assert "Traceback" not in printed
    assert ran(printed) == {"code", "validate"}
    del before["data/params.valid"], before["data/params.json"]
    assert project.files() == before


def test_a_fit_that_diverges_stops_with_task_model_seed_step_and_rate_and_leaves_no_part_of_its_outs(project):
    before = project.files()
    project.edit(lambda params: params["train"].update(learning_rate=1e30))
    status, printed = project.try_run("dvc", "repro", "train@mass_spring-baseline")
    assert status != 0
    assert re.search(
        r"^train mass_spring-baseline seed [01]: loss (inf|nan) at step \d+ of 20, learning rate \S+e\+", printed, re.M
    )
    assert "Traceback" not in printed
    after = project.files()
    del after["data/params.json"]  # `validate` wrote the changed parameters
    assert after.items() < before.items()


def test_an_interrupted_fit_is_a_failure_and_leaves_no_part_of_its_outs(project):
    before, lock = project.files(), (project / "dvc.lock").read_text()
    project.edit(lambda params: params["train"].update(steps=10**8))
    command = ["dvc", "repro", "--single-item", "train@mass_spring-hnn"]
    log = project / ".dvc/tmp/interrupted.log"
    with log.open("w") as file:
        running = subprocess.Popen(
            command, cwd=project.folder, env=project.env, stdout=file, stderr=file, start_new_session=True
        )
        while (project / "data/models/mass_spring-hnn.safetensors").exists():  # DVC removes old outs when the stage starts
            assert running.poll() is None, log.read_text()
            time.sleep(0.1)
        time.sleep(4)  # most likely within the fit by then; no matter if not
        os.killpg(running.pid, signal.SIGINT)
        assert running.wait(timeout=60) != 0
    assert project.files().items() < before.items()
    assert (project / "dvc.lock").read_text() == lock


def test_without_the_measured_archive_one_message_says_what_to_put_where(project):
    status, printed = project.try_run("dvc", "exp", "run", "-S", "measured_tasks=[real_pendulum]")
    assert status != 0
    (line,) = [line for line in printed.splitlines() if ARCHIVE in line]
    checksum = yaml.safe_load((project / "params.yaml").read_text())["ingest"]["sha256"]
    assert all(part in line for part in (checksum, "data/external", "HNN_EXTERNAL_DATA"))
    assert "Traceback" not in printed
    assert ran(printed) == {"code", "validate", "ingest@real_pendulum"}


def test_the_measured_pendulum_runs_through_to_the_report(project):
    places = [os.environ.get("HNN_EXTERNAL_DATA"), ROOT / "data/external", ROOT.parent / "shared/data"]
    folder = next((str(place) for place in places if place and (Path(place) / ARCHIVE).is_file()), None)
    if folder is None:
        pytest.skip(f"{ARCHIVE} is neither in data/external nor where HNN_EXTERNAL_DATA says")
    settings = ["-S", "measured_tasks=[real_pendulum]", "-S", "models=[hnn]"]
    log = project.dvc("exp", "run", *settings, HNN_EXTERNAL_DATA=folder)
    measured = {"ingest@real_pendulum", "truth_measured@real_pendulum"}
    measured |= {f"{stage}_measured@real_pendulum-hnn" for stage in ("train", "rollout")}
    assert ran(log) == measured | {"code", "validate", "report"}
    assert "real_pendulum" in (project / "metrics/report.md").read_text()


def test_the_command_line_shows_the_report_and_helps(project):
    printed = project.hnn("-m", "hnn", "report")
    assert "two_body" in printed
    assert str(project / "metrics/report.md") in printed
    usage = project.hnn("-m", "hnn", "--help")
    assert all(re.search(rf"^ +{command} +\w", usage, re.M) for command in ("report", "readme", "check"))


PIXEL_CELL = "pixel_pendulum-hnn-rk4"


def test_a_pixel_task_runs_from_simulation_to_report(pixels):
    assert UP_TO_DATE in pixels.dvc("repro")
    assert pixels.run("git", "status", "--porcelain") == ""
    report = (pixels / "metrics/report.md").read_text()
    assert "## From pixels" in report
    for picture in re.findall(r"\]\((figures/[^)]+)\)", report):
        assert (pixels / "metrics" / picture).is_file()
    assert (pixels / "metrics/figures/pixel_pendulum-film.gif").is_file()
    assert "data:image/gif" in (pixels / "metrics/report.html").read_text()
    table = pixels.hnn("-m", "hnn", "report")
    assert "hnn-rk4" in table


def test_a_trained_pixel_cell_loads_in_python(pixels):
    code = """
import numpy as np, torch, hnn
model = hnn.load_pixels("pixel_pendulum", "hnn")
frames = torch.from_numpy(np.load("data/frames/pixel_pendulum.npz")["test"])
print(tuple(model.rollout(frames[:, :2], 3).shape))
"""
    assert pixels.hnn("-c", code) == "(2, 4, 2)\n"


def test_another_size_of_pictures_draws_learns_and_rolls_out_again_and_simulates_nothing(pixels):
    log = pixels.dvc("exp", "run", "-S", "render.pixels=9")
    assert ran(log) == {"code", "validate", "render@pixel_pendulum", "pretrain@pixel_pendulum", "report"} | {
        f"{stage}@{PIXEL_CELL}" for stage in ("train_pixels", "rollout_pixels")
    }
    assert "Stage 'simulate_pixels@pixel_pendulum' didn't change, skipping" in log


def test_another_number_of_latents_draws_nothing_again_and_the_same_number_does_nothing(pixels):
    assert ran(pixels.dvc("exp", "run", "-S", "autoencoder.latent=2")) == set()
    log = pixels.dvc("exp", "run", "-S", "autoencoder.latent=4")
    assert ran(log) == {"code", "validate", "pretrain@pixel_pendulum", "report"} | {
        f"{stage}@{PIXEL_CELL}" for stage in ("train_pixels", "rollout_pixels")
    }
    assert "Stage 'render@pixel_pendulum' didn't change, skipping" in log


def test_the_same_pixel_cell_trained_again_gives_the_same_bytes(pixels):
    before = pixels.files()
    pixels.dvc("repro", "--force", "--single-item", f"train_pixels@{PIXEL_CELL}")
    assert pixels.files() == before


@pytest.mark.parametrize(
    ("key", "value", "stage", "message"),
    [
        (
            "tasks.pixel_pendulum.render.half_width",
            0.4,
            "render@pixel_pendulum",
            r"render\.half_width: given 0\.4, but the state",
        ),
        ("pretrain.steps", 3, "pretrain@pixel_pendulum", r"pretrain pixel_pendulum seed \d: the latent states have collapsed"),
        ("autoencoder.latent", 3, "validate", r"autoencoder\.latent: given 3, must be an even number"),
        ("render.pixels", 7, "validate", r"render\.pixels: given 7, must be greater than or equal to 8"),
    ],
)
def test_what_cannot_be_seen_or_learned_is_refused_in_one_line(pixels, key, value, stage, message):
    params = yaml.safe_load((pixels / "params.yaml").read_text())
    *path, last = key.split(".")
    section = params
    for part in path:
        section = section[part]
    section[last] = value
    (pixels / "params.yaml").write_text(yaml.safe_dump(params, sort_keys=False))
    status, printed = pixels.try_run("dvc", "repro", stage)
    assert status != 0
    assert len(re.findall(message, printed)) == 1
    assert "Traceback" not in printed


def test_frames_of_another_shape_are_refused_in_one_line(pixels):
    path = pixels / "data/frames/pixel_pendulum.npz"
    path.unlink()
    np.savez(path, train=np.zeros((4, 11, 8, 8), np.uint8))
    status, printed = pixels.try_run("python", "-m", "stages.pretrain", "pixel_pendulum")
    assert status != 0
    (line,) = printed.splitlines()
    assert line.startswith("data/frames/pixel_pendulum.npz: train has shape (4, 11, 8, 8)")
    assert "render.pixels 8" in line
