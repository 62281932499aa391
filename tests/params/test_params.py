import os
import re
import shutil
import subprocess
import sys
from dataclasses import asdict

import pytest
import torch
import yaml
from conftest import PARAMS, ROOT, parameters, truth_of
from dvc.parsing import DataResolver
from dvc.repo import Repo as DvcRepo
from dvc.utils import hydra
from dvc.utils.serialize import parse_yaml

from hnn import __main__ as command
from hnn.core.seeding import stream
from hnn.params.checks import load_checked_params
from hnn.params.loading import InvalidParams, load_params, params_as_written, read_raw
from hnn.pixels.training import LatentTraining, Pretraining
from hnn.training.optimizer import OptimizerOptions


def load(tmp_path, params):
    path = tmp_path / "params.yaml"
    path.write_text(params if isinstance(params, str) else yaml.safe_dump(params))
    return load_checked_params(path)


def put(params, key, value):
    """Set the value at a dotted path; None takes the key away."""
    *path, last = key.split(".")
    for part in path:
        params = params[part]
    if value is None:
        del params[last]
    else:
        params[last] = value


def test_load_checked_params_accepts_the_committed_parameters():
    params = load_checked_params(ROOT / "params.yaml")
    assert params.active == params.state_tasks + params.friction_tasks + params.measured_tasks


def test_load_params_puts_a_tasks_own_values_over_the_defaults(tmp_path):
    params = parameters()
    params["train"]["steps"], params["tasks"]["two_body"]["train"] = 7, {"batch": "full"}
    params["tasks"]["pendulum"]["train"] = {"steps": 9}
    loaded = load(tmp_path, params)
    assert (loaded.tasks["two_body"].train.steps, loaded.tasks["two_body"].train.batch) == (7, "full")
    assert (loaded.tasks["pendulum"].train.steps, loaded.train.steps) == (9, 7)


def test_load_params_gives_each_pixel_task_an_autoencoder_of_its_own():
    tasks = load_checked_params(ROOT / "params.yaml").tasks
    assert {name: one.autoencoder.latent for name, one in tasks.items() if one.autoencoder} == {
        "pixel_pendulum": 2,
        "pixel_spring": 2,
        "pixel_damped": 2,
        "pixel_bodies": 4,
    }


def test_pick_takes_every_key_of_the_training_sections():
    task = load_params(ROOT / "params.yaml").tasks["pixel_pendulum"]
    for section, kind, others in (
        (task.pretrain, Pretraining, {"time_unit"}),
        (task.train_pixels, LatentTraining, set()),
    ):
        picked = asdict(section.pick(OptimizerOptions)) | asdict(section.pick(kind))
        assert picked == section.model_dump(exclude=others)


@pytest.mark.parametrize("written", ["1e-4", "1.0e-04", "0.0001"])
def test_load_params_reads_numbers_in_any_notation(tmp_path, written):
    text = yaml.safe_dump(parameters()).replace("learning_rate: 0.005", f"learning_rate: {written}")
    assert load(tmp_path, text).train.learning_rate == 1e-4


