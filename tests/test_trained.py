import re

import pytest
import torch
from conftest import network

import hnn
from hnn.core import device
from hnn.core.errors import Refused
from hnn.files import artifacts, paths

ABOUT = {"degrees": 1, "hidden": 16, "layers": 2, "activation": "tanh"}


@pytest.fixture
def project(tmp_path):
    """A project with two trained cells of two seeds."""
    for name in ("baseline", "hnn"):
        members = [network(name, seed=seed).float().state_dict() for seed in (0, 1)]
        artifacts.write_weights(tmp_path / paths.weights_path("pendulum", name), members, {"name": name} | ABOUT)
    return tmp_path


def test_a_loaded_cell_is_the_network_that_was_trained_in_double_precision(project):
    model, x = hnn.load("pendulum", "hnn", root=project, seed=1), torch.randn(5, 2)
    trained = network("hnn", seed=1).float().double()
    assert torch.allclose(model.time_derivative(x), trained.time_derivative(x))
    assert torch.allclose(model.hamiltonian(x), trained.hamiltonian(x))
    assert not model.time_derivative(x).requires_grad
    assert not torch.allclose(model.hamiltonian(x), hnn.load("pendulum", "hnn", root=project).hamiltonian(x))


def test_a_learned_energy_is_constant_along_a_rollout(project):
    model = hnn.load("pendulum", "hnn", root=project)
    x = model.rollout(torch.tensor([0.5, 0.2]), torch.linspace(0, 10, 20))
    assert x.shape == (20, 2)
    energy = model.hamiltonian(x)
    assert (energy - energy[0]).abs().max() < 1e-6 * energy.abs().max()
    assert (x - x[0]).abs().max() > 1e-2


def test_single_precision_states_are_welcome(project):
    model = hnn.load("pendulum", "hnn", root=project)
    assert model.rollout(torch.zeros(3, 2, dtype=torch.float32), torch.tensor([0.0, 1.0])).dtype == torch.float64


def test_a_model_without_energy_says_so(project):
    with pytest.raises(AttributeError, match="Baseline learns no energy"):
        hnn.load("pendulum", "baseline", root=project).hamiltonian(torch.zeros(2))


def test_a_cell_or_a_seed_that_is_not_there_names_those_that_are(project):
    with pytest.raises(FileNotFoundError, match=r"two_body-hnn .* there: pendulum-baseline, pendulum-hnn"):
        hnn.load("two_body", "hnn", root=project)
    with pytest.raises(ValueError, match=re.escape("seed: given 2, allowed: 0 to 1")):
        hnn.load("pendulum", "hnn", root=project, seed=2)


def test_the_package_offers_load_and_nothing_else():
    assert hnn.__all__ == ["load", "load_pixels"]
    with pytest.raises(AttributeError, match="no attribute 'laod'"):
        hnn.laod  # noqa: B018


@pytest.mark.parametrize(("cuda", "expected"), [(True, "cuda"), (False, "cpu")])
def test_auto_is_cuda_where_there_is_one(monkeypatch, cuda, expected):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: cuda)
    assert device.choose("auto").type == expected
    assert device.choose("cpu").type == "cpu"


def test_a_cuda_device_that_is_not_there_is_refused(monkeypatch):
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    assert device.choose("cuda:0") == torch.device("cuda:0")
    with pytest.raises(Refused, match="device: given cuda:1, but PyTorch sees 1 CUDA devices; allowed: auto, cpu"):
        device.choose("cuda:1")


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_a_model_trains_on_cuda():
    model = network("hnn").to("cuda")
    assert model.time_derivative(torch.randn(3, 2, device="cuda")).device.type == "cuda"
