import re

import numpy as np
import pytest
import torch
from conftest import network
from scipy.integrate import solve_ivp

import hnn
from hnn.core.cell import Cell
from hnn.core.phase_space import symplectic_gradient
from hnn.files import artifacts, paths

ABOUT = {"degrees": 1, "hidden": 16, "layers": 2, "activation": "tanh"}


@pytest.fixture
def project(tmp_path):
    """A project with two trained cells of two seeds."""
    for name in ("baseline", "hnn"):
        members = [network(name, seed=seed).float().state_dict() for seed in (0, 1)]
        artifacts.write_weights(tmp_path / paths.weights_path(Cell("pendulum", name)), members, {"name": name} | ABOUT)
    return tmp_path


def test_load_gives_the_trained_network_in_double_precision(project):
    model, x = hnn.load("pendulum", "hnn", root=project, seed=1), torch.randn(5, 2)
    trained = network("hnn", seed=1).float().double()
    assert torch.allclose(model.time_derivative(x), trained.time_derivative(x))
    assert torch.allclose(model.hamiltonian(x), trained.hamiltonian(x))
    assert not model.time_derivative(x).requires_grad
    assert not torch.allclose(model.hamiltonian(x), hnn.load("pendulum", "hnn", root=project).hamiltonian(x))


def test_dissipation_is_the_learned_field_beside_the_symplectic_gradient_or_none(project):
    members = [network("dissipative_hnn", seed=seed).float().state_dict() for seed in (0, 1)]
    artifacts.write_weights(
        project / paths.weights_path(Cell("pendulum", "dissipative_hnn")), members, {"name": "dissipative_hnn"} | ABOUT
    )
    model, x = hnn.load("pendulum", "dissipative_hnn", root=project), torch.randn(5, 2)
    expected = model.time_derivative(x) - symplectic_gradient(model.network.hamiltonian, x)
    torch.testing.assert_close(model.dissipation(x), expected.detach())
    assert hnn.load("pendulum", "hnn", root=project).dissipation(x) is None


def test_hamiltonian_is_constant_along_a_rollout(project):
    model = hnn.load("pendulum", "hnn", root=project)
    x = model.rollout(torch.tensor([0.5, 0.2]), torch.linspace(0, 10, 20))
    assert x.shape == (20, 2)
    energy = model.hamiltonian(x)
    assert (energy - energy[0]).abs().max() < 1e-6 * energy.abs().max()
    assert (x - x[0]).abs().max() > 1e-2


@pytest.mark.parametrize("name", ["baseline", "hnn"])
def test_the_field_of_a_loaded_cell_serves_scipy_as_it_is(project, name):
    model, x0, t = hnn.load("pendulum", name, root=project), np.array([0.5, 0.2]), np.linspace(0, 5, 20)
    solution = solve_ivp(model.field, (0, 5), x0, method="DOP853", rtol=1e-10, atol=1e-10, t_eval=t)
    assert pytest.approx(model.rollout(x0, t), abs=1e-7) == solution.y.T


def test_rollout_accepts_single_precision_states(project):
    model = hnn.load("pendulum", "hnn", root=project)
    assert model.rollout(torch.zeros(3, 2, dtype=torch.float32), torch.tensor([0.0, 1.0])).dtype == torch.float64


def test_hamiltonian_of_a_model_without_energy_is_an_attribute_error(project):
    with pytest.raises(AttributeError, match="baseline learns no energy"):
        hnn.load("pendulum", "baseline", root=project).hamiltonian(torch.zeros(2))


def test_load_names_the_cells_and_seeds_that_exist(project):
    with pytest.raises(FileNotFoundError, match=r"two_body-hnn .* there: pendulum-baseline, pendulum-hnn"):
        hnn.load("two_body", "hnn", root=project)
    with pytest.raises(ValueError, match=re.escape("seed: given 2, allowed: 0 to 1")):
        hnn.load("pendulum", "hnn", root=project, seed=2)


def test_hnn_offers_fit_load_and_load_pixels_alone():
    assert hnn.__all__ == ["fit", "load", "load_pixels"]
    with pytest.raises(AttributeError, match="no attribute 'laod'"):
        hnn.laod  # noqa: B018


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_model_runs_on_cuda():
    model = network("hnn").to("cuda")
    assert model.time_derivative(torch.randn(3, 2, device="cuda")).device.type == "cuda"
