"""Systems that break the contract, each found by the check of what it breaks; systems that keep it in unusual ways."""

from dataclasses import dataclass
from math import pi, sqrt
from typing import ClassVar

import numpy as np
import pytest
import torch
from torch import Tensor

from hnn.core.phase_space import join, split
from hnn.evaluation.system_contract import CHECKS, Case, finite_gradient, outcomes, sampling_options
from hnn.systems.base import System


@dataclass(frozen=True)
class Spring(System):
    """H = p²/2 + k q²/2, which keeps the contract."""

    degrees: ClassVar[int] = 1
    separable: ClassVar[bool] = True
    stiffness: float = 2.0

    def hamiltonian(self, x: Tensor) -> Tensor:
        return x[..., 1] ** 2 / 2 + self.stiffness * x[..., 0] ** 2 / 2

    def period(self, x: Tensor) -> Tensor:
        return torch.full_like(x[..., 0], 2 * pi / sqrt(self.stiffness))


class Damped(Spring):
    def dissipation(self, x):
        q, p = split(x)
        return join(torch.zeros_like(q), -0.05 * p)


class Pair(Spring):
    """Two equal bodies on springs of their own, whose centre moves as one."""

    degrees = 2
    equal_bodies = 2

    def hamiltonian(self, x):
        return x[..., 2:].square().sum(-1) / 2 + self.stiffness * x[..., :2].square().sum(-1) / 2


class Magnetic(Spring):
    """A charge in a plane and a magnetic field: H is neither separable nor even in p."""

    degrees = 2
    separable = False

    def hamiltonian(self, x):
        a = torch.stack([-x[..., 1], x[..., 0]], -1)
        return (x[..., 2:] - a).square().sum(-1) / 2

    def invariants(self, x):
        return {"angular momentum": (x[..., 0] * x[..., 3] - x[..., 1] * x[..., 2])[..., None]}


class Relativistic(Spring):
    """H = √(1 + p²) + q²/2, not quadratic in p, whose period has no closed form here."""

    def hamiltonian(self, x):
        return torch.sqrt(1 + x[..., 1] ** 2) + x[..., 0] ** 2 / 2

    def plane(self, x):
        return None


class DependsOnTheBatch(Spring):
    def hamiltonian(self, x):
        return super().hamiltonian(x) + 0.01 * x[..., 0] * x[..., 0].mean()


class PeriodTwiceTooLong(Spring):
    def period(self, x):
        return 2 * super().period(x)


class PeriodHalf(Damped):
    def period(self, x):
        return super().period(x) / 2


class PeriodSlightlyWrong(Spring):
    def period(self, x):
        return 1.001 * super().period(x)


class PeriodNegative(Relativistic):
    def period(self, x):
        return -super().period(x)


class FrictionAddsEnergy(Damped):
    def dissipation(self, x):
        return -super().dissipation(x)


class FrictionAddsEnergySomewhere(Damped):
    def dissipation(self, x):
        return super().dissipation(x) * torch.where(x[..., :1] > 0, 1.0, -0.2)


class FieldOfItsOwn(Spring):
    def time_derivative(self, x):
        return super().time_derivative(x) * torch.tensor([1.0, -1.0], dtype=x.dtype)


class FieldWithHiddenFriction(Spring):
    def time_derivative(self, x):
        return super().time_derivative(x) - 0.01 * x


class Cut(Spring):
    """A force that automatic differentiation does not see."""

    def hamiltonian(self, x):
        return super().hamiltonian(x) + x[..., 0].detach() ** 4


class NotSeparable(Spring):
    def hamiltonian(self, x):
        return super().hamiltonian(x) + 0.01 * x[..., 0] * x[..., 1]

    def plane(self, x):
        return None


class NotInvariant(Pair):
    def invariants(self, x):
        return {"momentum": x[..., 2:].sum(-1, keepdim=True)}


class InvariantWithoutComponents(Magnetic):
    def invariants(self, x):
        return {"angular momentum": super().invariants(x)["angular momentum"][..., 0]}


class WrongSolution(Spring):
    def solution(self, x0, t):
        return x0[..., None, :] * torch.cos(sqrt(self.stiffness) * t)[:, None]


class UnequalBodies(Pair):
    def hamiltonian(self, x):
        return super().hamiltonian(x) + 0.1 * x[..., 0] ** 2


class ThreeBodiesInTwoPositions(Pair):
    equal_bodies = 3


class SinglePrecision(Spring):
    def hamiltonian(self, x):
        return super().hamiltonian(x).float()


class PeriodInTheDefaultType(Spring):
    def period(self, x):
        return torch.full(x.shape[:-1], 2 * pi / sqrt(self.stiffness))


class OneBatchDimension(Spring):
    def hamiltonian(self, x):
        return x[:, 1] ** 2 / 2 + self.stiffness * x[:, 0] ** 2 / 2


class EnergyKeepsAComponent(Spring):
    def hamiltonian(self, x):
        return super().hamiltonian(x)[..., None]


class NotFinite(Spring):
    def hamiltonian(self, x):
        return super().hamiltonian(x) + 0.1 * torch.log(x[..., 0])


class ChangesItsInput(Spring):
    def period(self, x):
        x *= 1.0 + 1e-9
        return super().period(x)


