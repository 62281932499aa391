import numpy as np
import pytest

from hnn.pixels.probe import Probe, canonical_error, score

GENERATOR = np.random.default_rng(0)
X = GENERATOR.uniform(-1, 1, (20, 30, 2))


def test_probe_inverts_a_linear_map_of_the_states():
    z = X @ np.array([[2.0, 0.3], [-0.5, 0.7]]) + [1.0, -3.0]
    probe = Probe.fit(z[:10], X[:10])
    assert probe(z[10:]) == pytest.approx(X[10:])
    assert score(probe(z[10:]), X[10:]) == pytest.approx(1.0)


def test_score_is_that_of_the_worst_coordinate():
    wrong = X.copy()
    wrong[..., 1] = X[..., 1].mean()
    assert score(wrong, X) == pytest.approx(0.0)
    assert score(X + np.array([0.0, 0.1]) * X[..., 1].std(), X) == pytest.approx(0.99)


@pytest.mark.parametrize(
    "z",
    [
        X @ np.array([[3.0, 0.0], [0.0, 0.2]]),  # other units
        X @ np.array([[0.6, 0.8], [-0.8, 0.6]]),  # a rotation
        np.stack([X[..., 0], X[..., 1] + X[..., 0] ** 3 - X[..., 0]], -1),  # p + f(q)
        -X[..., ::-1],  # the bracket has another sign, hence other units only
    ],
)
def test_canonical_error_is_zero_for_canonical_transformations_in_any_units(z):
    assert canonical_error(X, z) < 1e-10


def test_canonical_error_is_the_relative_standard_deviation_of_the_poisson_bracket():
    q, p = X[..., 0], X[..., 1]
    z = np.stack([q + 0.2 * q**2, p], axis=-1)  # {q̂, p̂} = 1 + 0.4 q
    bracket = 1 + 0.4 * q
    assert canonical_error(X, z) == pytest.approx(bracket.std() / bracket.mean(), rel=1e-6)


def test_canonical_error_of_more_latents_than_states():
    q, p = X[..., 0], X[..., 1]
    assert canonical_error(X, np.stack([q, 0 * q, p, q], axis=-1)) < 1e-10
    assert canonical_error(X, np.stack([q + 0.2 * q**2, 0 * q, p, q], axis=-1)) > 0.1


def test_canonical_error_of_two_degrees_of_freedom():
    x = GENERATOR.uniform(-1, 1, (500, 4))
    assert canonical_error(x, x @ np.diag([2.0, 4.0, 0.5, 0.25]), degree=2) < 1e-10
    assert canonical_error(x, x @ np.diag([1.0, 2.0, 1.0, 1.0]), degree=2) == pytest.approx(1 / 3)
