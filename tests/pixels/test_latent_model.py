import pytest
import torch

from hnn.integrators.fixed_step import EULER, RK4
from hnn.models.base import Model
from hnn.pixels.latent_ensemble import LatentEnsemble
from hnn.pixels.latent_model import make_latent_model

FRAMES = torch.randint(256, (3, 6, 1, 4, 4), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))


class Circle(Model):
    """dq/dt = p, dp/dt = -q."""

    def time_derivative(self, x):
        return torch.stack([x[..., 1], -x[..., 0]], -1)


def member(name="hnn", step_map="rk4", seed=0, size=2, time_unit=0.25):
    """A small latent model with fresh weights, in float64."""
    return make_latent_model(
        pixels=32,
        hidden=16,
        latent=size,
        time_unit=time_unit,
        name=name,
        model_hidden=8,
        model_layers=2,
        model_activation="tanh",
        step_map=step_map,
        frame_step=0.05,
        generator=torch.Generator().manual_seed(seed),
    ).double()


@pytest.mark.parametrize(("step_map", "method"), [("rk4", RK4), ("euler", EULER)])
def test_latent_model_takes_one_step_of_its_map_in_latent_time(step_map, method):
    model, z = member(step_map=step_map), torch.randn(5, 2)
    assert model.step == pytest.approx(0.2)
    torch.testing.assert_close(model(z), method(model.dynamics, z, 0.2))


@pytest.mark.parametrize("name", ["hnn", "baseline"])
@pytest.mark.parametrize("step_map", ["rk4", "euler"])
def test_roll_by_the_map_repeats_the_map(name, step_map):
    ensemble = LatentEnsemble([member(name, step_map, seed) for seed in (0, 1)])
    z0 = torch.randn(2, 3, 2)
    z = ensemble.roll(z0, torch.linspace(0, 10, 201), continuous=False, tolerance=1e-9)
    assert z.shape == (2, 3, 201, 2)
    expected = z0[1]
    for step in range(1, 201):
        expected = ensemble.members[1](expected)
        torch.testing.assert_close(z[1, :, step], expected, rtol=1e-9, atol=1e-9)


def test_roll_continuous_solves_the_differential_equation_for_any_map():
    model = member("baseline", "euler")
    model.dynamics = Circle()
    ensemble = LatentEnsemble([model])
    z0 = torch.tensor([[[1.0, 0.0]]])
    t = torch.linspace(0, 5, 101)
    z = ensemble.roll(z0, t, continuous=True, tolerance=1e-10)
    torch.testing.assert_close(z[0, 0, :, 0], torch.cos(t / 0.25), rtol=0, atol=1e-7)
    euler = ensemble.roll(z0, t, continuous=False, tolerance=1e-10)
    assert euler[0, 0, -1].norm() > 5  # Euler's map multiplies the radius by √(1.04) each frame


@pytest.mark.parametrize("batch", [(), (2,), (2, 1)])
def test_encode_and_decode_use_each_members_own_network_and_do_not_depend_on_blocks(batch, monkeypatch):
    ensemble = LatentEnsemble([member(seed=seed) for seed in (0, 1)])
    frames = FRAMES[:2, None] if len(batch) == 2 else FRAMES[:2] if batch else FRAMES[0]
    z = ensemble.encode(frames)
    assert z.shape == (2, *batch, 5, 2)
    torch.testing.assert_close(ensemble.encode_by(1, frames), z[1])
    monkeypatch.setattr("hnn.pixels.latent_ensemble.BLOCK", 1)
    torch.testing.assert_close(ensemble.encode(frames), z)
    decoded = ensemble.decode(1, z[1])
    assert decoded.shape == (*batch, 5, 16)
    torch.testing.assert_close(decoded, ensemble.members[1].autoencoder.decode(z[1])[..., :16])


def test_make_latent_model_draws_all_weights_from_the_generator():
    a, b, c = (member(seed=seed).state_dict() for seed in (0, 0, 1))
    assert all(torch.equal(a[name], b[name]) for name in a)
    assert not torch.equal(a["dynamics.energy.layers.0.weight"], c["dynamics.energy.layers.0.weight"])
