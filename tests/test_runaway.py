"""Values that are finite and absurd, and work that would never end, are refused or counted with a reason."""

import sys
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml
from conftest import ROOT, FunctionField, observed, starts_of, truth_of
from tiny_project import tiny

from stages.simulate import simulate
from stages.train import train

import hnn
from hnn import __main__ as command
from hnn.commands.rollout import with_possible_energy
from hnn.core.cell import Cell
from hnn.core.errors import NotFollowed, Refused
from hnn.core.trajectories import Observations
from hnn.datasets.simulation import check_size, true_motion
from hnn.evaluation.evaluate import Options, evaluate_states, remarks
from hnn.files import artifacts, paths, weights
from hnn.integrators.solve import Counted, Solver, rollout
from hnn.parallel import progress
from hnn.params.loading import read_raw
from hnn.training.fit import Fit, refuse_diverged

OPTIONS = Options(
    integrator="dop853",
    step=0.1,
    tolerance=1e-7,
    published_energy="hamiltonian",
    allow_mismatch=True,
    batch_of_starts=100,
    evaluations_per_period=2000,
)


def fitted(first, last, final=None):
    """A fit whose training loss begins and ends at these values."""
    rows = [{"step": step, "learning_rate": 0.1, "train_loss": loss} for step, loss in ((0, first), (9, last))]
    return Fit(torch.nn.Linear(1, 1), rows, {"train_loss": last if final is None else final})


@pytest.mark.parametrize(("first", "last", "final"), [(1.0, 11.0, None), (1.0, float("inf"), None), (1.0, 3e9, 2e9)])
def test_refuse_diverged_names_the_seed_that_ended_far_above_its_start(first, last, final):
    with pytest.raises(
        Refused, match=r"^t-hnn seed 1: the training loss began at 1 and ended at .*: the fit has diverged; lower"
    ):
        refuse_diverged("t-hnn", [fitted(1.0, 0.1), fitted(first, last, final)])