MISTAKES = [
    ("model.hiden", 200, "model.hiden: unknown key; did you mean 'hidden'?"),
    ("modle", {}, "modle: unknown key; did you mean 'model'?"),
    ("train.steps", None, "train.steps: is missing"),
    ("train.steps", "many", "train.steps: given 'many', must be a valid integer"),
    ("train.steps", 0, "train.steps: given 0, must be greater than 0"),
    ("train.steps", "200", "train.steps: given '200', must be a valid integer"),
    ("train_pixels.relative", "no", "train_pixels.relative: given 'no', must be a valid boolean"),
    ("train_pixels.relative", 0, "train_pixels.relative: given 0, must be a valid boolean"),
    ("compute.workers", "3", "compute.workers: given '3', must be auto or a positive whole number"),
    ("train.steps", True, "train.steps: given true"),
    ("train.learning_rate", float("nan"), "train.learning_rate: given nan, must be a finite number"),
    ("train.batch", "half", "train.batch: given 'half', must be full or a positive whole number"),
    ("train.schedule", "cosine", "train.schedule: given 'cosine', must be 'constant' or 'one_cycle'"),
    ("train.validation", 1.0, "train.validation: given 1.0, must be less than 1"),
    ("simulate.tolerance", 1.0, "simulate.tolerance: given 1.0, must be less than or equal to 0.001"),
    ("rollout.integrator", "rk45", "rollout.integrator: given 'rk45', must be 'dop853', 'gauss', 'rk4'"),
    ("rollout.integrator", "leapfrog", "rollout.integrator: given 'leapfrog' for mass_spring, pendulum"),
    ("model.mass_matrix", "diagonal", "model.mass_matrix: given 'diagonal', must be 'of_position' or 'constant'"),
    ("train.loss", "both", "train.loss: given 'both', must be 'derivative', 'trajectory' or 'joint'"),
    ("train.integrator", "leapfrog", "train.integrator: given 'leapfrog' for mass_spring, pendulum"),
    ("train.integrator", "dop853", "train.integrator: given 'dop853', must be 'rk4', 'leapfrog'"),
    ("simulate.derivative", "forward", "simulate.derivative: given 'forward' for mass_spring, pendulum"),
    ("pixel_models", ["hnn_joint"], "pixel_models: given 'hnn_joint', which is fitted to observed states by the loss joint"),
    ("device", "gpu", "device: given 'gpu', must be auto, cpu, cuda or cuda:<number>"),
    ("compute.workers", 0, "compute.workers: given 0, must be auto or a positive whole number"),
    ("compute.workers", "all", "compute.workers: given 'all', must be auto or a positive whole number"),
    ("compute.scheduler", "host:8786", "compute.scheduler: given 'host:8786', must be local or a Dask scheduler's address"),
    ("compute.scheduler", "tcp://host", "compute.scheduler: given 'tcp://host', must be local or a Dask scheduler's address"),
    ("compute.sheduler", "local", "compute.sheduler: unknown key; did you mean 'scheduler'?"),
    ("seeds", 1.5, "seeds: given 1.5"),
    ("models", ["hnnn"], "models: given 'hnnn'; did you mean 'hnn'?"),
    ("models", [], "models: given [], must have at least one item"),
    ("state_tasks", ["pendulum", "pendulum"], "state_tasks: given 'pendulum' more than once"),
    ("state_tasks", ["pendulums"], "state_tasks: given 'pendulums'; did you mean 'pendulum'?"),
    ("state_tasks", ["real_pendulum"], "state_tasks: given 'real_pendulum'"),
    ("render.pixels", 7, "render.pixels: given 7, must be greater than or equal to 8"),
    ("render.channels", 2, "render.channels: given 2, must be 1 or 3"),
    ("render.supersampling", 0, "render.supersampling: given 0, must be greater than or equal to 1"),
    ("autoencoder.latent", 3, "autoencoder.latent: given 3, must be an even number"),
    ("tasks.pixel_bodies.autoencoder.latent", 3, "tasks.pixel_bodies.autoencoder.latent: given 3, must be an even number"),
    ("tasks.pendulum.autoencoder", {}, "tasks.pendulum: needs train (states are observed) and no autoencoder"),
    ("autoencoder.latent", 0, "autoencoder.latent: given 0, must be greater than 0"),
    ("train_pixels.freeze_autoencoder", 3, "train_pixels.freeze_autoencoder: given 3, must be a valid boolean"),
    ("step_maps", ["rk5"], "step_maps.0: given 'rk5', must be 'rk4' or 'euler'"),
    ("step_maps", ["rk4", "rk4"], "step_maps: given 'rk4' more than once"),
    ("pixel_tasks", ["pixel_pendulun"], "pixel_tasks: given 'pixel_pendulun'; did you mean 'pixel_pendulum'?"),
    ("pixel_tasks", ["real_pendulum"], "pixel_tasks: given 'real_pendulum'"),
    ("state_tasks", ["pixel_pendulum"], "state_tasks: given 'pixel_pendulum'"),
    (
        "tasks.pixel_pendulum.simulate.horizon_points",
        200,
        "horizon_points: given 200, must be 201: one point per frame, 0.05 s",
    ),
    ("tasks.pixel_pendulum.simulate.long_horizon_points", 1000, "long_horizon_points: given 1000, must be 1001"),
    ("tasks.pixel_pendulum.train_pixels.batch", "full", "train_pixels.batch: given 'full', must be a valid integer"),
    (
        "tasks.pixel_pendulum.train_pixels.segment",
        100,
        "segment: given 100, must be less than the frames of a clip",
    ),
    (
        "tasks.pixel_pendulum.train",
        {},
        "tasks.pixel_pendulum: has pretrain: a pixel task needs render",
    ),
    ("tasks.pendulum.train_pixels", {}, "tasks.pendulum: needs train (states are observed)"),
    ("simulate.data", "each", "simulate.data: given 'each', must be 'per_seed' or 'shared'"),
    ("simulate.long", 5, "simulate.long: unknown key; renamed to long_horizon_factor"),
    ("train.settle", 5, "train.settle: unknown key; moved to train_pixels.dynamics_only_steps"),
    ("train.canonical", 5, "train.canonical: unknown key; moved to train_pixels.canonical"),
    ("tasks.pendulum.train.threads", 2, "train.threads: unknown key; moved to threads, at the top level"),
    ("threads", 0, "threads: given 0, must be greater than 0"),
    ("models", "hnn", "models: given 'hnn', must be a list: one item per line after `- `, or [] for none"),
    ("train", 3, "train: given 3, must be a mapping"),
    (
        "tasks.pixel_pendulum.pretrain",
        {"segment": 100},
        "pretrain.segment: given 100, must be less than the frames of a clip, 100",
    ),
    ("tasks.pixel_pendulum.render.half_width", None, "tasks.pixel_pendulum.render.half_width: is missing"),
    ("tasks.pixel_pendulum.render.half_width", "wide", "half_width: given 'wide', must be auto or a positive number"),
    ("tasks.pixel_pendulum.render.half_width", -1.0, "half_width: given -1.0, must be auto or a positive number"),
    ("tasks.pixel_pendulum.render.half_width", float("inf"), "half_width: given inf, must be auto or a positive number"),
    ("measured_tasks", ["pendulum"], "measured_tasks: given 'pendulum'"),
    ("tasks.pendulum.system.name", "pendulums", "tasks.pendulum.system.name: given 'pendulums'; did you mean 'pendulum'?"),
    ("tasks.pendulum.system.mass", -1, "tasks.pendulum.system.mass: given -1, must be greater than 0"),
    ("tasks.pendulum.system.mas", 1, "tasks.pendulum.system.mas: unknown key; did you mean 'mass'?"),
    ("tasks.pendulum.system.length", None, "tasks.pendulum.system.length: is missing"),
    ("tasks.pendulum.train.stepps", 3, "tasks.pendulum.train.stepps: unknown key; did you mean 'steps'?"),
    ("tasks.pendulum.simulate.points", 1, "tasks.pendulum.simulate.points: given 1, must be greater than or equal to 2"),
    ("tasks.pendulum.simulate.distribution.low", 9, "tasks.pendulum.simulate.distribution.low: given 9, must be at most"),
    ("tasks.pendulum.simulate.distribution.shape", "rings", "distribution.shape: given 'rings'; did you mean 'ring'?"),
    ("tasks.two_body.simulate.distribution.speed_spread", None, "distribution.speed_spread: is missing"),
    ("tasks.mass_spring.simulate.outside_distribution.high", 1.0, "must reach farther than the training data's high 1.0"),
    ("tasks.two_body.simulate.outside_distribution.speed_spread", None, "outside_distribution.speed_spread: is missing"),
    ("tasks.pendulum.simulate.outside_distribution.shape", "swing", "outside_distribution.shape: given 'swing'"),
    ("rollout.allow_mismatch", 3, "rollout.allow_mismatch: given 3, must be a valid boolean"),
    ("tasks.pendulum.simulate", None, "tasks.pendulum: needs one of simulate"),
]


