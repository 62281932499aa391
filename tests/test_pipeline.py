"""DVC and the command line, run as a user runs them, on tiny parameters in copies of the project."""

import csv
import hashlib
import json
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
MODELS = ("baseline", "hnn")
CELLS = [f"mass_spring-{model}" for model in MODELS]
PIXEL_CELLS = [f"pixel_pendulum-{model}-rk4" for model in MODELS]
ARCHIVE = "invar_datasets.zip"


@pytest.fixture(scope="session")
def varied(tmp_path_factory, finished, env):
    """`finished` after an experiment with another network and fewer tasks: not to be changed. Its log is in .dvc/tmp."""

    def build(folder):
        project = Project(shutil.copytree(finished, folder, symlinks=True), env)
        log = project.dvc("exp", "run", "-S", "model.hidden=16", "-S", "pixel_tasks=[]")
        (project / ".dvc/tmp/varied.log").write_text(log)

    return once(tmp_path_factory, "varied", build)


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
    assert set(project.files()) - {"metrics/.gitignore"} == {str(file.relative_to(project.folder)) for file in declared}
    once = {"code", "validate", "simulate@mass_spring", "truth@mass_spring", "report"}
    once |= {f"{stage}@pixel_pendulum" for stage in ("simulate_pixels", "render", "pretrain")}
    state_stages = {f"{stage}@{cell}" for stage in ("train", "rollout") for cell in CELLS}
    assert set(lock) == once | state_stages | {
        f"{stage}_pixels@{cell}" for stage in ("train", "rollout") for cell in PIXEL_CELLS
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
    assert hashlib.sha256((project / "data/observations/mass_spring.npz").read_bytes()).hexdigest() in page


def test_another_network_trains_rolls_out_and_reports_again_and_simulates_nothing(varied):
    log = (varied / ".dvc/tmp/varied.log").read_text()
    assert ran(log) == {"code", "validate", "report"} | {f"{stage}@{cell}" for stage in ("train", "rollout") for cell in CELLS}
    assert "Stage 'simulate@mass_spring' didn't change, skipping" in log


def test_fewer_tasks_report_on_only_those_although_files_of_the_others_are_left(varied):
    assert (varied / f"data/rollouts/{PIXEL_CELLS[0]}.npz").is_file()
    assert (varied / f"data/results/rollout/{PIXEL_CELLS[0]}.json").is_file()
    for path in [varied / "metrics/report.md", varied / "metrics/summary.csv"]:
        assert "mass_spring" in path.read_text()
        assert "pixel_pendulum" not in path.read_text()
    assert not [*(varied / "data/figures").glob("*pixel_pendulum*"), *(varied / "metrics").glob("*/*pixel_pendulum*")]


def test_few_files_in_git_depend_on_numbers(project):
    """A run on another processor changes at most these and dvc.lock."""
    tracked = project.run("git", "ls-files", "metrics").splitlines()
    fixed = ["metrics/.gitignore", "metrics/comparisons.json", "metrics/report.md", "metrics/summary.csv"]
    headline = [f"metrics/headline/{cell}.json" for cell in CELLS + PIXEL_CELLS]
    assert {path for path in tracked if not path.startswith("metrics/figures/")} == {*fixed, *headline}
    assert len(tracked) <= 16


def test_exp_show_lists_the_experiment_with_its_parameter(experiment):
    shown = list(csv.DictReader(experiment.dvc("exp", "show", "--csv").splitlines()))
    (name,) = [row["Experiment"] for row in shown if row["Experiment"]]
    assert {row["Experiment"] or row["rev"]: row["model.hidden"] for row in shown} == {
        "workspace": "16",
        "main": str(HIDDEN),
        name: "16",
    }
    assert name in experiment.dvc("exp", "show")


def test_metrics_show_has_a_row_for_each_cell_on_one_screen(project):
    printed = project.dvc("metrics", "show")
    assert [row[0] for row in rows(printed)[1:]] == [f"metrics/headline/{cell}.json" for cell in CELLS + PIXEL_CELLS]
    assert max(map(len, printed.splitlines())) <= 160


def test_metrics_diff_shows_a_change_of_every_error_and_loss_although_it_rounds(experiment):
    changes = {tuple(row[:2]): row[-1] for row in rows(experiment.dvc("metrics", "diff"))}
    for cell in CELLS:
        for name in ("energy_error_pct", "coordinate_error_pct", "log10_test_loss"):  # tiny models share a valid time
            assert float(changes[f"metrics/headline/{cell}.json", name]) != 0


def test_params_diff_shows_what_was_changed(experiment):
    changed = {row[1]: row[2:] for row in rows(experiment.dvc("params", "diff"))[1:]}
    assert changed == {"model.hidden": [str(HIDDEN), "16"], "pixel_tasks": ["['pixel_pendulum']", "[]"]}


def test_plots_show_has_curves_and_pictures(project):
    project.dvc("plots", "show")
    page = (project / "dvc_plots/index.html").read_text()
    for cell in CELLS + PIXEL_CELLS:
        assert f"{cell}: loss, mean over the seeds" in page
    for picture in [*(project / "metrics/figures").glob("*.png"), *(project / "data/figures").glob("*.png")]:
        assert picture.name in page
        assert list((project / "dvc_plots/static").glob(f"*{picture.name}"))
    assert all(f"data/errors/{task}.csv" in page for task in ("mass_spring", "pixel_pendulum"))
    assert '"scale": {"type": "log"}' in page
    assert project.run("git", "status", "--porcelain") == ""


def test_queued_experiments_run_side_by_side_each_with_its_own_source(project):
    project.edit(lambda params: params.update(pixel_tasks=[], models=["hnn"]))
    project.append("src/hnn/reporting/templates/report.md", "\nof the queued source\n")
    project.dvc("exp", "run", "--queue", "-S", "rollout.batch_of_starts=10,30")
    project.append("src/hnn/core/errors.py", "\nraise RuntimeError('imported from the workspace')\n")
    project.dvc("queue", "start", "-j", "2")
    done, deadline = {}, time.monotonic() + 120
    while len(done) < 2 and time.monotonic() < deadline:
        time.sleep(0.5)
        refs = project.run("git", "for-each-ref", "refs/exps", "--format=%(refname)").split()
        done = {ref.split("/")[-1]: ref for ref in refs if re.fullmatch(r"refs/exps/../[0-9a-f]{38}/.+", ref)}
    status = project.dvc("queue", "status")
    assert len(done) == 2, status + "".join(project.dvc("queue", "logs", row[0]) for row in rows(status) if "Failed" in row)
    sizes = set()
    for ref in done.values():
        assert "of the queued source" in project.run("git", "show", f"{ref}:metrics/report.md")
        sizes.add(yaml.safe_load(project.run("git", "show", f"{ref}:params.yaml"))["rollout"]["batch_of_starts"])
    assert sizes == {10, 30}
    assert "imported from the workspace" in project.try_run("python", "-m", "stages.validate")[1]


def test_a_trained_cell_loads_in_python(project):
    code = """
import torch, hnn
model = hnn.load("mass_spring", "hnn")
x = torch.randn(3, 2)
print(tuple(model.time_derivative(x).shape), tuple(model.hamiltonian(x).shape))
path = model.rollout(x, torch.linspace(0, 0.1, 5))
print(tuple(path.shape), bool((path[:, 0] == x).all()), bool((path[:, -1] != x).all()))
"""
    assert project.hnn("-c", code).split("\n") == ["(3, 2) (3,)", "(3, 5, 2) True True", ""]


def test_the_same_cell_trained_again_gives_the_same_bytes(project):
    before = project.files()
    log = project.dvc("repro", "--force", "--single-item", "train@mass_spring-hnn")
    assert ran(log) == {"train@mass_spring-hnn"}
    assert project.files() == before
    assert project.run("git", "status", "--porcelain") == ""


def test_where_it_runs_is_no_reason_to_run_it_again(project):
    before = project.files()
    project.edit(lambda params: params["compute"].update(workers=2))
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
    of_cells = {f"rollout@{cell}" for cell in CELLS} | {f"rollout_pixels@{cell}" for cell in PIXEL_CELLS}
    once = {"simulate@mass_spring", "truth@mass_spring", "simulate_pixels@pixel_pendulum"}
    assert rerun(project) == once | of_cells


def test_a_changed_system_reruns_its_tasks_alone(project):
    project.append("src/hnn/systems/mass_spring.py", "\nUNUSED = 1\n")
    of_cells = {f"rollout@{cell}" for cell in CELLS}
    assert rerun(project) == {"validate", "simulate@mass_spring", "truth@mass_spring"} | of_cells


def test_a_changed_model_reruns_its_cells_alone(project):
    project.append("src/hnn/models/baseline.py", "\nUNUSED = 1\n")
    of_cells = {f"{stage}@mass_spring-baseline" for stage in ("train", "rollout")}
    of_cells |= {f"{stage}_pixels@pixel_pendulum-baseline-rk4" for stage in ("train", "rollout")}
    assert rerun(project) - {"validate"} == of_cells


def test_another_seed_simulates_its_training_data_and_reruns_all_that_depends_on_the_data(project):
    before = np.load(project / "data/observations/mass_spring.npz")["train.x"]
    project.edit(lambda params: params.update(seeds=3, pixel_tasks=[], models=["hnn"]))
    log = project.dvc("repro")
    of_cell = {f"{stage}@mass_spring-hnn" for stage in ("train", "rollout")}
    assert ran(log) == {"code", "validate", "simulate@mass_spring", "truth@mass_spring", "report"} | of_cell
    after = np.load(project / "data/observations/mass_spring.npz")["train.x"]
    assert (len(before), len(after)) == (2, 3)
    assert np.array_equal(after[:2], before)


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
    del before["data/params.valid"], before["data/params.json"], before["data/params.written.yaml"]
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
    del after["data/params.json"], after["data/params.written.yaml"]  # `validate` wrote the changed parameters
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
    project.edit(lambda params: params.update(measured_tasks=["real_pendulum"]))
    status, printed = project.try_run("dvc", "repro", "ingest@real_pendulum")
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
    one_cell = {"measured_tasks": ["real_pendulum"], "state_tasks": [], "pixel_tasks": [], "friction_models": ["hnn"]}
    project.edit(lambda params: params.update(one_cell))
    log = project.dvc("repro", HNN_EXTERNAL_DATA=folder)
    measured = {"ingest@real_pendulum", "truth_measured@real_pendulum"}
    measured |= {f"{stage}_measured@real_pendulum-hnn" for stage in ("train", "rollout")}
    assert ran(log) == measured | {"code", "validate", "report"}
    assert "real_pendulum" in (project / "metrics/report.md").read_text()


def test_tasks_with_friction_have_further_models_up_to_the_report_from_states_and_from_pixels(project):
    tasks = {"state_tasks": [], "friction_tasks": ["damped_pendulum"], "pixel_tasks": []}
    frames = {"duration": 3.0, "horizon": 3.6}  # 0.3 s apart, as small frames of this pendulum show less of its motion
    project.edit(lambda params: params["tasks"]["pixel_damped"]["simulate"].update(frames))
    project.edit(lambda params: params.update(tasks, friction_pixel_tasks=["pixel_damped"]))
    log = project.dvc("repro")
    further = {f"{stage}_friction@damped_pendulum-dissipative_hnn" for stage in ("train", "rollout")}
    further |= {f"{stage}_friction_pixels@pixel_damped-dissipative_hnn-rk4" for stage in ("train", "rollout")}
    assert further | {"truth_friction@damped_pendulum", "simulate_friction_pixels@pixel_damped"} <= ran(log)
    verdicts = json.loads((project / "metrics/comparisons.json").read_text())
    titles = [f"dissipative_hnn vs {model}" for model in ("baseline", "hnn")]
    assert set(titles) <= set(verdicts["damped_pendulum"])
    assert {"dissipative_hnn-rk4 vs baseline-rk4", "dissipative_hnn-rk4 vs hnn-rk4"} <= set(verdicts["pixel_damped"])
    assert "friction_error" in verdicts["damped_pendulum"][titles[0]]["held_out"]
    assert (project / "metrics/headline/damped_pendulum-dissipative_hnn.json").is_file()
    report = (project / "metrics/report.md").read_text()
    assert "**damped_pendulum, dissipative_hnn**: Its energy error is" in report.partition("results: end")[0]
    assert "## Further models" in report
    card = (project / "metrics/cards/damped_pendulum-dissipative_hnn.md").read_text()
    assert "learns no energy" not in card


def test_the_command_line_shows_the_report_and_helps(project):
    printed = project.hnn("-m", "hnn", "report")
    assert "mass_spring" in printed
    assert str(project / "metrics/report.md") in printed
    usage = project.hnn("-m", "hnn", "--help")
    assert all(re.search(rf"^ +{command} +\w", usage, re.M) for command in ("report", "readme", "check"))


def test_a_pixel_task_runs_from_simulation_to_report(project):
    assert UP_TO_DATE in project.dvc("repro")
    assert project.run("git", "status", "--porcelain") == ""
    report = (project / "metrics/report.md").read_text()
    assert "## From pixels" in report
    for picture in re.findall(r"\]\((figures/[^)]+)\)", report):
        assert (project / "metrics" / picture).is_file()
    assert (project / "data/figures/pixel_pendulum-film.gif").is_file()
    assert "data:image/gif" in (project / "metrics/report.html").read_text()
    table = project.hnn("-m", "hnn", "report")
    assert "hnn-rk4" in table


def test_a_trained_pixel_cell_loads_in_python(project):
    code = """
import numpy as np, torch, hnn
model = hnn.load_pixels("pixel_pendulum", "hnn")
frames = torch.from_numpy(np.load("data/frames/pixel_pendulum.npz")["test"])
print(tuple(model.rollout(frames[:, :2], 3).shape))
"""
    assert project.hnn("-c", code) == "(2, 4, 2)\n"


def test_make_pixels_names_the_experiment_that_is_missing(project):
    status, printed = project.try_run("python", "-m", "hnn.commands.pixels", "collect", PYTHONPATH="src")
    assert (status, printed) == (1, "there is no experiment called pixels-task-pixel_pendulum: run `make pixels`\n")


def test_a_trained_pixel_cell_reads_states_in_python_and_rolls_out_a_clip_from_the_terminal(project):
    code = """
import numpy as np, hnn
model = hnn.load_pixels("pixel_pendulum", "hnn", seed=1)
frames = np.load("data/frames/pixel_pendulum.npz")["test"]
np.savez("clip.npz", frames=frames[0])
print(model.read(frames).shape, model.read_pictures(frames).shape)
"""
    assert project.hnn("-c", code) == "torch.Size([2, 10, 2]) torch.Size([2, 11, 2])\n"
    words = ("-m", "hnn", "rollout", "pixel_pendulum", "hnn", "--frames", "clip.npz", "--out", "film.gif", "--until", "3")
    said = project.hnn(*words)
    assert re.fullmatch(r"film.gif: 21 frames, 3 s, .*; states: first .*, last .*; q in rad, p in kg m²/s\n", said)
    assert (project / "film.gif").read_bytes().startswith(b"GIF89a")


def test_other_pictures_and_latents_draw_learn_and_roll_out_again_and_simulate_nothing(project):
    def one_other_cell(params):
        params |= {"state_tasks": [], "pixel_models": ["hnn"]}
        params["render"]["pixels"], params["autoencoder"]["latent"] = 9, 4

    project.edit(one_other_cell)
    log = project.dvc("repro")
    of_cell = {f"{stage}_pixels@{PIXEL_CELLS[1]}" for stage in ("train", "rollout")}
    assert ran(log) == {"code", "validate", "render@pixel_pendulum", "pretrain@pixel_pendulum", "report"} | of_cell
    assert "Stage 'simulate_pixels@pixel_pendulum' didn't change, skipping" in log


def test_another_number_of_latents_draws_nothing_again(project):
    project.edit(lambda params: params["autoencoder"].update(latent=4))
    assert rerun(project) - {"validate"} == {"pretrain@pixel_pendulum"}  # whose outs the next stages depend on


def test_the_same_pixel_cell_trained_again_gives_the_same_bytes(project):
    before = project.files()
    project.dvc("repro", "--force", "--single-item", f"train_pixels@{PIXEL_CELLS[0]}")
    assert project.files() == before


@pytest.mark.parametrize(
    ("changes", "stage", "message"),
    [
        (
            {"tasks.pixel_pendulum.render.half_width": 0.4},
            "render@pixel_pendulum",
            r"render\.half_width: given 0\.4, but the state",
        ),
        (
            {"tasks.pixel_pendulum.render.half_width": 3.0},
            "render@pixel_pendulum",
            r"tasks\.pixel_pendulum\.simulate: given frames 0\.15 s apart, between which the drawing moves 0\.1\d pixels",
        ),
        (
            {"pretrain.steps": 3, "autoencoder.momentum": "encoded"},
            "pretrain@pixel_pendulum",
            r"pretrain pixel_pendulum seed \d: the latent states have collapsed.*; fitted 4 times, each from other weights",
        ),
    ],
)
def test_what_cannot_be_seen_or_learned_is_refused_in_one_line(project, changes, stage, message):
    params = yaml.safe_load((project / "params.yaml").read_text())
    for key, value in changes.items():
        *path, last = key.split(".")
        section = params
        for part in path:
            section = section[part]
        section[last] = value
    (project / "params.yaml").write_text(yaml.safe_dump(params, sort_keys=False))
    status, printed = project.try_run("dvc", "repro", stage)
    assert status != 0
    assert len(re.findall(message, printed)) == 1
    assert "Traceback" not in printed


def test_frames_of_another_shape_are_refused_in_one_line(project):
    path = project / "data/frames/pixel_pendulum.npz"
    arrays = dict(np.load(path)) | {"train": np.zeros((4, 11, 8, 8), np.uint8)}
    path.unlink()
    np.savez(path, **arrays)
    status, printed = project.try_run("python", "-m", "stages.pretrain", "pixel_pendulum")
    assert status != 0
    (line,) = printed.splitlines()
    assert line.startswith("data/frames/pixel_pendulum.npz: train")
    assert "(4, 11, 8, 8)" in line
