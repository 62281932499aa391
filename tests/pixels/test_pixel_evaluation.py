"""A planted latent model whose every answer is known: encoder and decoder are exact, the dynamics are those of the truth."""

from dataclasses import dataclass

import numpy as np
import pytest
import torch
from conftest import starts_of, truth_of
from torch import nn

from hnn.core.phase_space import canonical_matrix
from hnn.core.trajectories import Observations, TrueMotion
from hnn.integrators.dop853 import DOP853
from hnn.integrators.solve import Solver, rollout
from hnn.models.base import Model
from hnn.pixels import evaluation, visuals
from hnn.pixels.latent_model import LatentEnsemble, LatentModel

TRUTH = truth_of("pixel_pendulum")
UNIT = 0.25  # of latent time
A = torch.tensor([[2.0, 0.5], [0.0, 3.0]], dtype=torch.float64)  # z = A x: linear, hence canonical in other units
SIZE = (1, 1, 2)  # a frame is the state itself, as bytes: see `photograph`


def photograph(x):
    """Frames (*batch, 1, 1, 2) that hold the states (*batch, 2) in [-1, 1]: exact if not cast to bytes."""
    return (255 * (x + 1) / 2)[..., None, None, :]


class Encoder(nn.Module):
    def forward(self, pair):
        return (2 * pair[..., :2] - 1) @ A.T


class Decoder(nn.Module):
    def forward(self, z):
        x = (z @ torch.linalg.inv(A).T + 1) / 2
        return torch.cat([x, x], -1)


class Autoencoder(nn.Module):
    def __init__(self):
        super().__init__()
        self.encode, self.decode = Encoder(), Decoder()
        self.about = {"time_unit": UNIT}
        self.weight = nn.Parameter(torch.zeros(()))


class Known(Model):
    """The truth's field in latent states and latent time, faster by a factor; H too, so that it can be conserved."""

    def __init__(self, speed=1.0):
        super().__init__()
        self.speed, self.weight = speed, nn.Parameter(torch.zeros(()))

    def time_derivative(self, z):
        return self.speed * UNIT * TRUTH.time_derivative(z @ torch.linalg.inv(A).T) @ A.T

    def hamiltonian(self, z):
        return self.speed * UNIT * torch.linalg.det(A) * TRUTH.hamiltonian(z @ torch.linalg.inv(A).T)


def ensemble(*speeds):
    members = [LatentModel(Autoencoder(), Known(speed), step_map="rk4", frame_step=0.05) for speed in speeds]
    return LatentEnsemble([member.requires_grad_(False) for member in members])


@dataclass
class Data:
    train: Observations
    motion: TrueMotion
    frames: torch.Tensor
    film: torch.Tensor


@pytest.fixture(scope="module")
def data():
    torch.set_default_dtype(torch.float64)
    x0, t = starts_of("pixel_pendulum", 6), torch.linspace(0, 10.0, 201)
    x = DOP853(1e-12)(TRUTH, x0, t)
    train = Observations(t.numpy(), x.numpy(), np.zeros_like(x.numpy()))
    motion = TrueMotion(t.numpy(), x[:4].numpy(), TRUTH.period(x0[:4]).numpy())
    return Data(train, motion, photograph(x), photograph(x[:4]))


def measured(models, data, method="map"):
    reading = evaluation.read(TRUTH, models, data.frames, data.train)
    rolled = evaluation.roll(TRUTH, models, data.film, data.motion, reading, method, 1e-10)
    return evaluation.quantities(TRUTH, models, rolled, data.motion, data.film, reading), rolled, reading


def test_the_planted_hamiltonian_gives_the_planted_field():
    z = torch.randn(5, 2)
    z.requires_grad_()
    (gradient,) = torch.autograd.grad(Known().hamiltonian(z).sum(), z)
    torch.testing.assert_close(gradient @ canonical_matrix(1).T, Known().time_derivative(z).detach())


@pytest.mark.parametrize("method", ["map", "continuous"])
def test_a_perfect_model_has_no_errors_but_those_of_the_map(data, method):
    found, rolled, _ = measured(ensemble(1.0), data, method)
    assert rolled["z"].shape == (1, 4, 201, 2)
    assert found["coordinate_error"].max() < 5e-3
    assert found["energy_error"].max() < 1e-3
    assert found["conserved_error"].max() < 1e-3
    assert found["valid_time"] == pytest.approx(10.0 / data.motion.period[None])
    if method == "continuous":
        assert found["coordinate_error"].max() < 1e-6


def test_a_clock_five_per_cent_fast_keeps_energy_and_is_soon_out_of_phase(data):
    found, _, _ = measured(ensemble(1.0, 1.05), data)
    assert found["energy_error"].max() < 1e-3
    assert (found["valid_time"][1] < 0.5).all()
    assert (found["valid_time"][0] > 5).all()


