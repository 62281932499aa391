"""`hnn.fit` on arrays: NumPy in and out, saved and loaded, in SciPy's solver; what is wrong is refused in one line."""

import numpy as np
import pytest
import torch
from scipy.integrate import solve_ivp

import hnn
from hnn.core.errors import Refused
from hnn.training.recording import RecordingOptions

FEW = RecordingOptions(steps=60, segments=(0.5,), iterations=6)
T = np.linspace(0, 12, 240)
X = np.stack([np.cos(T), -np.sin(T)], -1)


@pytest.fixture(scope="module")
def model():
    """A fit of one run."""
    return hnn.fit(X, T, "dissipative_hnn", hidden=8, options=FEW)


def test_arrays_give_arrays_and_tensors_tensors(model):
    assert isinstance(model.rollout(X[0], T[:5]), np.ndarray)
    assert isinstance(model.rollout(torch.from_numpy(X[0]), T[:5]), torch.Tensor)
    assert model.hamiltonian(X).shape == (240,)
    assert model.dissipation(X).shape == X.shape
    assert np.abs(model.rollout(X[0], T) - X).max() < 0.2


def test_field_and_energy_serve_scipy_as_they_are(model):
    solution = solve_ivp(model.field, (0, 6), X[0], method="DOP853", rtol=1e-10, atol=1e-10, t_eval=T[:100])
    assert pytest.approx(model.rollout(X[0], T[:100]), abs=1e-6) == solution.y.T
    assert solve_ivp(model.field, (0, 1), X[0], vectorized=True, method="Radau").success
    assert model.energy(X) == pytest.approx(model.hamiltonian(X))


def test_a_saved_model_is_loaded_as_it_was(model, tmp_path):
    model.save(tmp_path / "rig.safetensors")
    again = hnn.load(tmp_path / "rig.safetensors")
    assert np.array_equal(again.time_derivative(X), model.time_derivative(X))
    with pytest.raises(Refused, match=r"must end in \.safetensors"):
        model.save(tmp_path / "rig.pt")
    with pytest.raises(FileNotFoundError, match="there is no such file"):
        hnn.load(tmp_path / "none.safetensors")
    with pytest.raises(Refused, match="must be a task and a model, or a file"):
        hnn.load("pendulum")


def test_runs_are_lists_and_a_step_stands_for_times():
    both = hnn.fit([X[:100], X[50:]], T[1], "hnn", hidden=4, options=FEW)
    same = hnn.fit([X[:100], X[50:]], [T[:100], T[: len(X) - 50]], "hnn", hidden=4, options=FEW)
    assert both.time_derivative(X) == pytest.approx(same.time_derivative(X), abs=1e-6)


def test_a_seed_gives_the_same_fit_again():
    one, two, other = (hnn.fit(X, T, "hnn", hidden=4, options=FEW, seed=seed).hamiltonian(X) for seed in (0, 0, 1))
    assert np.array_equal(one, two)
    assert not np.array_equal(one, other)


@pytest.mark.parametrize(
    ("x", "t", "arguments", "message"),
    [
        (X[:, :1], T, {}, r"x, run 0: has the shape \(240, 1\), must be \(time, 2n\)"),
        (X[0], T, {}, r"has the shape \(2,\)"),
        (X, T[:-1], {}, r"t, run 0: has the shape \(239,\), must be \(240,\)"),
        ([X, X], [T], {}, "t: given times of 1 runs, x has 2"),
        (np.where(X[3] == X, np.nan, X), T, {}, "x, run 0: row 3 is not finite"),
        (X, T[::-1], {}, "t, run 0: row 1 is not later"),
        (X[:5], T[:5], {}, "no 8 rows in use without a gap"),
        (X, T, {"model": "nonsense"}, "models: given 'nonsense'"),
        (X, T, {"model": "features_hnn"}, "fitted to derivatives in closed form"),
        (X, T, {"width": 3}, "width: no argument of dissipative_hnn; allowed: hidden"),
    ],
)
def test_what_cannot_be_fitted_is_refused_in_one_line(x, t, arguments, message):
    with pytest.raises(Refused, match=message) as error:
        hnn.fit(x, t, **arguments)
    assert "\n" not in str(error.value)
