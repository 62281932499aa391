"""`python -m hnn rollout`: the motion of a cell or of the truth as CSV, refusals and warnings."""

import csv
from pathlib import Path

import numpy as np
import pytest
import torch
from conftest import FunctionField, network, starts_of, truth_of
from test_summary import call

from hnn.commands import rollout
from hnn.core.cell import Cell
from hnn.core.trajectories import Observations
from hnn.datasets import simulation
from hnn.files import artifacts, paths
from hnn.trained import Trained

ROOT = Path(__file__).resolve().parents[2]
ABOUT = {"degrees": 1, "hidden": 16, "layers": 2, "activation": "tanh"}


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A project whose pendulum has two cells of two seeds, and training data within |q|, |p| ≤ 2."""
    (tmp_path / "params.yaml").write_text((ROOT / "params.yaml").read_text())
    monkeypatch.chdir(tmp_path)
    for name in ("baseline", "hnn"):
        members = [network(name, seed=seed).float().state_dict() for seed in (0, 1)]
        artifacts.write_weights(paths.weights_path(Cell("pendulum", name)), members, {"name": name} | ABOUT)
    x = starts_of("pendulum", 50).numpy()[None]
    data = Observations(np.arange(50.0), x, x)
    artifacts.write_observations("pendulum", [data], data)
    return tmp_path


def roll(model="hnn", start="1.4,0.5", *others, task="pendulum", until="2"):
    return call("rollout", task, model, "--start", start, "--until", until, "--out", "orbit.csv", "--points", "21", *others)


def columns(path="orbit.csv"):
    with Path(path).open(newline="") as file:
        rows = list(csv.DictReader(file))
    return {name: np.array([float(row[name]) for row in rows]) for name in rows[0]}


def test_rollout_of_a_cell_has_states_true_energy_and_learned_energy(project, capsys):
    assert roll() is None
    found = columns()
    assert list(found) == ["t", "q1", "p1", "energy", "learned_energy"]
    assert found["t"] == pytest.approx(np.linspace(0, 2, 21))
    assert np.ptp(found["learned_energy"]) < 1e-6
    assert found["energy"][0] == pytest.approx(0.5**2 + 3 * (1 - np.cos(1.4)))
    said = capsys.readouterr()
    assert "21 rows" in said.out
    assert said.err == ""


def test_rollout_of_the_truth_is_the_exact_motion_and_needs_no_cell(project):
    assert roll("truth", "-1,0.2", "--integrator", "gauss") is None
    exact = simulation.true_motion(truth_of("pendulum"), torch.tensor([[-1.0, 0.2]]), torch.linspace(0, 2, 21), 1e-12).x[0]
    found = columns()
    assert list(found) == ["t", "q1", "p1", "energy"]
    assert np.stack([found["q1"], found["p1"]], -1) == pytest.approx(exact, abs=1e-8)
    assert roll("baseline") is None
    assert list(columns()) == ["t", "q1", "p1", "energy"]


def test_rollout_uses_the_given_seed_and_refuses_a_missing_one(project):
    assert roll() is None
    first = columns()["q1"]
    assert roll("hnn", "1.4,0.5", "--seed", "1") is None
    assert not np.allclose(first, columns()["q1"])
    assert "seed: given 2, allowed: 0 to 1" in roll("hnn", "1.4,0.5", "--seed", "2")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ({"start": "1,2,3"}, "--start: given 3 numbers, must be 2 finite ones: q in rad, p in kg m²/s"),
        ({"start": "1,x"}, "--start: given '1,x', must be numbers between commas: q in rad"),
        ({"start": "1,nan"}, "--start: given p1 = nan, must be finite: q in rad"),
        ({"model": "hn"}, "model: given 'hn'; did you mean 'hnn'? known: truth, baseline, hnn"),
        ({"task": "pendulm"}, "task: given 'pendulm'; did you mean 'pendulum'? known: mass_spring, pendulum"),
        ({"task": "mass_spring"}, "no trained cell mass_spring-hnn"),
        (
            {"task": "pixel_pendulum"},
            "its cells start from two frames, not from a state; give --frames clip.npz instead of --start",
        ),
        ({"until": "-1"}, "--until: given -1, allowed: a positive number of seconds"),
    ],
)
def test_rollout_refuses_bad_arguments_in_one_line_and_writes_nothing(project, words, said):
    line = roll(**{"model": "hnn", "start": "1.4,0.5"} | words)
    assert said in line
    assert "\n" not in line
    assert not Path("orbit.csv").exists()


@pytest.mark.parametrize(
    ("others", "said"),
    [
        (("--integrator", "eulr"), "integrator: given 'eulr', allowed: dop853, gauss"),
        (("--integrator", "leapfrog"), "a splitting needs H = T(p) + V(q)"),
        (("--integrator", "rk4", "--step", "0"), "--step: given 0, allowed: a positive number of seconds"),
        (("--step", "0.1"), "--step: dop853 chooses its own steps"),
        (("--points", "1"), "--points: given 1, allowed: 2 to 1000000"),
        (("--step-map", "rk4"), "--step-map: given with --start, where it has no meaning; leave it out"),
    ],
)
def test_rollout_refuses_unknown_and_unsuitable_integrators(project, others, said):
    assert said in roll("hnn", "1.4,0.5", *others)


def test_rollout_from_a_start_needs_the_last_time(project):
    said = call("rollout", "pendulum", "hnn", "--start", "1,0", "--out", "orbit.csv")
    assert said == "--until: needed with --start: the last time, in seconds"


def test_rollout_warns_of_a_start_outside_the_training_data(project, capsys):
    assert roll("hnn", "3,0") is None
    assert "warning: the start lies outside the training data: q1 3 (trained on" in capsys.readouterr().err
    assert roll("hnn", "0.1,0") is None  # both components are in the range, the energy is not
    assert "outside the training data: energy" in capsys.readouterr().err
    assert roll("truth", "3,0") is None
    assert capsys.readouterr().err == ""


def test_rollout_takes_the_training_data_of_all_seeds_as_covered(project, capsys):
    (draw,), test = artifacts.read_observations("pendulum")
    artifacts.write_observations("pendulum", [draw, Observations(draw.t, 2 * draw.x, draw.dx)], test)
    assert roll("hnn", "3,0") is None
    assert capsys.readouterr().err == ""


def test_rollout_replaces_a_file_only_with_a_whole_one(project):
    Path("orbit.csv").write_text("mine")
    assert roll("hnn", "1,2,3") is not None
    assert Path("orbit.csv").read_text() == "mine"
    assert roll() is None
    assert columns()["t"][-1] == 2
    Path("folder").mkdir()
    assert "cannot be written" in call(*["rollout", "pendulum", "truth", "--start", "1,0", "--until", "1", "--out", "folder"])
    assert not list(Path().glob(".*csv"))


def test_rollout_to_standard_output_has_the_rows_there_and_the_summary_on_standard_error(project, capfd):
    words = ["rollout", "pendulum", "truth", "--start", "1,0", "--until", "1", "--points", "3", "--out", "/dev/stdout"]
    assert call(*words) is None
    said = capfd.readouterr()
    assert said.out.splitlines()[0] == "t,q1,p1,energy"
    assert len(said.out.splitlines()) == 4
    assert "/dev/stdout: 3 rows of t, q1, p1, energy" in said.err


def test_rollout_warns_of_divergence_and_refuses_a_collision(project, monkeypatch, capsys):
    monkeypatch.setattr(rollout, "cell", lambda *_: Trained(FunctionField(lambda x: 20 * x)))
    assert roll("hnn", "1.4,0.5") is None
    said = capsys.readouterr().err
    assert said.startswith(
        "warning: the energy is 4.07e+04 J at t = 0.3, which no motion has\nwarning: the motion diverges after t = 0.2"
    )
    assert np.isnan(columns()["q1"][-1])
    assert "cannot be followed much beyond t = 2" in roll("truth", "1,0,-1,0,0,0,0,0", task="two_body", until="10")
