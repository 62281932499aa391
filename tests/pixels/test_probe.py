import numpy as np
import pytest

from hnn.pixels.probe import DEGREES, Probe, canonical_error, derivatives, monomials, score, symetric, terms

GENERATOR = np.random.default_rng(0)
X = GENERATOR.uniform(-1, 1, (20, 30, 2))


def test_probe_inverts_a_linear_map_of_the_states():
    z = X @ np.array([[2.0, 0.3], [-0.5, 0.7]]) + [1.0, -3.0]
    probe = Probe.linear(z[:10], X[:10])
    assert probe(z[10:]) == pytest.approx(X[10:])
    assert score(probe(z[10:]), X[10:]) == pytest.approx(1.0)


def test_linear_probe_is_the_least_squares_fit():
    z = np.sinh(X) + 0.1 * GENERATOR.standard_normal(X.shape)
    flat = np.concatenate([z.reshape(-1, 2), np.ones((600, 1))], axis=1)
    expected = flat @ np.linalg.lstsq(flat, X.reshape(-1, 2), rcond=None)[0]
    assert Probe.linear(z, X)(z).reshape(-1, 2) == pytest.approx(expected)


def test_cross_validated_probe_inverts_a_polynomial_of_its_degrees_and_approximates_a_smooth_map():
    cubic = np.stack([X[..., 0], X[..., 1] - 0.5 * X[..., 0] ** 3], axis=-1)
    probe = Probe.cross_validated(cubic[:10], X[:10])
    assert probe(cubic[10:]) == pytest.approx(X[10:], abs=1e-5)
    smooth = np.stack([np.sin(X[..., 0]), X[..., 1] * np.cos(X[..., 0])], axis=-1)
    error, linear_error = (
        np.abs(fit(smooth[:10], X[:10])(smooth[10:]) - X[10:]).mean() for fit in (Probe.cross_validated, Probe.linear)
    )
    assert error < 0.1 * linear_error


def test_cross_validated_probe_of_noise_is_of_low_degree():
    """A polynomial of high degree fits the noise of the clips that it sees, and predicts the others worse."""
    z = X + 2 * GENERATOR.standard_normal(X.shape)
    probe = Probe.cross_validated(z[:4, :8], X[:4, :8])
    assert probe.degree < max(DEGREES)


def test_cross_validated_probe_leaves_out_whole_clips():
    """Times of a clip are equal here, so that a fit to other times of the same clips would know the answer."""
    z = np.repeat(GENERATOR.uniform(-1, 1, (20, 1, 2)), 30, axis=1)
    x = np.repeat(GENERATOR.uniform(-1, 1, (20, 1, 2)), 30, axis=1)
    assert Probe.cross_validated(z, x).degree < max(DEGREES)


def test_probe_of_a_constant_unit_ignores_it():
    z = np.concatenate([X, np.full_like(X[..., :1], 3.0)], axis=-1)
    assert Probe.cross_validated(z, X)(z) == pytest.approx(X, abs=1e-5)


def test_derivatives_are_those_of_the_monomials():
    u, known, h = GENERATOR.uniform(-1, 1, (5, 3)), terms(3, 4), 1e-6
    for i, e in enumerate(np.eye(3)):
        expected = (monomials(u + h * e, known) - monomials(u - h * e, known)) / (2 * h)
        assert derivatives(u, known, i) == pytest.approx(expected, abs=1e-8)


def test_symetric_needs_latents_that_are_read_and_canonical():
    r2, error = np.array([[0.99], [0.99], [0.5]]), np.array([[0.01], [0.2], [0.01]])
    assert symetric(r2, error).tolist() == [[1.0], [0.0], [0.0]]


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
