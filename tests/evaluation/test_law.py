"""Formulas for planted energies: found where they are in the library, refused where they are not."""

import json
from dataclasses import dataclass

import numpy as np
import pytest
import torch
from conftest import FunctionField, network, observed, starts_of, truth_of

from hnn.core.law import FITS, Law
from hnn.core.phase_space import symplectic_gradient
from hnn.datasets.simulation import true_motion
from hnn.evaluation.law import best_formula, learned_law, library, true_coefficients
from hnn.evaluation.rollouts import Reference, scales
from hnn.files.metrics import check_rollout
from hnn.integrators.solve import Solver
from hnn.reporting.formatting import formula

PLANTED = {
    "mass_spring": {"q²": 1.0, "p²": 1.0},
    "pendulum": {"(1 - cos q)": 3.0, "p²": 1.0},
    "damped_pendulum": {"(1 - cos q)": 1.2, "p²": 0.5},
    "two_body": {"|p1|²": 0.5, "|p2|²": 0.5, "1/|q1 - q2|": -1.0},
}


@dataclass(frozen=True)
class Planted:
    """A field with a given energy, in the place of a model."""

    energy: object
    conservative: bool = True

    def hamiltonian(self, x):
        return self.energy(x)

    def time_derivative(self, x):
        return symplectic_gradient(self.energy, x)


def law_of(members, task="pendulum"):
    """The law of some fields on the training states of a task."""
    truth = truth_of(task)
    motion = true_motion(truth, starts_of(task, 3), torch.linspace(0, 4, 20), 1e-10)
    data = observed(task, trajectories=20, points=20)
    x = torch.from_numpy(data.x).flatten(0, 1)
    return learned_law(members, x, Reference(truth, motion, scales(truth, members, [data])), Solver(tolerance=1e-9))


@pytest.mark.parametrize(("task", "expected"), PLANTED.items())
def test_learned_law_of_the_exact_energy_is_the_true_formula(task, expected):
    truth = truth_of(task)
    found = law_of([Planted(truth.hamiltonian, truth.conservative)] * 2, task)
    assert {name: one.mean for name, one in found.coefficients.items()} == pytest.approx(expected)
    assert found.true == pytest.approx(expected)
    assert found.field_r2.mean == pytest.approx(1)
    assert found.r2.mean == pytest.approx(1)
    assert bool(found.errors) == truth.conservative
    if truth.conservative:
        assert found.errors["energy_error"].mean < 1e-6
        assert found.errors["coordinate_error"].mean < 1e-6


@pytest.mark.parametrize("task", ["pendulum", "two_body"])
def test_learned_law_of_an_energy_outside_the_library_does_not_fit(task):
    found = law_of([Planted(lambda x: torch.sin(9 * x).sum(-1) + torch.tanh(20 * x[..., 0]))] * 2, task)
    assert not found.fits
    assert found.field_r2.mean < FITS
    assert found.true == pytest.approx(PLANTED[task])  # in its own terms
    assert formula(found).startswith("no short formula fits")


def test_the_true_energy_is_no_formula_where_it_is_outside_the_library():
    x = torch.linspace(-1, 1, 50, dtype=torch.float64).reshape(-1, 2)
    chosen = library(1, 1)[:1]
    assert true_coefficients(Planted(lambda x: torch.sin(9 * x).sum(-1)), chosen, library(1, 1), x) is None


def test_learned_law_has_no_term_for_a_small_ripple_and_the_spread_of_coefficients_over_seeds():
    members = [
        Planted(lambda x, s=s: (1 + s) * x[..., 1] ** 2 + 3 * (1 - x[..., 0].cos()) + 0.01 * (5 * x).sin().sum(-1))
        for s in (-0.02, 0.0, 0.02)
    ]
    found = law_of(members)
    assert list(found.coefficients) == ["(1 - cos q)", "p²"]
    kinetic = found.coefficients["p²"]
    assert kinetic.mean == pytest.approx(1, abs=0.01)
    assert np.diff(kinetic.seeds) == pytest.approx([0.02, 0.02], abs=1e-3)
    assert kinetic.low < 0.99 < 1.01 < kinetic.high


def test_learned_law_prefers_the_terms_that_all_seeds_share():
    """One of two springs bends like a cosine, the other as much the other way: together they are straight."""
    soft, hard = (Planted(lambda x, c=c: x[..., 1] ** 2 + x[..., 0] ** 2 + c * x[..., 0] ** 4) for c in (-1 / 12, 1 / 12))
    assert list(law_of([soft, soft], "mass_spring").coefficients) == ["(1 - cos q)", "p²"]
    assert list(law_of([soft, hard], "mass_spring").coefficients)[:2] == ["q²", "p²"]


def test_learned_law_is_none_for_models_without_an_energy():
    assert law_of([network("baseline").double()] * 2) is None
    assert law_of([FunctionField(lambda x: x)] * 2) is None
    assert law_of([Planted(truth_of("pendulum").hamiltonian), Planted(lambda x: x.sum(-1) * torch.inf)]) is None


def test_learned_law_of_untrained_networks_has_a_json_entry_that_reads_back():
    for members in (
        [network("hnn", seed=seed).double() for seed in range(2)],
        [Planted(truth_of("pendulum").hamiltonian)] * 2,
    ):
        found = law_of(members)
        entry = json.loads(json.dumps(found.to_json()))
        assert Law.parse(entry) == found
        check_rollout({"law": entry})
        for damaged in (entry | {"terms": []}, entry | {"r2": 0.5}, {"terms": entry["terms"]}):
            with pytest.raises(ValueError, match="law"):
                check_rollout({"law": damaged})


@pytest.mark.parametrize(("degrees", "bodies"), [(1, 1), (2, 1), (4, 2), (6, 3), (6, 2)])
def test_library_terms_have_distinct_names_and_independent_fields(degrees, bodies):
    found = library(degrees, bodies)
    assert len({term.name for term in found}) == len(found)
    x = torch.randn(400, 2 * degrees, generator=torch.Generator().manual_seed(0))
    fields = torch.stack([symplectic_gradient(term.energy, x).flatten() for term in found], 1)
    fields = fields / fields.norm(dim=0)
    assert torch.linalg.matrix_rank(fields, rtol=1e-6) == len(found)
    for term in found:
        assert term.energy(x).shape == (400,)


def test_best_formula_has_terms_of_two_coupled_coordinates():
    terms = library(2, 1)
    x = torch.randn(300, 4, generator=torch.Generator().manual_seed(0))
    found = best_formula([lambda x: x[..., 2:].square().sum(-1) / 2 + 2 * (1 - (x[..., 0] - x[..., 1]).cos())], terms, x)
    assert [term.name for term in found.terms] == ["p1²", "p2²", "(1 - cos(q1 - q2))"]
    assert found.coefficients[0] == pytest.approx([0.5, 0.5, 2.0])
