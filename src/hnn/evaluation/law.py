"""Short formulas for a learned energy: few terms of a library whose linear combination has nearly the same vector field.

H is known up to a constant, and its values along nearly circular orbits hardly tell kinetic from potential energy; its field
does. So coefficients are fitted to J ∇H, by least squares over the training states, as in the sparse regression of dynamics
(Brunton, Proctor, Kutz 2016, PNAS 113:3932). All subsets of the terms are tried: greedy selection would only approximate it.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Any

import numpy as np
import torch
from numpy import ndarray
from torch import Tensor

from hnn.core import device
from hnn.core.law import FITS, LAW_ERRORS, MOST_TERMS, Law
from hnn.core.phase_space import split, symplectic_gradient
from hnn.core.statistics import Interval, interval
from hnn.evaluation.evaluate import state_metrics, summarise
from hnn.evaluation.rollouts import Members, Reference, roll
from hnn.integrators.solve import Solver
from hnn.models.base import conserve
from hnn.parallel.mapping import ParallelMap, serial_map
from hnn.systems.base import System

__all__ = ["Formula", "Selection", "Term", "best_formula", "learned_law", "library"]

WORTH = 0.002
"""Least share of the mean square of the learned field that a further term must add."""
MOST_STATES = 2000
"""Most training states that a formula is fitted to."""
EXACT = 1 - 1e-9
"""Share of the field above which the true energy is in the span of the terms."""
ROUNDING = 1e-9
"""Coefficients of the true energy below this part of the largest are rounding errors of zero."""

Energy = Callable[[Tensor], Tensor]
"""A function of states (*batch, 2n), such as an energy (*batch,)."""


@dataclass(frozen=True)
class Term:
    """One term of a formula."""

    name: str
    energy: Energy


Functions = Mapping[str, Callable[[Tensor], Tensor]]
"""Functions of a number by their names, in which {} stands for its name."""

MOMENTUM: Functions = {"{}": lambda p: p, "{}²": torch.square, "{}⁴": lambda p: p**4}
POSITION: Functions = {**MOMENTUM, "(1 - cos {})": lambda q: 1 - q.cos(), "sin {}": torch.sin}
DISTANCE: Functions = {
    "1/{}": torch.reciprocal,
    "1/{}²": lambda r: r**-2,
    "log {}": torch.log,
    "{}": lambda r: r,
    "{}²": torch.square,
}
KINETIC: Functions = {"|{}|²": lambda p: p.square().sum(-1), "|{}|⁴": lambda p: p.square().sum(-1) ** 2}
"""Functions of the momentum of a body, a vector."""


def library(degrees: int, bodies: int) -> list[Term]:
    """The terms that a formula may have, for n degrees of freedom or for the positions of several bodies.

    Powers, cosines, sines and products; of bodies, powers of their momenta and functions of the distances between them. Not
    products of the momenta of two bodies: where the total momentum is zero, their fields are those of kinetic energies.

    >>> [term.name for term in library(1, 1)]
    ['q', 'q²', 'q⁴', '(1 - cos q)', 'sin q', 'p', 'p²', 'p⁴', 'q p']
    """
    return of_bodies(degrees // bodies, bodies) if bodies > 1 else of_coordinates(degrees)


def terms(functions: Functions, name: str, number: Energy) -> list[Term]:
    """The functions of one number of the state."""

    def of_number(function: Callable[[Tensor], Tensor]) -> Energy:
        return lambda x: function(number(x))

    return [Term(pattern.format(name), of_number(function)) for pattern, function in functions.items()]


def of_coordinates(degrees: int) -> list[Term]:
    """Terms of each coordinate, and products of two of them; of two positions also the cosine of their difference."""

    def component(i: int) -> Energy:
        return lambda x: x[..., i]

    def product(i: int, j: int) -> Energy:
        return lambda x: x[..., i] * x[..., j]

    def cosine(i: int, j: int) -> Energy:
        return lambda x: 1 - (x[..., i] - x[..., j]).cos()

    names = [f"{letter}{i + 1 if degrees > 1 else ''}" for letter in "qp" for i in range(degrees)]
    q, p = range(degrees), range(degrees, 2 * degrees)
    found = []
    for i, j in zip(q, p, strict=True):
        found += terms(POSITION, names[i], component(i)) + terms(MOMENTUM, names[j], component(j))
        found.append(Term(f"{names[i]} {names[j]}", product(i, j)))
    found += [Term(f"{names[i]} {names[j]}", product(i, j)) for half in (q, p) for i, j in combinations(half, 2)]
    return found + [Term(f"(1 - cos({names[i]} - {names[j]}))", cosine(i, j)) for i, j in combinations(q, 2)]


def of_bodies(dimensions: int, bodies: int) -> list[Term]:
    """Terms of the momentum of each body, and of the distance between two of them."""

    def vectors(half: Tensor) -> Tensor:
        """Positions or momenta (*batch, bodies, dimensions)."""
        return half.unflatten(-1, (bodies, dimensions))

    def momentum(a: int) -> Energy:
        return lambda x: vectors(split(x)[1])[..., a, :]

    def distance(a: int, b: int) -> Energy:
        return lambda x: torch.linalg.vector_norm(vectors(split(x)[0])[..., a, :] - vectors(split(x)[0])[..., b, :], dim=-1)

    found = [term for a in range(bodies) for term in terms(KINETIC, f"p{a + 1}", momentum(a))]
    pairs = combinations(range(bodies), 2)
    return found + [term for a, b in pairs for term in terms(DISTANCE, f"|q{a + 1} - q{b + 1}|", distance(a, b))]


@dataclass(frozen=True)
class Formula:
    """H = Σ cᵢ termᵢ, a field like a system or a model."""

    terms: Sequence[Term]
    coefficients: ndarray
    """(terms,)."""

    def hamiltonian(self, x: Tensor) -> Tensor:
        """The energy (*batch,) of states (*batch, 2n)."""
        total = torch.zeros_like(x[..., 0])
        for c, term in zip(self.coefficients.tolist(), self.terms, strict=True):
            total = total + c * term.energy(x)
        return total

    def time_derivative(self, x: Tensor) -> Tensor:
        """J ∇H (*batch, 2n)."""
        return symplectic_gradient(self.hamiltonian, x)


@dataclass(frozen=True)
class Selection:
    """The terms that explain the fields of several energies best, with the coefficients of each."""

    terms: list[Term]
    coefficients: ndarray
    """(energies, terms)."""
    field_r2: ndarray
    """Share of the mean square of each field that is explained, (energies,)."""

    @property
    def formulas(self) -> list[Formula]:
        """The formula of each energy."""
        return [Formula(self.terms, row) for row in self.coefficients]


def best_formula(energies: Sequence[Energy], among: Sequence[Term], x: Tensor) -> Selection:
    """The best formula `among` some terms for all energies together at states x (points, 2n).

    Of each number of terms up to `MOST_TERMS`, those that explain the largest mean share of the fields; as many as are `WORTH`
    it.
    """
    fields, a = fields_of(energies, x), fields_of([term.energy for term in among], x)
    size = np.sqrt(np.square(a).sum(0))
    gram, moments = (a / size).T @ (a / size), (a / size).T @ (fields / np.sqrt(np.square(fields).sum(0)))
    best: list[int] = []
    unexplained = 1.0
    for count in range(1, min(MOST_TERMS, len(among)) + 1):
        subsets = np.array(list(combinations(range(len(among)), count)))
        solved = np.linalg.pinv(gram[subsets[:, :, None], subsets[:, None, :]], hermitian=True) @ moments[subsets]
        explained = (moments[subsets] * solved).sum(1).mean(-1)
        rest = 1 - float(explained.max())
        if best and unexplained - rest < WORTH:
            break
        best, unexplained = subsets[explained.argmax()].tolist(), rest
    return fit([among[i] for i in best], a[:, best], fields)


def fields_of(energies: Sequence[Energy], x: Tensor) -> ndarray:
    """J ∇H of each energy at states x (points, 2n), as columns (2n points, energies)."""
    return torch.stack([symplectic_gradient(energy, x).flatten() for energy in energies], 1).detach().cpu().numpy()


def fit(terms: list[Term], a: ndarray, fields: ndarray) -> Selection:
    """The least-squares coefficients of given terms, whose fields are the columns of `a`, for each column of `fields`."""
    coefficients, *_ = np.linalg.lstsq(a, fields, rcond=None)
    rest = np.square(fields - a @ coefficients).sum(0)
    return Selection(terms, coefficients.T, 1 - rest / np.square(fields).sum(0))


def learned_law(
    members: Members,
    x: Tensor,
    reference: Reference | None = None,
    solver: Solver | None = None,
    parallel_map: ParallelMap = serial_map,
) -> Law | None:
    """The formula for the energies of all seeds of a cell at training states x (points, 2n).

    None if they learn none, or if a field is not finite. With a `reference` the true energy stands beside it, and the formula
    of each seed is rolled out along the true motion, if it explains the field and the model is conservative: a formula has no
    friction.
    """
    energies = [energy_of(member) for member in members if hasattr(member, "hamiltonian")]
    x = x[torch.randperm(len(x), generator=torch.Generator().manual_seed(0))[:MOST_STATES]]
    if not energies or not np.isfinite(fields_of(energies, x)).all():
        return None
    among = library(x.shape[-1] // 2, reference.system.equal_bodies if reference else 1)
    found = best_formula(energies, among, x)
    errors: Mapping[str, Interval] = {}
    if reference and found.field_r2.mean() >= FITS and conserve(members):
        # a formula need not be separable, as some integrators of the cell ask
        by = replace(solver or Solver(), integrator="dop853")
        rolled = roll(found.formulas, reference, by, parallel_map=parallel_map)
        errors = {name: one for name, one in summarise(state_metrics(rolled, reference)).items() if name in LAW_ERRORS}
    names = [term.name for term in found.terms]
    return Law(
        {name: interval(values[:, None]) for name, values in zip(names, found.coefficients.T, strict=True)},
        true_coefficients(reference.system, found.terms, among, x) if reference else None,
        interval(found.field_r2[:, None]),
        interval(value_r2(energies, found.formulas, x)[:, None]),
        tuple(term.name for term in among),
        errors,
    )


def true_coefficients(truth: System, chosen: list[Term], among: Sequence[Term], x: Tensor) -> dict[str, float] | None:
    """The coefficients of the true energy in the chosen terms, or else in few `among` all; None if it is no such formula."""
    fields = fields_of([truth.hamiltonian], x)
    true = fit(chosen, fields_of([term.energy for term in chosen], x), fields)
    if true.field_r2[0] < EXACT:
        true = best_formula([truth.hamiltonian], among, x)
    if true.field_r2[0] < EXACT:
        return None
    coefficients = true.coefficients[0]
    exact = np.where(np.abs(coefficients) < ROUNDING * np.abs(coefficients).max(), 0.0, coefficients)
    return {term.name: c for term, c in zip(true.terms, exact.tolist(), strict=True)}


def energy_of(member: Any) -> Energy:
    """The learned energy of states on any device, computed on that of the weights."""
    return lambda x: member.hamiltonian(x.to(device.of(member))).to(x.device)


@torch.no_grad()
def value_r2(energies: Sequence[Energy], formulas: Sequence[Formula], x: Tensor) -> ndarray:
    """R² of each formula on its energy at states x (points, 2n), both up to a constant: (energies,)."""
    pairs = [(energy(x), formula.hamiltonian(x)) for energy, formula in zip(energies, formulas, strict=True)]
    return np.array([float(1 - (energy - formula).var() / energy.var()) for energy, formula in pairs])