@pytest.mark.parametrize(("first", "last", "final"), [(1.0, 9.0, None), (float("inf"), 2.0, None), (1.0, 0.5, 50.0)])
def test_refuse_diverged_lets_other_fits_pass(first, last, final):
    """Also one that was rescaled after its curve, and one whose first trajectories leave all bounds."""
    fit = fitted(first, last, final)
    refuse_diverged("t-hnn", [fit])
    assert fit.divergence is None


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder with tiny parameters, whose spring has data."""
    monkeypatch.chdir(tmp_path)
    params = read_raw(ROOT / "params.yaml")
    tiny(params)
    Path("params.yaml").write_text(yaml.safe_dump(params))
    Path("metrics").mkdir()
    x = starts_of("mass_spring", 60).numpy().reshape(3, 20, 2)
    data = Observations(
        np.linspace(0, 1, 20), x, truth_of("mass_spring").time_derivative(torch.from_numpy(x)).detach().numpy()
    )
    artifacts.write_observations("mass_spring", [data, data], data)
    return tmp_path


def edit(**train):
    """Change the parameters of the section `train`, for networks as wide as those of the project."""
    params = read_raw(Path("params.yaml"))
    params["model"]["hidden"] = 200
    params["train"] |= train
    Path("params.yaml").write_text(yaml.safe_dump(params))


@pytest.mark.parametrize("changes", [{"learning_rate": 1e3}, {"learning_rate": 10.0, "schedule": "constant", "batch": 1}])
def test_a_training_stage_whose_loss_ends_far_above_its_start_is_refused_and_writes_nothing(changes, folder):
    torch.set_default_dtype(torch.float32)
    edit(steps=200, **changes)
    with pytest.raises(Refused, match=r"^mass_spring-baseline seed .*lower learning_rate or set gradient_clip"):
        train("mass_spring", "baseline")
    assert not list(Path("data").rglob("*.safetensors")) + list(Path("data").rglob("*.json"))


@pytest.fixture(scope="module")
def springs():
    """Motions of the spring from three sets of starts."""
    torch.set_default_dtype(torch.float64)
    truth, t = truth_of("mass_spring"), torch.linspace(0, 3, 16)
    return {
        starts: true_motion(truth, starts_of("mass_spring", 6, seed), t, 1e-12)
        for seed, starts in enumerate(("held_out", "table1", "outside"))
    }


def test_rollouts_of_an_impossible_energy_count_as_diverged_with_a_reason_and_are_averaged_with_no_other(springs, monkeypatch):
    """Bounds are lowered, so that a spring that gains energy within the reach of the data exceeds that of the energy alone."""
    monkeypatch.setattr("hnn.evaluation.metrics.FAR_ENERGY", 2.0)
    truth = truth_of("mass_spring")
    gaining = FunctionField(lambda x: truth.time_derivative(x) + 0.45 * x)
    almost = FunctionField(lambda x: 0.999 * truth.time_derivative(x))
    cell, train = Cell("mass_spring", "baseline"), [observed("mass_spring")]
    both = evaluate_states(cell, truth, [almost, gaining], train, springs, OPTIONS)
    alone = evaluate_states(cell, truth, [almost], train, springs, OPTIONS)
    for starts in ("held_out", "table1", "outside"):
        found = both.rollouts.sets[starts].quantities
        wrong = found["impossible_energy"] == 1
        assert not wrong[0].any()
        assert wrong[1].any()
        assert np.isnan(found["energy_mse"][wrong]).all()
        assert "impossible_energy" not in alone.intervals[starts]
    found = both.rollouts.sets["held_out"].quantities
    assert (found["diverged"] >= found["impossible_energy"]).all()
    said = remarks(cell, both)
    assert len(said) == 3
    assert "times the largest energy of the data" in said[0]
    assert said[0].startswith("mass_spring-baseline, held_out: a fraction of 0.")


def roll(*words, capsys):
    """(status, standard error) of `python -m hnn rollout two_body truth`."""
    sys.argv = ["hnn", "rollout", "two_body", "truth", "--out", "o.csv", *words]
    try:
        command.main()
    except SystemExit as end:
        return 1, f"{capsys.readouterr().err}{end.code}"
    return 0, capsys.readouterr().err


@pytest.mark.parametrize("method", ["rk4", "leapfrog"])
@pytest.mark.parametrize("start", ["1,0,-1,0,0,0,0,0", "0.55,0,-0.55,0,-0.3,0,0.3,0"])
def test_a_method_that_steps_over_a_collision_is_refused_with_the_energy_that_it_makes(method, start, folder, capsys):
    status, said = roll(f"--start={start}", "--until", "5", "--points", "101", "--integrator", method, capsys=capsys)
    assert status == 1
    assert said.startswith("--step: the energy changes from -")
    assert not Path("o.csv").exists()


def test_a_method_that_keeps_the_energy_nearly_is_not_refused(folder, capsys):
    status, _ = roll("--start=1,0,-1,0,0,0.4,0,-0.4", "--until", "5", "--points", "11", "--integrator", "rk4", capsys=capsys)
    assert status == 0


def test_a_motion_that_ends_in_a_collision_is_refused_after_its_budget_of_evaluations():
    truth, x0 = truth_of("two_body"), torch.tensor([1.0, 0, -1, 0, 0, 0, 0, 0])
    with pytest.raises(NotFollowed, match="more than 500 evaluations"):
        rollout(Counted(truth, 500), x0, torch.linspace(0, 5, 3), Solver(tolerance=1e-9))


def test_a_learned_motion_of_an_impossible_energy_is_nan_with_a_warning(folder, capsys):
    x = torch.tensor([[1.0, 0.0], [2.0, 0.0], [1e3, 0.0], [1.0, 0.0]])
    found = with_possible_energy(x, torch.arange(4.0), truth_of("mass_spring"), "mass_spring")
    assert found.isfinite().all(-1).tolist() == [True, True, False, False]
    assert capsys.readouterr().err == "warning: the energy is 1e+06 J at t = 2, which no motion has\n"
    without = with_possible_energy(x, torch.arange(4.0), truth_of("mass_spring"), "pendulum")  # no data
    assert torch.equal(without, x)


def test_weights_that_are_nan_are_neither_written_nor_read(folder):
    path = paths.weights_path(Cell("mass_spring", "hnn"))
    about = {"name": "hnn", "degrees": 1, "hidden": 4, "layers": 1, "activation": "tanh"}
    wrong = {"w": torch.tensor([1.0, float("nan")])}
    with pytest.raises(Refused, match="not finite"):
        weights.write_weights(path, [wrong], about)
    assert not path.exists()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(weights, "not_finite", lambda tensors: None)
        weights.write_weights(path, [wrong], about)
    with pytest.raises(Refused, match=r"0\.w has values that are not finite"):
        hnn.load("mass_spring", "hnn")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"horizon": 1e5}, r"of held_out last 100000 s, about 3\.2e\+04 periods, allowed: 10000"),
        ({"duration": 1e6}, "about .* periods, allowed"),
        ({"points": 10**6, "train": 1000}, r"1000000 states of 1000 starts, 16 GB, allowed: 0\.8 GB"),
        ({"points": 2000000000}, "1000000"),
    ],
)
def test_simulate_refuses_motions_that_would_take_hours_or_all_memory_with_an_estimate(change, said, folder):
    params = read_raw(Path("params.yaml"))
    params["tasks"]["mass_spring"]["simulate"] |= change
    Path("params.yaml").write_text(yaml.safe_dump(params))
    with pytest.raises(Refused, match=said):
        simulate("mass_spring")


def test_check_size_lets_motions_without_a_period_pass():
    truth, unbound = truth_of("two_body"), torch.tensor([[1.0, 0, -1, 0, 0, 3, 0, -3]])
    assert not truth.period(unbound).isfinite().any()
    check_size(truth, {"test": unbound}, {"test": torch.linspace(0, 20, 5)})
    with pytest.raises(Refused, match="states of 1 starts"):  # its size is limited all the same
        check_size(truth, {"test": unbound}, {"test": torch.zeros(1).expand(10**8)})


def test_a_long_rollout_shows_its_progress_and_a_short_one_is_silent(monkeypatch, capsys):
    spring, x0, t = truth_of("mass_spring"), torch.tensor([1.0, 0.0]), torch.linspace(0, 2, 21)
    for delay, method in ((0.0, "rk4"), (0.0, "dop853"), (0.0, "gauss"), (60.0, "rk4")):
        monkeypatch.setattr(progress, "DELAY", delay)
        with progress.fraction_of(f"rollout {method}") as shown:
            x = rollout(spring, x0, t, Solver(method, step=0.01), progress=shown)
        assert torch.equal(x, rollout(spring, x0, t, Solver(method, step=0.01)))
        said = capsys.readouterr().err
        assert (f"rollout {method}: 100%" in said) if not delay else said == ""
