"""`hnn.fit` on arrays: NumPy in and out, saved and loaded, in SciPy's solver; what is wrong is refused in one line."""

import pickle

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


def test_the_field_is_the_time_derivative_in_numpy(model):
    assert model.field(0.0, X[3]) == pytest.approx(model.time_derivative(X[3]), abs=1e-12)
    assert model.field(0.0, X[:7].T) == pytest.approx(model.time_derivative(X[:7]).T, abs=1e-12)
    with pytest.raises(ValueError, match="x: 3 components, must be 2"):
        model.field(0.0, np.zeros(3))


def test_a_model_is_pickled_even_after_its_field_was_used(model):
    model.field(0.0, X[0])
    again = pickle.loads(pickle.dumps(model))
    assert np.array_equal(again.field(0.0, X[0]), model.field(0.0, X[0]))
    assert again.about == model.about


def test_score_is_1_for_the_own_motion_and_lower_for_another(model):
    own = model.rollout(X[0], T)
    assert model.score(own, T) == pytest.approx(1, abs=1e-6)
    assert model.score([own, own[:50]], [T, T[:50]]) == pytest.approx(1, abs=1e-6)
    assert 0.9 < model.score(X, T) < 1
    assert model.score(X, 3 * T) < 0.5
    assert model.score(np.stack([own[:50], own[:50]]), T[:50]) == model.score(own[:50], T[:50])


def test_a_damped_oscillator_with_uneven_times_and_a_gap_is_recovered():
    """Of frequency 3 and friction 0.2, in units of 100; a run that was not fitted is predicted, but not without friction."""
    random, rate = np.random.default_rng(0), complex(-0.1, np.sqrt(9 - 0.01))
    t = np.sort(random.uniform(0, 12, 300))
    t = t[((t < 5) | (t > 6.2)) & np.append(True, np.diff(t) > 1e-3)]
    z = 100 * np.exp(rate * t)
    x = np.stack([z.real, (rate * z).real], -1)
    options = RecordingOptions(steps=150, segments=(0.3, 1.0), iterations=8)
    model = hnn.fit(x, t, "dissipative_hnn", hidden=8, options=options)
    times = np.linspace(0, 8, 90)
    held_out = 60 * np.exp(rate * times + 1j)
    expected = np.stack([held_out.real, (rate * held_out).real], -1)
    assert model.score(expected, times) > 0.95
    conservative = hnn.fit(x, t, "hnn", hidden=8, options=options)
    assert conservative.score(expected, times) < 0.9


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
        (X, T, {"mass_matrix": "constant", "model": "hnn"}, "mass_matrix: no argument of hnn"),
        (X, T, {"mass_matrix": "round", "model": "mechanical_hnn"}, "mass_matrix: given 'round', must be 'of_position' or"),
        (X, T, {"hidden": 0}, "hidden: given 0, must be greater than 0"),
        (X, T, {"layers": -1}, "layers: given -1, must be greater than 0"),
        (X, T, {"activation": "step"}, "activation: given 'step', must be 'tanh'"),
        (X, T, {"options": RecordingOptions(steps=0)}, "steps: given 0, must be greater than 0"),
        (X, T, {"options": RecordingOptions(segments=(-1.0,))}, r"segments\.0: given -1\.0, must be greater than 0"),
        (X, T, {"period": -1.0}, r"period: given -1\.0, must be a positive number of seconds"),
        (X, T, {"period": np.nan}, "period: given nan, must be a positive"),
        (X, T, {"model": "invariant_hnn"}, "there is only one; give their number, such as bodies=2"),
        (X, T, {"model": "invariant_hnn", "bodies": 0}, "bodies: given 0, must be a positive whole number"),
        (X, T, {"model": "invariant_hnn", "bodies": 2}, "bodies: given 2, must divide the 1 positions"),
        ([X, np.hstack([X, X])], T, {}, "x, run 1: has 4 columns, must be 2, as in run 0"),
        ([["1", "2"]] * 20, T[:20], {}, "x, run 0: must be an array of real numbers"),
        ([[1.0, 2.0], [1.0]], T[:2], {}, "x, run 0: must be an array of real numbers, whose rows have the same length"),
        (X + 0j, T, {}, "x, run 0: must be an array of real numbers"),
        (X, T.astype("datetime64[s]"), {}, "t: must be an array of real numbers"),
        (X, "0.1", {}, "t: must be an array of real numbers"),
        (X, 0.0, {}, "t, run 0: row 1 is not later"),
        (np.ones_like(X), T, {}, "x: position 0 is 1 in all rows"),
        ([], [], {}, r"x, run 0: has the shape \(0,\)"),
    ],
)
def test_what_cannot_be_fitted_is_refused_in_one_line(x, t, arguments, message):
    with pytest.raises(Refused, match=message) as error:
        hnn.fit(x, t, **arguments)
    assert "\n" not in str(error.value)
