"""Probes, which read true states from latent states; their score, and the error of latents as canonical coordinates.

The linear probe is that of the published protocol. Latent states are a smooth function of the true ones and no linear one, so
most of its error is its own. The error of a polynomial probe, chosen by cross-validation, is small beside that of rollouts.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations_with_replacement

import numpy as np
from numpy import ndarray

from hnn.core.phase_space import canonical_matrix

__all__ = ["PENALTIES", "READABLE", "Probe", "canonical_error", "score", "symetric"]

READABLE, CANONICAL = 0.9, 0.05
"""R² below which a probe does not read the states, and error up to which latents count as canonical (Higgins et al. 2021)."""

DEGREES = range(1, 6)
"""Total degrees of the polynomials that cross-validation chooses from; higher ones err far outside of the training data."""
PENALTIES = (1e-12, 1e-10, 1e-8, 1e-6, 1e-4)
"""Ridge penalties that it chooses from, relative to the mean square of each monomial."""
FOLDS = 5
"""Parts of the clips, each predicted from the others."""
MOST_TERMS, POINTS_PER_TERM = 500, 10
"""Most monomials of a polynomial, and fewest states for each of them."""

Term = tuple[int, ...]
"""A monomial as the indices of its factors: (0, 0, 1) is u₀² u₁."""


@dataclass(frozen=True)
class Probe:
    """x ≈ P(z), a polynomial from latent states (…, k) to true ones (…, 2n), fitted by penalised least squares."""

    degree: int
    mean: ndarray
    """Mean of each latent unit, (k,)."""
    std: ndarray
    """Standard deviation of each latent unit, (k,)."""
    coefficients: ndarray
    """Of each monomial of the standardised latents, (terms, 2n)."""

    @classmethod
    def linear(cls, z: ndarray, x: ndarray) -> "Probe":
        """The linear probe of latent states (clips, time, k) and the true states (clips, time, 2n) at the same times."""
        return cls.fit(z, x, [1], [0.0])

    @classmethod
    def cross_validated(cls, z: ndarray, x: ndarray) -> "Probe":
        """The probe whose degree and penalty predict best those clips that it is not fitted to."""
        points, units = z[..., 0].size, z.shape[-1]
        allowed = min(MOST_TERMS, points // POINTS_PER_TERM)
        return cls.fit(z, x, [degree for degree in DEGREES if degree == 1 or len(terms(units, degree)) <= allowed], PENALTIES)

    @classmethod
    def fit(cls, z: ndarray, x: ndarray, degrees: Sequence[int], penalties: Sequence[float]) -> "Probe":
        """The probe of the degree and penalty with the least error in cross-validation, see `cross_validated`.

        Neighbouring times of a clip are alike, so whole clips are left out. Errors are relative to the variance of each
        coordinate.
        """
        mean, std, offset = z.mean((0, 1)), z.std((0, 1)), x.mean((0, 1))
        std[std == 0] = 1.0  # a unit that is constant
        known = terms(z.shape[-1], max(degrees))
        features, targets = monomials((z - mean) / std, known), (x - offset) / x.std((0, 1))
        folds = [NormalEquations.of(features[fold::FOLDS], targets[fold::FOLDS]) for fold in range(min(FOLDS, len(z)))]
        whole = NormalEquations.sum(folds)
        candidates = []
        for degree in degrees:
            count = len(terms(z.shape[-1], degree))
            errors = np.sum([fold.errors(whole.without(fold).solve(count, penalties)) for fold in folds], axis=0)
            candidates += [(error, degree, count, penalty) for error, penalty in zip(errors, penalties, strict=True)]
        _, degree, count, penalty = min(candidates)
        coefficients = whole.solve(count, [penalty])[0] * x.std((0, 1))
        coefficients[0] += offset
        return cls(degree, mean, std, coefficients)

    def __call__(self, z: ndarray) -> ndarray:
        """The states predicted from latent states (…, k): (…, 2n)."""
        return monomials((z - self.mean) / self.std, terms(z.shape[-1], self.degree)) @ self.coefficients


@dataclass(frozen=True)
class NormalEquations:
    """Sums over points of the products of monomials with each other and with targets, which determine a polynomial fit."""

    gram: ndarray
    """(terms, terms)."""
    products: ndarray
    """(terms, targets)."""
    squares: float
    """Sum of the squares of all targets."""

    @classmethod
    def of(cls, features: ndarray, targets: ndarray) -> "NormalEquations":
        """The sums over features (…, terms) and targets (…, targets)."""
        flat, target = features.reshape(-1, features.shape[-1]), targets.reshape(-1, targets.shape[-1])
        return cls(flat.T @ flat, flat.T @ target, float(np.square(target).sum()))

    @classmethod
    def sum(cls, parts: Sequence["NormalEquations"]) -> "NormalEquations":
        """The sums over all points of several parts."""
        gram, products = (np.sum([getattr(part, name) for part in parts], axis=0) for name in ("gram", "products"))
        return cls(gram, products, sum(part.squares for part in parts))

    def without(self, part: "NormalEquations") -> "NormalEquations":
        """The sums over the points that are not in a part."""
        return NormalEquations(self.gram - part.gram, self.products - part.products, self.squares - part.squares)

    def solve(self, count: int, penalties: Sequence[float]) -> list[ndarray]:
        """The coefficients (count, targets) of the first `count` monomials, for each ridge penalty."""
        size = np.sqrt(self.gram.diagonal()[:count])
        size[size == 0] = 1.0
        values, vectors = np.linalg.eigh(self.gram[:count, :count] / np.outer(size, size))
        projected = vectors.T @ (self.products[:count] / size[:, None])
        shrunk = np.maximum(values, np.finfo(float).eps)[:, None]  # rounding may leave a singular matrix with negative values
        return [vectors @ (projected / (shrunk + penalty)) / size[:, None] for penalty in penalties]

    def errors(self, solutions: Sequence[ndarray]) -> list[float]:
        """The sum of squared errors of each of several fits (count, targets) on these points."""
        found = []
        for c in solutions:
            m = len(c)
            found.append(self.squares + float(np.sum(c * (self.gram[:m, :m] @ c - 2 * self.products[:m]))))
        return found


def terms(variables: int, degree: int) -> list[Term]:
    """The monomials of total degree at most `degree`, by degree.

    >>> terms(2, 2)
    [(), (0,), (1,), (0, 0), (0, 1), (1, 1)]
    """
    return [term for d in range(degree + 1) for term in combinations_with_replacement(range(variables), d)]


def monomials(u: ndarray, known: Sequence[Term]) -> ndarray:
    """The values (…, terms) of monomials of u (…, variables), in the order of `terms`."""
    values: dict[Term, ndarray] = {(): np.ones(u.shape[:-1])}
    for term in known:
        if term:
            values[term] = values[term[:-1]] * u[..., term[-1]]
    return np.stack([values[term] for term in known], axis=-1)


def derivatives(u: ndarray, known: Sequence[Term], i: int) -> ndarray:
    """The derivatives (…, terms) of monomials with respect to the variable u[…, i]."""
    values = dict(zip(known, np.moveaxis(monomials(u, known), -1, 0), strict=True))
    zero = np.zeros(u.shape[:-1])
    found = []
    for term in known:
        n, at = term.count(i), term.index(i) if i in term else 0
        found.append(n * values[term[:at] + term[at + 1 :]] if n else zero)
    return np.stack(found, axis=-1)


def score(probed: ndarray, x: ndarray) -> float:
    """R² of the worst component, 1 - Σ|x̂ - x|²/Σ|x - x̄|², over states (…, 2n) that the probe was not fitted to."""
    axes = tuple(range(x.ndim - 1))
    return float((1 - np.square(probed - x).sum(axes) / np.square(x - x.mean(axes)).sum(axes)).min())


def symetric(r2: ndarray, canonical_error: ndarray) -> ndarray:
    """1 where states can be read from latents by a polynomial and the latents are canonical, else 0: SyMetric.

    After Higgins, Wirnsberger, Jaegle, Botev 2021 (arXiv:2111.05986), by our measure of canonical coordinates.
    """
    return ((r2 > READABLE) & (canonical_error < CANONICAL)).astype(float)


def canonical_error(x: ndarray, z: ndarray, degree: int = 5) -> float:
    """Error of latents as canonical coordinates: RMS over states of ‖Mᵀ J M - c J‖/‖c J‖, M = ∂z/∂x.

    M is the derivative of the least-squares polynomial of total degree `degree` from the true states x (…, 2n) to the latent
    states z (…, k). A change of coordinates is canonical up to a constant c where Mᵀ J M = c J everywhere; c, the mean
    bracket, is only a choice of units (Goldstein, section 9.4). For one degree of freedom and two latents the error is the
    standard deviation of the Poisson bracket {q̂, p̂} over its mean.
    """
    states, latents = x.reshape(-1, x.shape[-1]), z.reshape(-1, z.shape[-1])
    mean, std = states.mean(0), states.std(0)
    u, known = (states - mean) / std, terms(states.shape[1], degree)
    coefficients = np.linalg.lstsq(monomials(u, known), latents, rcond=None)[0]
    m = np.stack([derivatives(u, known, i) @ coefficients / std[i] for i in range(len(std))], axis=-1)  # (states, k, 2n)
    latent_j, true_j = (canonical_matrix(k // 2).double().numpy() for k in (latents.shape[1], states.shape[1]))
    bracket = np.swapaxes(m, 1, 2) @ latent_j @ m
    c = float(np.einsum("sij,ij->s", bracket, true_j).mean() / np.square(true_j).sum())
    return float(np.sqrt(np.square(bracket - c * true_j).sum((1, 2)).mean() / np.square(c * true_j).sum()))