@pytest.mark.parametrize(("key", "value", "message"), MISTAKES, ids=[f"{key}={value}" for key, value, _ in MISTAKES])
def test_load_checked_params_refuses_a_mistake_in_one_line_with_key_given_and_allowed(tmp_path, key, value, message):
    params = parameters()
    put(params, key, value)
    if key == "tasks.pendulum.simulate":
        params["state_tasks"].remove("pendulum")
    with pytest.raises(InvalidParams) as error:
        load(tmp_path, params)
    assert message in str(error.value)
    assert str(error.value).startswith(f"{tmp_path / 'params.yaml'}: ")
    assert "\n" not in str(error.value)


def test_load_checked_params_refuses_a_model_of_several_bodies_where_there_is_one_or_none_is_seen(tmp_path):
    of_bodies = parameters() | {
        "models": ["invariant_hnn"],
        "state_tasks": ["two_body"],
        "friction_tasks": [],
        "pixel_tasks": [],
    }
    assert load(tmp_path, of_bodies).models == ["invariant_hnn"]
    with pytest.raises(InvalidParams, match=r"given invariant_hnn for pixel_bodies; .*latent states are none"):
        load(tmp_path, of_bodies | {"pixel_tasks": ["pixel_bodies"], "pixel_models": ["invariant_hnn"]})
    with pytest.raises(InvalidParams, match=r"given invariant_hnn for mass_spring, pendulum; .*there is only one"):
        load(tmp_path, of_bodies | {"state_tasks": ["mass_spring", "two_body", "pendulum"]})


