"""Interrupted fits go on from their checkpoints and end with the same bytes as if they had not been interrupted."""

import json
import os
import signal
import subprocess
import sys
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
import torch
from conftest import RECIPE, ROOT, network, wait_for
from safetensors.torch import load

from hnn.integrators.fixed_step import RK4
from hnn.models.base import make_model
from hnn.training import checkpoints
from hnn.training.checkpoints import Checkpoint, FitState, kept
from hnn.training.gauss_newton import fit_with_initial_states
from hnn.training.levenberg_marquardt import Segments, fit_all_weights
from hnn.training.loop import Problem, minimise
from hnn.training.losses import derivative_loss, in_place_loss
from hnn.training.noisy_trajectories import NoisyTrajectories
from hnn.training.output_layer import fit_output_layer

X, DX = torch.randn(2, 40, 2, generator=torch.Generator().manual_seed(3), dtype=torch.float64)
NAME = "train-task-model"
DEVICES = [
    "cpu",
    pytest.param("cuda", marks=pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")),
]


class Interrupted(Exception):
    """What the tests raise in a fit."""


@pytest.fixture(autouse=True)
def everything_is_written(tmp_path, monkeypatch):
    """Fits write a checkpoint wherever they can, in a folder with parameters."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(checkpoints, "SECONDS", 0.0)
    Path("params.yaml").write_text("seeds: 2\n")


@pytest.fixture
def written(monkeypatch):
    """The states that fits have written; after as many as `written.append` was given no more, the fit is interrupted."""
    return Recorder(monkeypatch)


class Recorder:
    """Counts checkpoints, and interrupts the fit after some of them."""

    def __init__(self, monkeypatch):
        self.count, self.most = 0, None
        write = Checkpoint.write

        def spy(checkpoint, state):
            write(checkpoint, state)
            self.count += 1
            if self.count == self.most:
                raise Interrupted

        monkeypatch.setattr(Checkpoint, "write", spy)

    def interrupt(self, fit, after):
        """Call a fit that is to be interrupted after so many checkpoints; True if it had not ended before."""
        self.count, self.most = 0, after
        try:
            with kept(NAME):
                fit()
        except Interrupted:
            return True
        finally:
            self.most = None
        return False


def descent(seeds, *, in_place=False, **changes):
    """Weights and curves of a fit of several models on random batches, with a validation loss."""
    models = [network("hnn", seed=seed).double() for seed in seeds]
    generators = [torch.Generator().manual_seed(seed) for seed in seeds]
    loss = in_place_loss(models[0].in_place(), X, DX) if in_place else None
    problem = Problem(
        lambda model, i: loss(i) if loss else derivative_loss(model, X[i], DX[i]),
        lambda i, steps: [torch.randint(30, (len(steps), 8), generator=generators[i])],
        lambda i, model: {
            "train_loss": float(derivative_loss(model, X[:30], DX[:30]).detach()),
            "validation_loss": float(derivative_loss(model, X[30:], DX[30:]).detach()),
        },
        generators,
        [X, DX],
    )
    curves = minimise(models, problem, replace(RECIPE, steps=200, **changes))
    return torch.cat([w.detach().flatten() for model in models for w in model.parameters()]), curves


@pytest.mark.parametrize("after", [1, 17, 49])
@pytest.mark.parametrize("changes", [{}, {"schedule": "constant", "weight_decay": 0.1}])
@pytest.mark.parametrize("seeds", [[0], [0, 1, 2]])
def test_an_interrupted_descent_ends_with_the_same_weights_and_curves(seeds, changes, after, written):
    weights, curves = descent(seeds, **changes)
    assert written.interrupt(lambda: descent(seeds, **changes), after)
    with kept(NAME):
        found, same = descent(seeds, **changes)
    assert torch.equal(found, weights)
    assert same == curves
    assert written.count == 50  # it has gone on, not begun anew


@pytest.mark.parametrize("in_place", [False, True])
def test_a_descent_is_interrupted_again_and_again(in_place, written):
    weights, _ = descent([0], in_place=in_place)
    while written.interrupt(lambda: descent([0], in_place=in_place), 7):
        pass
    assert written.count == 50 % 7
    with kept(NAME):
        assert torch.equal(descent([0], in_place=in_place)[0], weights)


def model_of(seed=0):
    generator = torch.Generator().manual_seed(seed)
    return make_model("hnn", 1, hidden=6, layers=2, activation="tanh", generator=generator).double()


def paths_of(field, trajectories=6, steps=10):
    """Trajectories (trajectories, steps + 1, 2) of a field."""
    states = [2 * torch.rand(trajectories, 2, generator=torch.Generator().manual_seed(1)) - 1]
    for _ in range(steps):
        states.append(RK4(field, states[-1], 0.1).detach())
    return torch.stack(states, 1)


def fit_output(device):
    fitted, x = model_of().to(device), paths_of(model_of(1)).to(device)
    fit_output_layer(fitted, RK4, x, 0.1, iterations=4)
    return fitted


def fit_gauss_newton(device):
    fitted, x = model_of().to(device), paths_of(model_of(1)).to(device)
    weight, intervals = torch.ones(*x.shape[:2], 1).to(x), torch.full((10, 1), 0.1).to(x)
    fit_with_initial_states(fitted, RK4, NoisyTrajectories(x, 0.1 * x, weight, intervals))
    return fitted


def fit_everything(device):
    fitted, x = model_of().to(device), paths_of(model_of(1)).to(device)
    fit_all_weights(fitted, RK4, Segments(x, torch.full((6, 10, 1), 0.1).to(x)), iterations=5)
    return fitted


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("least_squares", [fit_output, fit_gauss_newton, fit_everything])
def test_interrupted_fits_by_least_squares_end_with_the_same_weights(least_squares, device, written):
    fit = partial(least_squares, device)
    expected, first = fit().state_dict(), model_of().to(device).state_dict()
    assert any(not torch.equal(w, first[name]) for name, w in expected.items())
    total = written.count
    assert written.interrupt(fit, 2)
    with kept(NAME):
        found = fit().state_dict()
    assert written.count == total  # two before the interruption, the others after it
    for name, w in expected.items():
        assert torch.equal(found[name], w), name


def files():
    return list(Path("data").rglob("*.checkpoint"))


def test_checkpoints_are_deleted_at_the_end_and_stay_after_an_exception(written):
    assert written.interrupt(lambda: descent([0]), 3)
    assert len(files()) == 1
    with kept(NAME):
        descent([0])
        assert len(files()) == 1
    assert not files()
    assert not Path("data/checkpoints").exists()
    descent([0])  # outside of a stage
    assert not files()


def test_the_folder_of_checkpoints_stays_as_long_as_another_stage_has_some(written):
    assert written.interrupt(lambda: descent([0]), 3)
    with kept("train-task-other"):
        descent([1])
    (file,) = files()
    assert file.parent == Path("data/checkpoints") / NAME


@pytest.mark.parametrize("device", DEVICES)
def test_a_checkpoint_returns_tensors_to_the_devices_that_they_were_on(device):
    weights, stream = torch.arange(3.0, device=device), torch.arange(3, dtype=torch.uint8)
    with kept(NAME):
        checkpoint = Checkpoint("fit", [weights, stream])
        checkpoint.write(lambda: FitState({"w": weights, "stream": stream}, {"step": 4}))
        found = Checkpoint("fit", [weights, stream]).read()
    assert found.values == {"step": 4}
    assert (found.tensors["w"].device, found.tensors["stream"].device) == (weights.device, stream.device)
    assert torch.equal(found.tensors["w"], weights)


def test_a_state_is_put_together_only_where_it_is_written():
    asked = []
    Checkpoint("fit", []).write(lambda: asked.append("outside of a stage"))
    assert not asked


def change_parameters():
    Path("params.yaml").write_text("seeds: 3\n")


@pytest.mark.parametrize("changes", [{}, {"learning_rate": 2e-3}])
def test_a_fit_does_not_go_on_from_a_checkpoint_of_other_parameters(changes, written):
    assert written.interrupt(lambda: descent([0]), 30)
    if not changes:
        change_parameters()
    with kept(NAME):
        found, _ = descent([0], **changes)
    assert written.count == 30 + 50
    assert torch.equal(found, descent([0], **changes)[0])


def test_a_fit_does_not_go_on_from_a_checkpoint_of_other_data(written, monkeypatch):
    assert written.interrupt(lambda: descent([0]), 30)
    other = X.clone()
    other[-1] += 1e-12
    monkeypatch.setattr(sys.modules[__name__], "X", other)
    with kept(NAME):
        descent([0])
    assert written.count == 30 + 50


@pytest.mark.parametrize("place", [0, 40, -1])
def test_a_damaged_checkpoint_is_named_and_not_used(place, written, capsys):
    expected, _ = descent([0])
    assert written.interrupt(lambda: descent([0]), 30)
    (file,) = files()
    content = bytearray(file.read_bytes())
    content[place] ^= 1
    file.write_bytes(content)
    capsys.readouterr()
    with kept(NAME):
        found, _ = descent([0])
    assert torch.equal(found, expected)
    assert written.count == 30 + 50
    assert capsys.readouterr().err == f"{file}: is damaged; the fit begins anew\n"


def test_a_checkpoint_is_written_only_every_few_seconds(monkeypatch):
    monkeypatch.setattr(checkpoints, "SECONDS", 10.0)
    now = [0.0]
    monkeypatch.setattr(checkpoints, "monotonic", lambda: now[0])
    state, sizes = FitState({"w": torch.zeros(3)}, {"step": 1}), []
    with kept(NAME):
        checkpoint = Checkpoint("fit", [])
        for now[0] in (9.0, 11.0, 20.0, 22.0):
            checkpoint.write(lambda: replace(state, values={"step": now[0]}))
            sizes.append(checkpoint.read().values["step"] if files() else None)
    assert sizes == [None, 11.0, 11.0, 22.0]


SCRIPT = """
import sys, time
from types import SimpleNamespace
import torch
from hnn.parallel.pool import parallel_map
from hnn.training import checkpoints, loop
sys.path[:0] = TESTS
import test_checkpoints as here
torch.set_default_dtype(torch.float64)
checkpoints.SECONDS = 0.0
original = loop.take_step
def slow(*arguments):
    time.sleep(0.01)
    with open(sys.argv[1], "a") as file:
        file.write(".")
    return original(*arguments)
loop.take_step = slow
compute = SimpleNamespace(scheduler="local", workers=2)
with checkpoints.kept("x"):
    fits = parallel_map(lambda seed: here.descent([seed])[0], [0, 1], threads=1, compute=compute)
    torch.save(fits, "fits")
"""


def steps_saved(file):
    """The number of steps that the fit of a checkpoint has taken."""
    about = load(file.read_bytes()[checkpoints.DIGEST :])[checkpoints.ABOUT]
    return json.loads(bytes(about.tolist()))["values"]["curves"][0][-1]["step"]


@pytest.mark.skipif(sys.platform != "linux", reason="forks end with their parent on Linux")
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_a_killed_process_goes_on_with_the_fits_of_its_forks(number):
    code = SCRIPT.replace("TESTS", repr([str(ROOT / "tests"), str(ROOT / "tests" / "training")]))
    words = [sys.executable, "-c", code]
    environment = os.environ | {"PYTHONPATH": str(ROOT / "src")}
    killed = subprocess.Popen([*words, "first"], env=environment)
    wait_for(lambda: len(files()) == 2, 60)
    killed.send_signal(number)
    killed.wait(20)
    assert not Path("fits").exists()
    saved = [steps_saved(file) for file in files()]
    assert len(saved) == 2
    assert min(saved) > 0
    subprocess.run([*words, "second"], env=environment, check=True)
    assert len(Path("second").read_text()) == 2 * 200 - sum(saved)
    for seed, found in enumerate(torch.load("fits")):
        assert torch.equal(found, descent([seed])[0])
    assert not files()