def test_the_latent_flow_of_a_hamiltonian_is_symplectic_and_one_with_friction_is_not(data):
    """In whatever units latent states are: those planted here have an area six times that of phase space."""
    models = ensemble(1.0, 1.0)
    field = models.members[1].dynamics.time_derivative
    models.members[1].dynamics.time_derivative = lambda z: field(z) - 0.01 * z
    _, rolled, _ = measured(models, data)
    found = evaluation.examine(models, rolled, data.motion)
    assert set(found) == {"reversal_error", "symplectic_error"}
    assert found["reversal_error"].max() < 1e-2
    assert found["symplectic_error"][0].max() < 1e-3
    period = data.motion.period / UNIT
    assert found["symplectic_error"][1] == pytest.approx(np.sqrt(2) * (1 - np.exp(-0.02 * period)), abs=1e-3)


def test_the_trained_map_honours_the_contract_and_a_continuous_motion_is_a_mismatch_as_far_as_it_differs(data):
    """Rollouts by an RK4 map of a wrong clock are next to continuous; those by an Euler map are not."""
    for step_map, marked in (("rk4", False), ("euler", True)):
        models = ensemble(1.05)
        for member in models.members:
            member.step_map = step_map
        rolled = {
            key: measured(models, data, method)[1] for key, method in (("held_out", "map"), ("continuous", "continuous"))
        }
        found = evaluation.contracts(models, rolled, 1e-10)
        assert found["held_out"]["integrator"] == {
            "method": step_map,
            "step": 0.05,
            "error": 0.0,
            "share": 0.0,
            "honoured": True,
        }
        assert found["continuous"].get("mismatch", False) is marked
        assert found["table1"].get("mismatch", False) is marked


def test_the_floor_is_what_the_probe_reads_from_the_true_frames(data):
    found, rolled, reading = measured(ensemble(1.05), data, "encode")
    assert rolled["z"].shape == (1, 4, 200, 2)
    assert found["coordinate_error"].max() < 1e-9
    assert reading.states(rolled["z"])[0] == pytest.approx(data.motion.x[:, :-1])


def test_scores_of_a_perfect_encoder_and_decoder(data):
    models = ensemble(1.0, 1.0)
    reading = evaluation.read(TRUTH, models, data.frames, data.train)
    found = evaluation.scores(models, reading, data.frames, data.train)
    assert found["probe_r2"] == pytest.approx(np.ones((2, 1)))
    assert found["canonical_error"].max() < 1e-6
    assert found["reconstruction_error"].shape == (2, 6)
    assert found["reconstruction_error"].max() < 1e-20


def test_pixel_errors_are_at_the_horizons_that_the_rollout_reaches(data):
    found, rolled, _ = measured(ensemble(1.0, 1.05), data)
    assert [name for name in found if "pixel" in name] == ["pixel_mse_10", "pixel_mse_100", "pixel_mse_200"]
    assert found["pixel_mse_200"].shape == (2, 4)
    expected = np.square((rolled["x"][1, :, 200] - data.motion.x[:, 200]) / 2).mean(-1)
    assert found["pixel_mse_200"][1] == pytest.approx(expected)
    assert found["pixel_mse_200"][0].max() < 1e-4 < found["pixel_mse_200"][1].min()


def test_what_the_report_draws(data):
    models = ensemble(1.0)
    _, rolled, _ = measured(models, data)
    found = visuals.pictures(models, {"held_out": rolled, "continuous": rolled}, data.film)
    assert found["film"]["decoded"].shape == (201, *SIZE)
    assert found["film"]["decoded"].dtype == np.uint8
    true = data.film[0, :, 0, 0].numpy()
    assert np.abs(found["film"]["decoded"][:, 0, 0] - true).max() <= 2
    assert found["portrait"]["energy"].shape == (60, 60)
    energy, (before, adding, after) = found["counterfactual"]["energy"], visuals.PHASES
    assert len(energy) == 1 + before + adding + after
    calm, late = energy[: before + 1], energy[before + adding :]
    assert np.ptp(calm) < 1e-3 * np.ptp(energy)
    assert np.ptp(late) < 1e-3 * np.ptp(energy)
    rise = energy[before : before + adding + 1]
    assert np.diff(rise) == pytest.approx(np.full(adding, np.ptp(rise) / adding), rel=0.02)
    assert late[0] == pytest.approx(np.quantile(rolled["learned"][0, :, 0], 0.8), rel=1e-3)


def test_a_model_without_an_energy_has_only_a_film(data):
    models = ensemble(1.0)
    _, rolled, _ = measured(models, data)
    del rolled["learned"]
    assert list(visuals.pictures(models, {"held_out": rolled, "continuous": rolled}, data.film)) == ["film"]


def test_energy_is_added_at_the_rate_that_was_asked_for_along_the_gradient():
    model = ensemble(1.0).members[0]
    z0 = torch.tensor([0.3, 0.2])
    path = visuals.counterfactual(model, z0, 0.4, (5, 10, 5))
    energy = model.dynamics.hamiltonian(path)
    assert energy[15] - energy[5] == pytest.approx(0.4, rel=1e-3)
    assert path.shape == (21, 2)
    backwards = rollout(model.dynamics, path[5], -0.2 * torch.arange(6.0), Solver("rk4", 0.2))
    torch.testing.assert_close(backwards[-1], z0, rtol=0, atol=1e-4)