def test_models_of_a_task_with_friction_are_the_friction_models():
    params = load_params()
    assert set(params.friction_models) - set(params.models) == {"dissipative_hnn", "dissipative_joint"}
    assert {cell.model for cell in params.cells("damped_pendulum")} == set(params.friction_models)
    assert {cell.model for cell in params.cells("pendulum")} == set(params.models)
    opted = params.model_copy(update={"friction_pixel_tasks": ["pixel_damped"], "measured_tasks": ["real_pendulum"]})
    assert [cell.name for cell in opted.cells("pixel_damped")][-2:] == ["dissipative_hnn-rk4", "dissipative_hnn-euler"]
    assert opted.models_of("real_pendulum") == params.friction_models
    assert {cell.task for cell in opted.all_cells()} >= {"pixel_damped", "real_pendulum", "damped_pendulum", "two_body"}


@pytest.mark.parametrize(
    ("key", "task", "message"),
    [
        ("state_tasks", "damped_pendulum", "'damped_pendulum', whose system has friction; it belongs to friction_tasks"),
        ("friction_tasks", "two_body", "'two_body', whose system has no friction; it belongs to state_tasks"),
        ("pixel_tasks", "pixel_damped", "'pixel_damped', whose system has friction; it belongs to friction_pixel_tasks"),
    ],
)
def test_load_checked_params_refuses_a_task_in_the_list_of_the_other_kind(tmp_path, key, task, message):
    with pytest.raises(InvalidParams, match=f"{key}: given {message}$"):
        load(tmp_path, parameters() | {key: [task]})


@pytest.mark.parametrize(
    ("model", "mass_matrix", "allowed"),
    [
        ("separable_hnn", "of_position", True),
        ("mechanical_hnn", "constant", True),
        ("mechanical_hnn", "of_position", False),
        ("second_order", "constant", False),
        ("dissipative_hnn", "constant", False),
    ],
)
def test_load_checked_params_allows_splittings_for_separable_models_alone(tmp_path, model, mass_matrix, allowed):
    params = parameters() | {"models": [model], "friction_tasks": [], "pixel_tasks": []}
    params["rollout"]["integrator"], params["model"]["mass_matrix"] = "leapfrog", mass_matrix
    if allowed:
        assert load(tmp_path, params).rollout.integrator == "leapfrog"
    else:
        with pytest.raises(
            InvalidParams, match=f"rollout.integrator: given 'leapfrog' for .*, and no such H is learned by {model};"
        ):
            load(tmp_path, params)


def test_load_params_needs_a_task(tmp_path):
    params = parameters() | {"state_tasks": [], "friction_tasks": [], "pixel_tasks": []}
    with pytest.raises(InvalidParams, match=r"state_tasks: given \[\], as all other lists of tasks"):
        load(tmp_path, params)


@pytest.mark.parametrize("scheduler", ["local", "tcp://host:8786", "tls://10.0.0.1:8786", "tcp://[::1]:8786"])
def test_compute_scheduler_is_local_or_an_address(tmp_path, scheduler):
    params = parameters()
    params["compute"] = {"scheduler": scheduler, "workers": 3}
    assert load(tmp_path, params).compute.model_dump() == {"scheduler": scheduler, "workers": 3}


@pytest.mark.parametrize("switch", [True, False])
def test_section_takes_truth_values_for_switches(tmp_path, switch):
    params = parameters()
    params["train_pixels"]["freeze_autoencoder"] = switch
    assert load(tmp_path, params).tasks["pixel_pendulum"].train_pixels.freeze_autoencoder is switch


