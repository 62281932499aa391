"""Models in units: Hamiltonian again, with the energy of the units, and exact in both directions."""

import numpy as np
import pytest
import torch

from hnn.core.phase_space import symplectic_gradient
from hnn.models._scaled import Scaled, Units, in_units, make_scaled_model
from hnn.models.base import make_model

SIZES = [[1.0, 1.0, 1.0, 1.0], [1e-3, 40.0, 7.0, 0.01], [300.0, 0.2, 1e-2, 50.0]]


def units_of(degrees, numbers):
    """Canonical units from positive numbers: a size for each position, the action and the time."""
    q_size, action, time = np.array(numbers[:degrees]), numbers[-2], numbers[-1]
    return Units(np.linspace(-1, 1, 2 * degrees), np.concatenate([q_size, action / q_size]), time)


@pytest.mark.parametrize("degrees", [1, 2])
@pytest.mark.parametrize("name", ["hnn", "dissipative_hnn", "port_hnn", "mechanical_hnn"])
@pytest.mark.parametrize("numbers", SIZES)
def test_the_field_is_that_of_the_energy_in_units_and_the_dissipation(name, degrees, numbers):
    inner = make_model(
        name, degrees, hidden=6, layers=2, activation="tanh", generator=torch.Generator().manual_seed(0)
    ).double()
    units = units_of(degrees, numbers)
    model = in_units(inner, units)
    x = torch.from_numpy(units.centre + units.size * np.random.default_rng(0).normal(size=(5, 2 * degrees)))
    ideal = symplectic_gradient(model.hamiltonian, x).detach()
    dissipation = model.dissipation(x)
    expected = ideal if dissipation is None else ideal + dissipation.detach()
    torch.testing.assert_close(model.time_derivative(x).detach(), expected, rtol=1e-9, atol=0)
    assert model.conservative == inner.conservative
    assert model.separable == inner.separable


@pytest.mark.parametrize("name", ["dissipative_hnn", "port_hnn"])
@pytest.mark.parametrize("numbers", SIZES)
def test_the_power_of_the_dissipation_has_the_sign_that_it_has_without_units(name, numbers):
    """∇H · dissipation is A / time² times that without units; of port_hnn it is never positive."""
    generator = torch.Generator().manual_seed(0)
    inner = make_model(name, 2, hidden=6, layers=2, activation="tanh", generator=generator).double()
    units = units_of(2, numbers)
    z = torch.from_numpy(np.random.default_rng(1).normal(size=(200, 4)))
    x = torch.from_numpy(units.centre) + torch.from_numpy(units.size) * z
    outside, inside = power(in_units(inner, units), x), power(inner, z)
    torch.testing.assert_close(outside, inside * numbers[-2] / numbers[-1] ** 2, rtol=1e-9, atol=0)
    assert name != "port_hnn" or (outside < 0).all()


def power(model, x):
    """∇H · dissipation, (points,), at states (points, 2n)."""
    gradient = torch.func.grad(lambda x: model.hamiltonian(x).sum())(x)
    return (gradient * model.dissipation(x)).sum(-1).detach()


@pytest.mark.parametrize("seed", range(20))
def test_states_without_units_and_back_are_the_states(seed):
    random = np.random.default_rng(seed)
    degrees = int(random.integers(1, 4))
    x = random.normal(size=(50, 2 * degrees)) * 10 ** random.uniform(-6, 6, 2 * degrees)
    dx = random.normal(size=x.shape) * x.std(0) * 10 ** random.uniform(-4, 4)
    units = Units.of(x, dx)
    assert units.centre + units.size * units.without(x) == pytest.approx(x, rel=1e-9, abs=1e-12 * np.abs(x).max())
    action = units.size[:degrees] * units.size[degrees:]
    assert action == pytest.approx([action[0]] * degrees)  # canonical up to one factor


@pytest.mark.parametrize("name", ["baseline", "hnn", "dissipative_hnn", "second_order"])
def test_the_frozen_field_is_the_field(name):
    inner = make_model(name, 1, hidden=6, layers=2, activation="tanh", generator=torch.Generator().manual_seed(0)).double()
    model = in_units(inner, units_of(1, [0.3, 2.0, 5.0]))
    x = torch.randn(7, 2, dtype=torch.float64)
    torch.testing.assert_close(model.frozen().time_derivative(x), model.time_derivative(x).detach())
    assert hasattr(model, "hamiltonian") == hasattr(inner, "hamiltonian")


def test_units_make_states_and_rates_of_the_size_of_one():
    t = np.linspace(0, 40, 4001)
    x = np.stack([3 + 0.02 * np.cos(50 * t), -1.4 * np.sin(50 * t)], -1)
    dx = np.stack([-1.0 * np.sin(50 * t), -70 * np.cos(50 * t)], -1)
    units = Units.of(x, dx)
    assert units.without(x).std(0) == pytest.approx([0.7071] * 2, rel=0.42)
    assert np.sqrt(np.square(dx / units.size * units.time).mean()) == pytest.approx(1)
    assert units.time == pytest.approx(1 / 50, rel=0.02)
    assert units.size.prod() == pytest.approx(x[:, 0].std() * x[:, 1].std())


def test_units_of_a_component_that_does_not_vary_are_finite():
    units = Units.of(np.ones((5, 2)), np.zeros((5, 2)))
    assert np.isfinite([*units.size, units.time]).all()


def test_a_scaled_model_keeps_its_units_in_its_weights():
    model = in_units(
        make_model("hnn", 1, hidden=6, layers=2, activation="tanh", generator=torch.Generator().manual_seed(0)),
        units_of(1, [0.3, 2.0, 5.0]),
    )
    again = make_scaled_model("hnn", 1, hidden=6, layers=2, activation="tanh", scaled=1, generator=torch.Generator())
    assert isinstance(again, Scaled)
    again.load_state_dict(model.state_dict())
    x = torch.randn(4, 2)
    assert torch.equal(again.time_derivative(x), model.time_derivative(x))
