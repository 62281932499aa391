from dataclasses import asdict

import pytest
import yaml
from conftest import ROOT, parameters

from hnn.params import loading
from hnn.params.loading import load_params, params_as_written
from hnn.pixels.training import LatentTraining, Pretraining
from hnn.training.optimizer import OptimizerOptions


def load(tmp_path, params):
    path = tmp_path / "params.yaml"
    path.write_text(params if isinstance(params, str) else yaml.safe_dump(params))
    return load_params(path)


def put(params, key, value):
    """Set the value at a dotted path; None takes the key away."""
    *path, last = key.split(".")
    for part in path:
        params = params[part]
    if value is None:
        del params[last]
    else:
        params[last] = value


def test_the_committed_parameters_are_valid():
    params = load_params(ROOT / "params.yaml")
    assert params.active == params.state_tasks + params.measured_tasks


def test_a_tasks_own_values_stand_over_the_defaults_of_the_stage(tmp_path):
    params = parameters()
    params["train"]["steps"], params["tasks"]["two_body"]["train"] = 7, {"batch": "full"}
    params["tasks"]["pendulum"]["train"] = {"steps": 9}
    loaded = load(tmp_path, params)
    assert (loaded.tasks["two_body"].train.steps, loaded.tasks["two_body"].train.batch) == (7, "full")
    assert (loaded.tasks["pendulum"].train.steps, loaded.train.steps) == (9, 7)


def test_the_sections_of_training_are_exactly_the_options_of_what_the_stages_call():
    task = load_params(ROOT / "params.yaml").tasks["pixel_pendulum"]
    for section, kind, others in (
        (task.pretrain, Pretraining, {"threads", "time_unit"}),
        (task.train, LatentTraining, {"threads", "validation"}),
    ):
        picked = asdict(section.pick(OptimizerOptions)) | asdict(section.pick(kind))
        assert picked == section.model_dump(exclude=others)


@pytest.mark.parametrize("written", ["1e-4", "1.0e-04", "0.0001"])
def test_a_number_is_a_number_however_it_is_written(tmp_path, written):
    text = yaml.safe_dump(parameters()).replace("learning_rate: 0.005", f"learning_rate: {written}")
    assert load(tmp_path, text).train.learning_rate == 1e-4


MISTAKES = [
    ("model.hiden", 200, "model.hiden: unknown key; did you mean 'hidden'?"),
    ("modle", {}, "modle: unknown key; did you mean 'model'?"),
    ("train.steps", None, "train.steps: is missing"),
    ("train.steps", "many", "train.steps: given 'many', must be a valid integer"),
    ("train.steps", 0, "train.steps: given 0, must be greater than 0"),
    ("train.steps", True, "train.steps: given true"),
    ("train.learning_rate", float("nan"), "train.learning_rate: given nan, must be a finite number"),
    ("train.batch", "half", "train.batch: given 'half', must be full or a positive whole number"),
    ("train.schedule", "cosine", "train.schedule: given 'cosine', must be 'constant' or 'one_cycle'"),
    ("train.validation", 1.0, "train.validation: given 1.0, must be less than 1"),
    ("simulate.tolerance", 1.0, "simulate.tolerance: given 1.0, must be less than or equal to 0.001"),
    ("rollout.integrator", "rk45", "rollout.integrator: given 'rk45', must be 'dop853', 'gauss', 'rk4'"),
    ("rollout.integrator", "leapfrog", "rollout.integrator: given 'leapfrog' for mass_spring, pendulum"),
    ("device", "gpu", "device: given 'gpu'"),
    ("compute.workers", 0, "compute.workers: given 0, must be auto or a positive whole number"),
    ("compute.workers", "all", "compute.workers: given 'all', must be auto or a positive whole number"),
    ("compute.scheduler", "host:8786", "compute.scheduler: given 'host:8786', must be local or a Dask scheduler's address"),
    ("compute.scheduler", "tcp://host", "compute.scheduler: given 'tcp://host', must be local or a Dask scheduler's address"),
    ("compute.sheduler", "local", "compute.sheduler: unknown key; did you mean 'scheduler'?"),
    ("seeds", 1.5, "seeds: given 1.5"),
    ("models", ["hnnn"], "models: given 'hnnn'; did you mean 'hnn'?"),
    ("models", [], "models: given []"),
    ("state_tasks", ["pendulum", "pendulum"], "state_tasks: given 'pendulum' more than once"),
    ("state_tasks", ["pendulums"], "state_tasks: given 'pendulums'; did you mean 'pendulum'?"),
    ("state_tasks", ["real_pendulum"], "state_tasks: given 'real_pendulum'"),
    ("render.size", 7, "render.size: given 7, must be greater than or equal to 8"),
    ("render.channels", 2, "render.channels: given 2, must be 1 or 3"),
    ("render.supersampling", 0, "render.supersampling: given 0, must be greater than or equal to 1"),
    ("autoencoder.latent", 3, "autoencoder.latent: given 3, must be an even number"),
    ("autoencoder.latent", 0, "autoencoder.latent: given 0, must be greater than 0"),
    ("train.freeze_autoencoder", 3, "train.freeze_autoencoder: given 3, must be a valid boolean"),
    ("step_maps", ["rk5"], "step_maps.0: given 'rk5', must be 'rk4' or 'euler'"),
    ("step_maps", ["rk4", "rk4"], "step_maps: given 'rk4' more than once"),
    ("pixel_tasks", ["pixel_pendulun"], "pixel_tasks: given 'pixel_pendulun'; did you mean 'pixel_pendulum'?"),
    ("pixel_tasks", ["real_pendulum"], "pixel_tasks: given 'real_pendulum'"),
    ("state_tasks", ["pixel_pendulum"], "state_tasks: given 'pixel_pendulum'"),
    (
        "tasks.pixel_pendulum.simulate.horizon_points",
        200,
        "horizon_points: given 200, must be 201: one point each frame, 0.05 s",
    ),
    ("tasks.pixel_pendulum.simulate.long_points", 1000, "simulate.long_points: given 1000, must be 1001"),
    ("tasks.pixel_pendulum.train.batch", "full", "train.batch: given full, must be a positive whole number"),
    (
        "tasks.pixel_pendulum.pretrain",
        {"segment": 100},
        "pretrain.segment: given 100, must be less than the frames of a clip, 100",
    ),
    ("tasks.pixel_pendulum.render.half_width", None, "tasks.pixel_pendulum.render.half_width: is missing"),
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
    ("tasks.pendulum.simulate", None, "tasks.pendulum: needs either simulate"),
]