def test_load_checked_params_accepts_any_simulated_task_with_render_and_pretrain_as_pixel_task(tmp_path):
    params = parameters() | {"state_tasks": [], "pixel_tasks": ["mass_spring"]}
    params["tasks"]["mass_spring"]["pretrain"] = {}
    params["tasks"]["mass_spring"]["simulate"] |= {"duration": 3.0, "points": 31, "horizon_points": 201}
    params["tasks"]["mass_spring"]["simulate"]["long_horizon_points"] = 2001
    del params["tasks"]["mass_spring"]["train"]
    names = [cell.name for cell in load(tmp_path, params).cells("mass_spring")]
    assert names == ["baseline-rk4", "baseline-euler", "hnn-rk4", "hnn-euler"]


@pytest.mark.parametrize("name", ["outside_distribution", "published_distribution"])
def test_load_checked_params_accepts_a_pixel_task_without_an_optional_set_of_starts(tmp_path, name):
    params = parameters()
    del params["tasks"]["pixel_pendulum"]["simulate"][name]
    assert getattr(load(tmp_path, params).tasks["pixel_pendulum"].simulate, name) is None


def test_load_checked_params_reports_all_mistakes_at_once(tmp_path):
    params = parameters()
    put(params, "train.steps", -1)
    put(params, "tasks.two_body.system.mass", 0)
    with pytest.raises(InvalidParams) as error:
        load(tmp_path, params)
    assert [line.split(": ")[1] for line in str(error.value).splitlines()] == ["train.steps", "tasks.two_body.system.mass"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: [", "line 1: is not YAML"),
        ("- 1", "must be a mapping"),
        ("{}", "is empty"),
        ("", "is empty"),
        ("# nothing", "is empty"),
        ("seed: 1\n\tseeds: 2", "line 2: a tab, allowed: spaces"),
        ("seed: 010", "line 1: seed: given 010"),
        ("seed: 1\nseed: 2", "line 2: seed: given twice"),
    ],
)
def test_load_params_refuses_what_is_no_mapping_of_sections(tmp_path, text, message):
    with pytest.raises(InvalidParams, match=message):
        load(tmp_path, text)


def test_load_params_of_a_missing_file_says_where_to_run(tmp_path):
    with pytest.raises(InvalidParams, match="no such file; run in the project's folder"):
        load_params(tmp_path / "params.yaml")


def test_params_as_written_leaves_out_compute_and_comments(tmp_path):
    path = tmp_path / "params.yaml"
    params = parameters()
    path.write_text(yaml.safe_dump(params, sort_keys=False))
    written = params_as_written(path)
    assert yaml.safe_load(written) == {key: value for key, value in params.items() if key != "compute"}
    params["compute"]["workers"] = 7
    path.write_text("# a comment\n" + yaml.safe_dump(params, sort_keys=False))
    assert params_as_written(path) == written


@pytest.mark.parametrize("encoding", ["utf-16", "latin-1"])
def test_load_params_refuses_another_encoding(tmp_path, encoding):
    path = tmp_path / "params.yaml"
    path.write_bytes(("# ü\n" + (ROOT / "params.yaml").read_text(encoding="utf-8")).encode(encoding, "replace"))
    with pytest.raises(InvalidParams, match="is not UTF-8"):
        load_params(path)


def test_load_params_refuses_a_folder(tmp_path):
    with pytest.raises(InvalidParams, match="cannot be read"):
        load_params(tmp_path)


