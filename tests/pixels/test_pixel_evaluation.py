"""Evaluation of planted latent models: encoder and decoder are exact, the dynamics are the truth's or a known error away."""

import json
from dataclasses import dataclass, replace

import numpy as np
import pytest
import torch
from conftest import starts_of, truth_of
from torch import nn

from hnn.core.phase_space import canonical_matrix
from hnn.core.trajectories import Observations, TrueMotion
from hnn.evaluation.evaluate import Options, state_metrics
from hnn.integrators.dop853 import DOP853
from hnn.integrators.solve import Solver, rollout
from hnn.models.base import Model
from hnn.pixels.evaluation import SETS, UNLIKE, PixelRoller, evaluate_pixels, fit_readout, latent_flow_errors, scores
from hnn.pixels.latent_ensemble import LatentEnsemble
from hnn.pixels.latent_model import LatentModel
from hnn.pixels.visuals import PHASES, counterfactual, visuals

TRUTH = truth_of("pixel_pendulum")
UNIT = 0.25  # of latent time
A = torch.tensor([[2.0, 0.5], [0.0, 3.0]], dtype=torch.float64)  # z = A x: linear, hence canonical in other units
SIZE = (1, 1, 2)  # a frame is the state itself, as bytes: see `photograph`


def photograph(x):
    """Frames (*batch, 1, 1, 2) that hold the states (*batch, 2) in [-1, 1]: exact if not cast to bytes."""
    return (255 * (x + 1) / 2)[..., None, None, :]


def developed(frames):
    """The states in frames of brightness 0 to 1."""
    return 2 * frames.flatten(-3) - 1


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
        self.time_unit = UNIT
        self.weight = nn.Parameter(torch.zeros(()))


class LatentTruth(Model):
    """The truth's field in latent states and latent time, faster by a factor; H too, so that it can be conserved."""

    conservative = True

    def __init__(self, speed=1.0):
        super().__init__()
        self.speed, self.weight = speed, nn.Parameter(torch.zeros(()))

    def time_derivative(self, z):
        return self.speed * UNIT * TRUTH.time_derivative(z @ torch.linalg.inv(A).T) @ A.T

    def hamiltonian(self, z):
        return self.speed * UNIT * torch.linalg.det(A) * TRUTH.hamiltonian(z @ torch.linalg.inv(A).T)


def ensemble(*speeds):
    members = [LatentModel(Autoencoder(), LatentTruth(speed), step_map="rk4", frame_step=0.05) for speed in speeds]
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


def roller_of(models, data):
    """The roller of a planted cell, all of whose sets begin at the same starts."""
    readout = fit_readout(TRUTH, models, data.frames[None], [data.train])
    names = {one.motion for one in SETS.values()}
    motions, frames = dict.fromkeys(names, data.motion), dict.fromkeys(names, data.film)
    return PixelRoller(TRUTH, models, readout, motions, frames, 1e-10, 20000, developed)


def with_metrics(roller, starts):
    """The rollout of a set with its metrics, as `evaluate` hands it to `diagnose`."""
    rollout = roller.roll(starts)
    return replace(rollout, quantities=state_metrics(rollout, roller.references[starts]))


def measured(models, data, starts="held_out"):
    """(metrics, rollout) of one set of `SETS`."""
    roller = roller_of(models, data)
    rollout = roller.roll(starts)
    return state_metrics(rollout, roller.references[starts]) | roller.more_metrics(starts, rollout), rollout


def test_planted_hamiltonian_gives_the_planted_field():
    z = torch.randn(5, 2)
    z.requires_grad_()
    (gradient,) = torch.autograd.grad(LatentTruth().hamiltonian(z).sum(), z)
    torch.testing.assert_close(gradient @ canonical_matrix(1).T, LatentTruth().time_derivative(z).detach())


@pytest.mark.parametrize("starts", ["held_out", "continuous"])
def test_roller_of_a_perfect_model_has_only_the_error_of_its_map(data, starts):
    metrics, rolled = measured(ensemble(1.0), data, starts)
    assert rolled.z.shape == (1, 4, 201, 2)
    assert metrics["coordinate_error"].max() < 5e-3
    assert metrics["energy_error"].max() < 1e-3
    assert metrics["conserved_error"].max() < 1e-3
    assert metrics["valid_time"] == pytest.approx(10.0 / data.motion.period[None])
    if starts == "continuous":
        assert metrics["coordinate_error"].max() < 1e-6


def test_state_metrics_of_a_frequency_five_per_cent_too_high_show_in_valid_time_and_not_in_energy(data):
    metrics, _ = measured(ensemble(1.0, 1.05), data)
    assert metrics["energy_error"].max() < 1e-3
    assert (metrics["valid_time"][1] < 0.5).all()
    assert (metrics["valid_time"][0] > 5).all()


