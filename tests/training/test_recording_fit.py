"""Fits of recordings: a damped oscillator with uneven times, a gap and other units is predicted, and its friction found."""

import numpy as np
import pytest
import torch

from hnn.core.trajectories import Trial
from hnn.datasets.preparation import cut_at_gaps
from hnn.evaluation.recorded import friction
from hnn.models.base import make_model
from hnn.training.recording import RecordingOptions, fit_recording, units_of

FREQUENCY, GAMMA, PERIOD = 40.0, 1.0, 2 * np.pi / 40
OPTIONS = RecordingOptions(steps=200, segments=(0.3, 1.0), iterations=10)


def trial(name, amplitude, seed):
    """A run in mm and mm/s with uneven times, a gap and noise of 0.1 %."""
    random = np.random.default_rng(seed)
    t = np.sort(random.uniform(0, 6 * PERIOD, 300))
    t = t[(t < 3 * PERIOD) | (t > 3.4 * PERIOD)]
    t = t[np.append(True, np.diff(t) > 1e-5)]
    z = amplitude * np.exp((-GAMMA / 2 + 1j * np.sqrt(FREQUENCY**2 - GAMMA**2 / 4)) * t)
    v = z * (-GAMMA / 2 + 1j * np.sqrt(FREQUENCY**2 - GAMMA**2 / 4))
    noise = 1e-3 * amplitude * random.normal(size=(2, len(t)))
    return Trial(name, t, (z.real + noise[0])[:, None], (v.real + FREQUENCY * noise[1])[:, None])


@pytest.fixture(scope="module")
def fit():
    """A fit of three runs, held out a fourth."""
    train = cut_at_gaps([trial(f"a{i}", amplitude, i) for i, amplitude in enumerate((3.0, 8.0, 12.0))], PERIOD)
    model = make_model(
        "dissipative_hnn", 1, hidden=8, layers=2, activation="tanh", generator=torch.Generator().manual_seed(0)
    ).double()
    return fit_recording(model, train, cut_at_gaps([trial("b", 6.0, 9)], PERIOD), PERIOD, OPTIONS)


def test_the_curve_ends_lower_than_it_was_after_the_derivatives(fit):
    after_derivatives = next(row for row in fit.curve if row["step"] == OPTIONS.steps)
    assert fit.losses["train_loss"] < 0.3 * after_derivatives["train_loss"]
    assert fit.losses["test_loss"] < 1e-3
    assert fit.curve[-1]["step"] == OPTIONS.steps + 2 * OPTIONS.iterations


def test_the_field_in_units_has_the_frequency_and_the_friction(fit):
    x = torch.tensor([[6.0, 0.0], [0.0, 200.0], [-4.0, 100.0]], dtype=torch.float64)
    expected = torch.stack([x[:, 1], -(FREQUENCY**2) * x[:, 0] - GAMMA * x[:, 1]], -1)
    error = (fit.model.time_derivative(x).detach() - expected) / torch.tensor([320.0, 12800.0])
    assert error.abs().max() < 0.03
    rows = trial("b", 6.0, 9).x
    assert friction([fit.model], rows).item() == pytest.approx(GAMMA, rel=0.3)


def test_units_are_those_of_the_motion():
    units = units_of(cut_at_gaps([trial("a", 8.0, 0)], PERIOD), PERIOD)
    assert units.time == pytest.approx(1 / FREQUENCY, rel=0.3)
