"""A linear probe from latent to true states, its score, and the error of latents as canonical coordinates."""

from dataclasses import dataclass
from itertools import combinations_with_replacement

import numpy as np
from numpy import ndarray

from hnn.core.phase_space import canonical_matrix

__all__ = ["Probe", "canonical_error", "score"]


@dataclass(frozen=True)
class Probe:
    """x ≈ A z + b, the linear map from latent states (…, k) to true ones (…, 2n) that fits best in least squares."""

    matrix: ndarray  # (k + 1, 2n), the last row is b

    @classmethod
    def fit(cls, z: ndarray, x: ndarray) -> "Probe":
        """The probe of latent states (…, k) and the true states (…, 2n) at the same times."""
        return cls(np.linalg.lstsq(affine(z).reshape(-1, z.shape[-1] + 1), x.reshape(-1, x.shape[-1]), rcond=None)[0])

    def __call__(self, z: ndarray) -> ndarray:
        """The states predicted from latent states (…, k): (…, 2n)."""
        return affine(z) @ self.matrix


def affine(z: ndarray) -> ndarray:
    """z (…, k) with a last component of 1, (…, k + 1)."""
    return np.concatenate([z, np.ones_like(z[..., :1])], axis=-1)


def score(probed: ndarray, x: ndarray) -> float:
    """R² of the worst component, 1 - Σ|x̂ - x|²/Σ|x - x̄|², over states (…, 2n) that the probe was not fitted to."""
    axes = tuple(range(x.ndim - 1))
    return float((1 - np.square(probed - x).sum(axes) / np.square(x - x.mean(axes)).sum(axes)).min())


def canonical_error(x: ndarray, z: ndarray, degree: int = 5) -> float:
    """Error of latents as canonical coordinates: RMS over states of ‖Mᵀ J M - c J‖/‖c J‖, M = ∂z/∂x.

    M is the derivative of the least-squares polynomial of total degree `degree` from the true states x (…, 2n) to the latent
    states z (…, k). A change of coordinates is canonical up to a constant c where Mᵀ J M = c J everywhere; c, the mean
    bracket, is only a choice of units (Goldstein, section 9.4). For one degree of freedom and two latents the error is the
    standard deviation of the Poisson bracket {q̂, p̂} over its mean.
    """
    states, latents = x.reshape(-1, x.shape[-1]), z.reshape(-1, z.shape[-1])
    mean, size = states.mean(0), states.std(0)
    u = (states - mean) / size
    terms = [c for d in range(degree + 1) for c in combinations_with_replacement(range(u.shape[1]), d)]
    powers = np.array([[term.count(i) for i in range(u.shape[1])] for term in terms])  # (terms, 2n)
    coefficients = np.linalg.lstsq(monomials(u, powers), latents, rcond=None)[0]
    slopes = []
    for i, e in enumerate(np.eye(u.shape[1], dtype=int)):
        derivative = powers[:, i] * monomials(u, np.maximum(powers - e, 0)) / size[i]
        slopes.append(derivative @ coefficients)
    m = np.stack(slopes, axis=-1)  # (states, k, 2n)
    latent_j, true_j = (canonical_matrix(k // 2).double().numpy() for k in (latents.shape[1], states.shape[1]))
    bracket = np.swapaxes(m, 1, 2) @ latent_j @ m
    c = float(np.einsum("sij,ij->s", bracket, true_j).mean() / np.square(true_j).sum())
    return float(np.sqrt(np.square(bracket - c * true_j).sum((1, 2)).mean() / np.square(c * true_j).sum()))


def monomials(u: ndarray, powers: ndarray) -> ndarray:
    """Monomials Π uᵢ^kᵢ of states u (states, 2n), one for each row of powers (terms, 2n): (states, terms)."""
    return np.prod(u[:, None, :] ** powers, axis=-1)