def test_latent_flow_errors_are_symplectic_for_a_hamiltonian_and_not_with_friction(data):
    """In any units of the latent states: those planted here have six times the area of phase space."""
    models = ensemble(1.0, 1.0)
    field = models.members[1].dynamics.time_derivative
    models.members[1].dynamics.time_derivative = lambda z: field(z) - 0.01 * z
    _, rolled = measured(models, data)
    metrics = latent_flow_errors(models, rolled, data.motion)
    assert set(metrics) == {"reversal_error", "symplectic_error"}
    assert metrics["reversal_error"].max() < 1e-2
    assert metrics["symplectic_error"][0].max() < 1e-3
    period = data.motion.period / UNIT
    assert metrics["symplectic_error"][1] == pytest.approx(np.sqrt(2) * (1 - np.exp(-0.02 * period)), abs=1e-3)


@pytest.mark.parametrize(("step_map", "broken"), [("rk4", False), ("euler", True)])
def test_diagnose_honours_the_trained_map_and_marks_continuous_rollouts_that_differ_from_it(data, step_map, broken):
    """Rollouts by an RK4 map are next to continuous ones; those by an Euler map are not."""
    models = ensemble(1.05)
    for member in models.members:
        member.step_map = step_map
    roller = roller_of(models, data)
    rollouts = {starts: with_metrics(roller, starts) for starts in ("held_out", "continuous", "table1")}
    by_map = roller.diagnose("held_out", rollouts)
    assert not by_map.mismatch
    expected = {"method": step_map, "step": 0.05, "error": 0.0, "share": 0.0, "honoured": True}
    assert by_map.integrator.to_json() == expected
    assert set(by_map.quantities) == {"reversal_error", "symplectic_error"}
    assert roller.diagnose("continuous", rollouts).mismatch is broken
    assert roller.diagnose("table1", rollouts).to_json() == ({"mismatch": True} if broken else {})


def test_floor_reads_the_states_of_the_true_frames(data):
    metrics, rolled = measured(ensemble(1.05), data, "floor")
    assert rolled.z.shape == (1, 4, 200, 2)
    assert metrics["coordinate_error"].max() < 1e-5
    assert rolled.x[0] == pytest.approx(data.motion.x[:, :-1], abs=1e-5)


@pytest.mark.parametrize(("pictures", "latents"), [("pictures", "held_out"), ("pictures_floor", "floor")])
def test_roller_reads_from_pictures_what_it_reads_from_latents_that_are_decoded_exactly(data, pictures, latents):
    roller = roller_of(ensemble(1.0, 1.05), data)
    from_latents, from_pictures = roller.roll(latents), roller.roll(pictures)
    assert from_pictures.x == pytest.approx(from_latents.x, abs=1e-5)
    assert from_pictures.z is None
    assert len(roller.latents) == 1


def test_valid_frames_end_at_the_first_frame_that_is_unlike_the_true_one(data):
    """A frame here is a state: the rollout of too high a frequency leaves it, the exact one never does."""
    metrics, rolled = measured(ensemble(1.0, 1.05), data, "pictures")
    assert set(metrics) >= {"valid_frames", "energy_error", "coordinate_error", "valid_time"}
    assert (metrics["valid_frames"][0] == 201).all()
    errors = np.square((rolled.x[1] - data.motion.x) / 2).mean(-1)
    unlike = np.concatenate([errors > UNLIKE, np.ones((4, 1), bool)], axis=-1)
    assert metrics["valid_frames"][1] == pytest.approx(unlike.argmax(-1))
    assert (metrics["valid_frames"][1] < 201).sum() == 3


def test_evaluate_pixels_without_a_reading_of_pictures_has_no_set_of_them(data):
    roller = replace(roller_of(ensemble(1.0), data), read_pictures=None)
    assert set(roller.references) == {name for name, one in SETS.items() if one.reading != "pictures"}


def test_evaluate_pixels_gives_every_set_and_keeps_the_rollouts_of_all_but_the_published_one(data):
    models, names = ensemble(1.0, 1.05), {one.motion for one in SETS.values()}
    frames = {"train": data.frames[None], "test": data.film} | dict.fromkeys(names, data.film)
    options = Options("dop853", 0.1, 1e-7, "hamiltonian", False, batch_of_starts=100, evaluations_per_period=20000)
    test = Observations(data.motion.t, data.motion.x, data.motion.x)
    evaluation, readout = evaluate_pixels(
        TRUTH, models, ([data.train], test), dict.fromkeys(names, data.motion), frames, options, read_pictures=developed
    )
    metrics = evaluation.to_json()
    json.dumps(metrics, allow_nan=False)
    assert set(SETS) - {"held_out"} | {"probe_r2", "canonical_error", "pixel_mse_100", "symplectic_error"} <= set(metrics)
    assert set(evaluation.rollouts.sets) == set(SETS) - {"table1"}
    assert evaluation.rollouts.sets["held_out"].quantities["pixel_mse_100"].shape == (2, 4)
    assert set(evaluation.rollouts.visuals.film) == {"true", "decoded", "continuous"}
    assert np.allclose(readout.states(evaluation.rollouts.sets["floor"].z), data.motion.x[:, :-1], atol=1e-3)


