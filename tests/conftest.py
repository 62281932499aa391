"""Shared fixtures; tests run in float64 on one thread, so that tolerances hold on every machine."""

import signal
import time
from copy import deepcopy
from pathlib import Path

import numpy as np
import pytest
import torch

from hnn.core import registry
from hnn.core.trajectories import Observations
from hnn.integrators.solve import Solver, rollout
from hnn.models.base import Layout, accepted, find_model, make_model
from hnn.networks.autoencoder import Autoencoder
from hnn.params.loading import read_raw
from hnn.rendering.canvas import Canvas, render
from hnn.systems.base import make_system
from hnn.training.optimizer import OptimizerOptions

pytest_plugins = ["tiny_project"]
collect_ignore = ["recorder", "mutants.py"]  # no modules of tests

ROOT = Path(__file__).parents[1]
PARAMS = read_raw(ROOT / "params.yaml")
SIMULATED = [name for name, task in PARAMS["tasks"].items() if "simulate" in task]
SYSTEMS = registry.names("systems")
MODELS = registry.names("models")


if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:  # as in a shell's background, where processes ignore Ctrl-C from birth
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_addoption(parser):
    parser.addoption("--update-golden", action="store_true", help="write the texts of tests/golden anew instead of comparing")


def pytest_collection_modifyitems(items):
    """Put long tests at both ends: of two processes the first begins with the pipeline run, which the second needs last."""

    def position(item):
        if "extended" in item.fixturenames:
            return 2
        return 0 if "env" in item.fixturenames else 1

    items.sort(key=position)


@pytest.fixture
def golden(request):
    """Compare a text with a file of tests/golden; `--update-golden` writes the file instead."""

    def compare(name, text):
        path = ROOT / "tests" / "golden" / name
        if request.config.getoption("--update-golden"):
            path.write_text(text, encoding="utf-8")
        assert text == path.read_text(encoding="utf-8"), f"{path} differs: read the difference, then run with --update-golden"

    return compare


@pytest.fixture(autouse=True)
def float64_on_one_thread():
    """Set the default dtype and the number of threads for each test, and restore the dtype."""
    torch.set_num_threads(1)
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(torch.float32)


RECIPE = OptimizerOptions(
    steps=60,
    learning_rate=1e-2,
    schedule="one_cycle",
    warmup_fraction=0.3,
    beta1=0.95,
    beta1_min=0.85,
    beta2=0.999,
    weight_decay=0.0,
    gradient_clip=0.0,
)
"""Optimiser options of short fits."""


@pytest.fixture(scope="session")
def clips():
    """Frames (6, 12, 1, 8, 8) of the rod."""
    truth, x0 = truth_of("pixel_pendulum"), starts_of("pixel_pendulum", 6)
    x = rollout(truth, x0.double(), torch.linspace(0, 0.55, 12, dtype=torch.float64), Solver(tolerance=1e-06))
    return render(Canvas(8, 1, 0.2, 1, 0.0, -0.5, 0.8), x, "rod_pendulum", length=1.0)


class FunctionField:
    """A vector field given as a function of the state."""

    def __init__(self, function, separable=False):
        self.time_derivative = function
        self.separable = separable

    def frozen(self):
        return self


def parameters():
    """A copy of the content of params.yaml that a test may change."""
    return deepcopy(PARAMS)


def task_of(name):
    """A simulated task of params.yaml with this system."""
    return next(task for task in SIMULATED if PARAMS["tasks"][task]["system"].get("name") == name)


def truth_of(task):
    """The system of a task with its constants in params.yaml."""
    return make_system(**PARAMS["tasks"][task]["system"])


def starts_of(task, count, seed=0):
    """Initial states from the distribution of the task's training data."""
    distribution = PARAMS["tasks"][task]["simulate"]["distribution"]
    return truth_of(task).sample(np.random.default_rng(seed), count, **distribution)


def network(name, degrees=1, seed=0, hidden=16, layers=2, activation="tanh", bodies=2, **options):
    """A small model at initial weights; one of several bodies has two, so that its degrees of freedom are even."""
    generator = torch.Generator().manual_seed(seed)
    arguments = {
        "hidden": hidden,
        "layers": layers,
        "activation": activation,
        "bodies": bodies,
        "max_features": hidden,
        **options,
    }
    return make_model(name, degrees, generator=generator, **accepted(name, arguments))


ENERGY_MODELS = [name for name in MODELS if hasattr(find_model(name), "hamiltonian")]
CONSERVATIVE_MODELS = [name for name in MODELS if find_model(name).conservative]
ONE_BODY_MODELS = [name for name in MODELS if find_model(name).refusal(Layout()) is None]
"""Models that can learn a system with one degree of freedom."""


def encoder(seed=0):
    """A small autoencoder of the rod's frames at initial weights."""
    generator = torch.Generator().manual_seed(seed)
    return Autoencoder(128, hidden=16, latent=2, time_unit=0.25, generator=generator).float()


def observed(task, trajectories=4, points=10, noise=0.0, seed=0):
    """Observations of a task at random states, with exact derivatives and noise on the states."""
    truth, generator = truth_of(task), np.random.default_rng(seed)
    x = starts_of(task, trajectories * points, seed).view(trajectories, points, -1)
    dx = truth.time_derivative(x).detach().numpy()
    return Observations(np.linspace(0, 1, points), x.numpy() + noise * generator.standard_normal(x.shape), dx)


def alive(pid):
    """True if a process runs; a zombie does not."""
    try:
        return " Z " not in Path(f"/proc/{pid}/stat").read_text()
    except FileNotFoundError:
        return False


def wait_for(condition, seconds=20):
    """Wait until the condition holds; fail if it does not in these seconds."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"the condition does not hold after {seconds} s"
        time.sleep(0.02)