def test_check_params_prints_each_mistake_and_nothing_else_is_read(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    params = parameters() | {"state_tasks": None}
    (tmp_path / "params.yaml").write_text(yaml.safe_dump(params))
    given = command.parser().parse_args(["check-params"])
    with pytest.raises(InvalidParams, match=r"params.yaml: state_tasks: given nothing, must be a list"):
        given.command(given)
    (tmp_path / "params.yaml").write_text(yaml.safe_dump(parameters()))
    given.command(given)
    assert capsys.readouterr().out == "params.yaml is valid\n"


@pytest.mark.parametrize("task", ["pendulum", "pixel_pendulum"])
def test_committed_outside_distribution_begins_beyond_the_amplitudes_of_the_training_data(task):
    truth, simulate = truth_of(task), PARAMS["tasks"][task]["simulate"]
    x0 = truth.sample(stream(PARAMS["seed"], "starts", task, "train"), simulate["train"], **simulate["distribution"])
    amplitude = torch.arccos(1 - truth.hamiltonian(x0) / truth.torque).max().item()
    assert amplitude < simulate["outside_distribution"]["low"] < simulate["outside_distribution"]["high"] < torch.pi


def test_check_params_exits_with_one_line_where_dvc_itself_fails_without_naming_the_key(tmp_path):
    text = yaml.safe_dump(parameters() | {"models": "hnn"}, sort_keys=False)
    (tmp_path / "params.yaml").write_text(text)
    words = [sys.executable, "-m", "hnn", "check-params"]
    done = subprocess.run(
        words, cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(ROOT / "src")}, capture_output=True, text=True
    )
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.splitlines() == [
        "params.yaml: models: given 'hnn', must be a list: one item per line after `- `, or [] for none"
    ]
    resolver = DataResolver(DvcRepo(str(tmp_path), uninitialized=True), str(tmp_path), {"stages": MATRIX})
    with pytest.raises(TypeError, match="'Value' object is not iterable"):
        list(resolver.get_keys())


MATRIX = {"train": {"matrix": {"model": "${models}"}, "cmd": "train ${item.model}"}}
"""A stage of dvc.yaml for each model."""


def test_make_repro_checks_the_parameters_before_dvc_reads_them():
    printed = subprocess.run(["make", "--dry-run", "repro"], cwd=ROOT, capture_output=True, text=True).stdout
    assert printed.index("python -m hnn check-params") < printed.index("dvc repro")


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("model.hidden=64", None),
        ("train.learning_rate=3e-9", None),
        ("train_pixels.relative=false", None),
        ("state_tasks=[pendulum]", None),
        ("train.loss=trajectory", None),
        ("train.loss=joint", None),
        ("++tasks.pendulum.train.steps=2000", None),
        ("train_pixels.relative=yes", "train_pixels.relative: given yes, which some readers take as"),
        ("models=hnn", "models: given 'hnn', must be a list"),
        ("++train.settle=3", "train.settle: unknown key; moved to train_pixels.dynamics_only_steps"),
        ("++render.size=32", "render.size: unknown key; renamed to pixels"),
    ],
)
def test_load_checked_params_reads_overrides_as_dvc_writes_them(tmp_path, override, message):
    path = tmp_path / "params.yaml"
    shutil.copy(ROOT / "params.yaml", path)
    hydra.apply_overrides(str(path), [override])
    if message:
        with pytest.raises(InvalidParams, match=re.escape(message)):
            load_checked_params(path)
    else:
        load_checked_params(path)
        assert read_raw(path) == parse_yaml(path.read_text(encoding="utf-8"), str(path)) != PARAMS


def test_combinations_that_a_loss_of_trajectories_excludes_are_allowed_without_it(tmp_path):
    params = parameters() | {"models": ["baseline", "hnn"], "friction_models": ["baseline", "hnn"]}
    params["train"]["integrator"] = "leapfrog"
    params["simulate"]["derivative"] = "forward"
    path = tmp_path / "params.yaml"
    path.write_text(yaml.safe_dump(params))
    load_checked_params(path)
    params["train"] |= {"integrator": "rk4", "loss": "trajectory"}  # uses no derivatives
    path.write_text(yaml.safe_dump(params))
    load_checked_params(path)
    params["train"]["loss"] = "joint"
    path.write_text(yaml.safe_dump(params))
    with pytest.raises(InvalidParams, match="the loss joint matches derivatives"):
        load_checked_params(path)


def test_inherited_errors_of_defaults_are_reported_once(tmp_path):
    params = parameters()
    params["rollout"][1] = 2
    with pytest.raises(InvalidParams, match=r"rollout\.1: unknown key") as error:
        load(tmp_path, params)
    assert len(str(error.value).splitlines()) == 1


def test_no_key_of_params_yaml_is_called_size_which_dvcs_run_cache_leaves_out():
    def keys(value):
        return {k for key, inner in value.items() for k in (key, *keys(inner))} if isinstance(value, dict) else set()

    assert "size" not in keys(PARAMS)