def test_references_are_of_the_sets_whose_motion_is_there(data):
    roller = roller_of(ensemble(1.0), data)
    assert set(roller.references) == set(SETS)
    few = replace(roller, motions={"held_out": data.motion, "long": data.motion})
    assert set(few.references) == {"held_out", "long", "continuous", "floor", "pictures", "pictures_long", "pictures_floor"}


def test_scores_of_a_perfect_encoder_and_decoder(data):
    models = ensemble(1.0, 1.0)
    readout = fit_readout(TRUTH, models, data.frames[None], [data.train])
    metrics = scores(models, readout, data.frames, data.train)
    assert metrics["probe_r2"] == pytest.approx(np.ones((2, 1)))
    assert metrics["canonical_error"].max() < 1e-6
    assert metrics["reconstruction_error"].shape == (2, 6)
    assert metrics["reconstruction_error"].max() < 1e-20


def test_fit_readout_fits_the_probe_of_each_seed_on_its_own_draw(data):
    """The second draw is told the opposite states of its frames. With one draw all seeds read by it."""
    opposite = replace(data.train, x=-data.train.x)
    models, frames = ensemble(1.0, 1.0), torch.stack([data.frames, data.frames])
    readout = fit_readout(TRUTH, models, frames, [data.train, opposite])
    z = models.encode(data.frames).numpy()
    shared = fit_readout(TRUTH, models, data.frames[None], [data.train])
    for linear in (True, False):
        assert readout.states(z, linear=linear)[0] == pytest.approx(data.train.x[:, :-1], abs=1e-5)
        assert readout.states(z, linear=linear)[1] == pytest.approx(-data.train.x[:, :-1], abs=1e-5)
        assert shared.states(z, linear=linear) == pytest.approx(np.stack([data.train.x[:, :-1]] * 2), abs=1e-5)


def test_more_metrics_are_pixel_errors_at_the_horizons_that_the_rollout_reaches(data):
    metrics, rolled = measured(ensemble(1.0, 1.05), data)
    assert [name for name in metrics if "pixel" in name] == ["pixel_mse_10", "pixel_mse_100", "pixel_mse_200"]
    assert metrics["pixel_mse_200"].shape == (2, 4)
    expected = np.square((rolled.x[1, :, 200] - data.motion.x[:, 200]) / 2).mean(-1)
    assert metrics["pixel_mse_200"][1] == pytest.approx(expected)
    assert metrics["pixel_mse_200"][0].max() < 1e-4 < metrics["pixel_mse_200"][1].min()


def test_visuals_are_the_decoded_film_the_portrait_and_a_counterfactual_with_energy_added_evenly(data):
    models = ensemble(1.0)
    _, rolled = measured(models, data)
    drawn = visuals(models, {"held_out": rolled, "continuous": rolled}, data.film)
    assert drawn.film["decoded"].shape == (201, *SIZE)
    assert drawn.film["decoded"].dtype == np.uint8
    true = data.film[0, :, 0, 0].numpy()
    assert np.abs(drawn.film["decoded"][:, 0, 0] - true).max() <= 2
    assert drawn.portrait.energy.shape == (60, 60)
    energy, (before, adding, after) = drawn.counterfactual.energy, PHASES
    assert len(energy) == 1 + before + adding + after
    first_motion, last_motion = energy[: before + 1], energy[before + adding :]
    assert np.ptp(first_motion) < 1e-3 * np.ptp(energy)
    assert np.ptp(last_motion) < 1e-3 * np.ptp(energy)
    rise = energy[before : before + adding + 1]
    assert np.diff(rise) == pytest.approx(np.full(adding, np.ptp(rise) / adding), rel=0.02)
    assert last_motion[0] == pytest.approx(np.quantile(rolled.learned[0, :, 0], 0.8), rel=1e-3)


def test_visuals_of_a_model_without_an_energy_are_films_alone(data):
    models = ensemble(1.0)
    rolled = replace(measured(models, data)[1], learned=None)
    drawn = visuals(models, {"held_out": rolled, "continuous": rolled}, data.film)
    assert (drawn.portrait, drawn.counterfactual) == (None, None)


def test_counterfactual_adds_the_energy_that_was_asked_for_along_the_gradient():
    model = ensemble(1.0).members[0]
    z0 = torch.tensor([0.3, 0.2])
    path = counterfactual(model, z0, 0.4, (5, 10, 5))
    energy = model.dynamics.hamiltonian(path)
    assert energy[15] - energy[5] == pytest.approx(0.4, rel=1e-3)
    assert path.shape == (21, 2)
    backwards = rollout(model.dynamics, path[5], -0.2 * torch.arange(6.0), Solver("rk4", 0.2))
    torch.testing.assert_close(backwards[-1], z0, rtol=0, atol=1e-4)