@pytest.mark.parametrize(("key", "value", "message"), MISTAKES, ids=[f"{key}={value}" for key, value, _ in MISTAKES])
def test_one_mistake_is_one_line_with_its_path_what_was_given_and_what_is_allowed(tmp_path, key, value, message):
    params = parameters()
    put(params, key, value)
    if key == "tasks.pendulum.simulate":
        params["state_tasks"].remove("pendulum")
    with pytest.raises(loading.InvalidParams) as error:
        load(tmp_path, params)
    assert message in str(error.value)
    assert str(error.value).startswith(f"{tmp_path / 'params.yaml'}: ")
    assert "\n" not in str(error.value)


def test_without_any_task_there_is_nothing_to_do(tmp_path):
    params = parameters() | {"state_tasks": [], "pixel_tasks": []}
    with pytest.raises(loading.InvalidParams, match=r"state_tasks: given \[\], pixel_tasks \[\] and measured_tasks \[\]"):
        load(tmp_path, params)


@pytest.mark.parametrize("scheduler", ["local", "tcp://host:8786", "tls://10.0.0.1:8786", "tcp://[::1]:8786"])
def test_a_scheduler_is_here_or_at_an_address(tmp_path, scheduler):
    params = parameters()
    params["compute"] = {"scheduler": scheduler, "workers": "3"}
    assert load(tmp_path, params).compute.model_dump() == {"scheduler": scheduler, "workers": 3}


@pytest.mark.parametrize("switch", [True, False])
def test_switches_take_truth_values_and_numbers_do_not(tmp_path, switch):
    params = parameters()
    params["train"]["freeze_autoencoder"] = switch
    assert load(tmp_path, params).tasks["pixel_pendulum"].train.freeze_autoencoder is switch


def test_any_simulated_task_with_a_canvas_can_be_seen_in_pixels(tmp_path):
    params = parameters() | {"state_tasks": [], "pixel_tasks": ["mass_spring"]}
    params["tasks"]["mass_spring"]["pretrain"] = {}
    params["tasks"]["mass_spring"]["simulate"] |= {"duration": 3.0, "points": 31, "horizon_points": 201, "long_points": 2001}
    params["tasks"]["mass_spring"]["train"]["batch"] = 100
    assert load(tmp_path, params).latent_models == ["baseline-rk4", "baseline-euler", "hnn-rk4", "hnn-euler"]


def test_every_mistake_is_told_at_once(tmp_path):
    params = parameters()
    put(params, "train.steps", -1)
    put(params, "tasks.two_body.system.mass", 0)
    with pytest.raises(loading.InvalidParams) as error:
        load(tmp_path, params)
    assert [line.split(": ")[1] for line in str(error.value).splitlines()] == ["train.steps", "tasks.two_body.system.mass"]


@pytest.mark.parametrize(("text", "message"), [("a: [", "is not YAML"), ("- 1", "must be a mapping"), ("{}", "is missing")])
def test_what_is_no_mapping_of_sections_is_refused(tmp_path, text, message):
    with pytest.raises(loading.InvalidParams, match=message):
        load(tmp_path, text)


def test_a_missing_file_says_where_to_run(tmp_path):
    with pytest.raises(loading.InvalidParams, match="no such file; run in the project's folder"):
        load_params(tmp_path / "params.yaml")


def test_parameters_for_a_reader_are_all_but_where_a_run_computes(tmp_path):
    path = tmp_path / "params.yaml"
    params = parameters()
    path.write_text(yaml.safe_dump(params, sort_keys=False))
    written = params_as_written(path)
    assert yaml.safe_load(written) == {key: value for key, value in params.items() if key != "compute"}
    params["compute"]["workers"] = 7
    path.write_text("# a comment\n" + yaml.safe_dump(params, sort_keys=False))
    assert params_as_written(path) == written