class WrongMomentum(Spring):
    def momentum(self, q, velocity):
        return 2 * velocity


class Raises(Spring):
    def plane(self, x):
        raise KeyError("no plane")


class OwnRandomNumbers(Spring):
    def ring(self, generator, count, low, high):
        return np.random.default_rng().uniform(low, high, (count, 2))


class DrawsTooMany(Spring):
    def box(self, generator, count, low, high):
        return generator.uniform(low, high, (count, 3))


class DrawsSinglePrecision(Spring):
    def box(self, generator, count, low, high):
        return super().box(generator, count, low, high).astype(np.float32)


class DrawsOutsideTheDomain(Spring):
    shapes = ("ring", "far")

    def hamiltonian(self, x):
        return super().hamiltonian(x) + torch.where(x[..., 0] > 2, torch.inf, 0.0)

    def far(self, generator, count, reach):
        return generator.uniform(5, 5 + reach, (count, 2))


KEPT = [Spring, Damped, Pair, Magnetic, Relativistic]
BROKEN = {
    DependsOnTheBatch: ("batch", "hamiltonian at a state alone differs"),
    PeriodTwiceTooLong: ("period", "turns 2 times"),
    PeriodHalf: ("period", "turns 0.49991"),
    PeriodSlightlyWrong: ("period", "turns 1.001"),
    PeriodNegative: ("period", "the period of a start is -4.44 s"),
    FrictionAddsEnergy: ("energy", "friction adds energy"),
    FrictionAddsEnergySomewhere: ("energy", "friction adds energy"),
    FieldOfItsOwn: ("gradient", "differs from J ∇H"),
    FieldWithHiddenFriction: ("energy", "H changes by"),
    Cut: ("gradient", "differs from J ∇H"),
    NotSeparable: ("separable", "no sum T"),
    NotInvariant: ("invariants", "momentum changes along the motion"),
    InvariantWithoutComponents: ("invariants", "must be (4, components)"),
    WrongSolution: ("solution", "differs from an accurate rollout"),
    UnequalBodies: ("bodies", "H changes when bodies are exchanged"),
    ThreeBodiesInTwoPositions: ("bodies", "equal_bodies 3 does not divide degrees 2"),
    SinglePrecision: ("shapes", "hamiltonian of states in float64 is in float32"),
    PeriodInTheDefaultType: ("shapes", "period of states in float64 is in float32"),
    OneBatchDimension: ("shapes", "IndexError"),
    EnergyKeepsAComponent: ("shapes", "has the shape (1,), must be ()"),
    NotFinite: ("shapes", "hamiltonian is not finite at x = ("),
    ChangesItsInput: ("shapes", "period changes the states"),
    WrongMomentum: ("momentum", "differs from p"),
    Raises: ("shapes", "KeyError: 'no plane'"),
    OwnRandomNumbers: ("sampling", "must draw from `generator` alone"),
    DrawsTooMany: ("sampling", "must be float64 (5, 2)"),
    DrawsSinglePrecision: ("sampling", "as torch.float32"),
    DrawsOutsideTheDomain: ("sampling", "far(reach=0.5) draws states"),
}


def case(kind):
    """A system of this class, and starts about the origin."""
    system = kind()
    return Case(system, torch.from_numpy(np.random.default_rng(0).uniform(-1, 1, (4, 2 * system.degrees))))


@pytest.mark.parametrize("kind", KEPT)
def test_a_correct_system_passes_every_check(kind):
    assert [(one.check.name, one.problem) for one in outcomes(case(kind)) if one.problem] == []


@pytest.mark.parametrize("kind", BROKEN, ids=lambda kind: kind.__name__)
def test_a_wrong_system_fails_the_check_of_what_is_wrong(kind):
    name, text = BROKEN[kind]
    (check,) = (check for check in CHECKS if check.name == name)
    (found,) = outcomes(case(kind), (check,))
    assert text in found.problem
    assert "\n" not in found.problem


def test_every_check_but_of_time_finds_a_planted_system():
    """`reversal` fails with others alone: a field that automatic differentiation gives can be integrated back."""
    assert {check.name for check in CHECKS} - {name for name, _ in BROKEN.values()} == {"reversal"}


def test_checks_of_what_is_not_claimed_do_not_apply():
    applied = {one.check.name for one in outcomes(case(Relativistic)) if one.applies}
    assert applied == {"shapes", "batch", "gradient", "energy", "reversal", "period", "separable", "sampling"}


def test_outcomes_leave_the_default_type_of_pytorch_as_it_was():
    outcomes(case(Spring))
    assert torch.get_default_dtype() == torch.float64


def test_sampling_options_are_the_given_ones_then_the_usual_ones():
    assert sampling_options(Spring(), "ring", {"low": 0.7, "other": 1.0}) == {"low": 0.7, "high": 1.0}
    assert sampling_options(DrawsOutsideTheDomain(), "far", {}) == {"reach": 0.5}


def test_finite_gradient_is_of_fourth_order():
    x = torch.tensor([[0.3, 1.0], [2.0, -1.0]])
    for h, bound in ((0.1, 1e-4), (0.05, 1e-4 / 15)):
        error = finite_gradient(lambda x: torch.sin(x).sum(-1), x, h) - torch.cos(x)
        assert error.abs().max() < bound
