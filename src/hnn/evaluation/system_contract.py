"""The contract of a system: what the pipeline relies on, as checks of its code at sampled states.

A check compares what the class states with what follows from its H(q, p) or from an accurate rollout. The tests of the project
run all checks on each system of hnn.systems, `python -m hnn test` on a system of one's own.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from inspect import signature
from math import pi
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from hnn.core.errors import Refused
from hnn.core.phase_space import join, rotate, split
from hnn.core.registry import describe_exception
from hnn.integrators.solve import Solver, rollout
from hnn.systems.base import System

__all__ = ["ARGUMENTS", "CHECKS", "Case", "Check", "Outcome", "finite_gradient", "outcomes", "sampling_options"]

ARGUMENTS = {"low": 0.2, "high": 1.0, "speed_spread": 0.1, "angle": 0.5, "speed": 1.0}
"""Arguments at which distributions of initial states are tried; `OTHER` for arguments of other names."""
OTHER = 0.5

POINTS = 61
"""Times in a period at which motions are compared."""
TIGHT = Solver(tolerance=1e-12, evaluations=20_000)
ROUNDING = 1e-9
"""Relative difference of numbers that are equal but for rounding."""
CONSTANT = 1e-8
"""Relative change of a conserved quantity along a motion solved by `TIGHT`."""
TURN, TURN_WITH_FRICTION = 1e-6, 0.1
"""Deviations from one turn in a period: friction delays the motion, which `period` does not have to include."""


@dataclass(frozen=True)
class Case:
    """A system with its constants, and initial states of its motions (starts, 2n) in float64; at least two."""

    system: System
    starts: Tensor
    options: Mapping[str, float] = field(default_factory=dict)
    """Arguments of distributions of initial states, over `ARGUMENTS`."""

    @cached_property
    def near(self) -> Tensor:
        """States (starts, 2n) near the starts without their symmetry: a tenth of their size away."""
        noise = torch.randn(self.starts.shape, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
        return self.starts + 0.1 * size(self.starts) * noise

    @cached_property
    def period(self) -> Tensor:
        """The period (starts,) of each start; raises `Refused` if it is no positive number."""
        period = self.system.period(self.starts)
        if not bool((period > 0).all() and period.isfinite().all()):
            raise Refused(f"the period of a start is {float(period[~((period > 0) & period.isfinite())][0]):.3g} s")
        return period

    @cached_property
    def motion(self) -> Tensor:
        """The motions (starts, time, 2n) over the period of each start; raises `Refused` if they cannot be followed."""
        x = rollout(InPeriods(self.system, self.period), self.starts, torch.linspace(0, 1, POINTS, dtype=torch.float64), TIGHT)
        if not bool(x.isfinite().all()):
            raise Refused("a motion from a start cannot be followed for a period: it grows beyond bounds, or the field jumps")
        return x


@dataclass(frozen=True)
class InPeriods:
    """A system with the time of each start in units of its period (starts,)."""

    system: System
    period: Tensor

    def time_derivative(self, x: Tensor) -> Tensor:
        """dx/d(t/T), shape (starts, 2n)."""
        return self.system.time_derivative(x) * self.period[:, None]


@dataclass(frozen=True)
class Check:
    """A statement on systems, and the function that looks for a contradiction."""

    name: str
    holds: str
    problem: Callable[[Case], str | None]
    """What was found instead, in words; None if the statement holds."""
    applies: Callable[[Case], bool] = lambda _: True


@dataclass(frozen=True)
class Outcome:
    """The result of a check: whether it applies to the system, and what was found instead of what must hold."""

    check: Check
    applies: bool
    problem: str | None = None


def outcomes(case: Case, checks: "tuple[Check, ...] | None" = None) -> list[Outcome]:
    """The outcome of each check, in the default type float32 as in the pipeline; an exception of a system is a problem."""
    with default_float32():
        return [outcome(check, case) for check in checks or CHECKS]


@torch.no_grad()
def outcome(check: Check, case: Case) -> Outcome:
    """The outcome of one check."""
    try:
        return Outcome(check, True, check.problem(case)) if check.applies(case) else Outcome(check, False)
    except Exception as error:  # of the system's code
        code = type(case.system).hamiltonian.__code__
        return Outcome(check, True, describe_exception(error, Path(code.co_filename)))


@contextmanager
def default_float32() -> Iterator[None]:
    """PyTorch's default type float32 within the block."""
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float32)
    try:
        yield
    finally:
        torch.set_default_dtype(before)


def check_shapes(case: Case) -> str | None:
    """Compare shapes, types and finiteness of all values at single states and batches of one and two dimensions."""
    system, n = case.system, 2 * case.system.degrees
    if case.starts.shape[-1] != n:
        return f"a start has {case.starts.shape[-1]} components, 2 · degrees is {n}"
    functions: dict[str, tuple[Callable[[Tensor], Tensor | None], tuple[int, ...]]] = {
        "hamiltonian": (system.hamiltonian, ()),
        "period": (system.period, ()),
        "dissipation": (system.dissipation, (n,)),
        "time_derivative": (system.time_derivative, (n,)),
        "plane": (system.plane, (2,)),
    }
    six = case.near[torch.arange(6) % len(case.near)]
    for batch in ((), (3,), (2, 3)):
        x = six.reshape(2, 3, n)[(0,) * (2 - len(batch))]
        for name, (function, own) in functions.items():
            before = x.clone()
            value = function(x)
            if not torch.equal(before, x):
                return f"{name} changes the states that it is given"
            if value is None and name in ("dissipation", "plane"):
                continue
            if not isinstance(value, Tensor):
                return f"{name} returns {type(value).__name__}, must be a tensor"
            if value.shape != (*batch, *own):
                return f"{name} of states {tuple(x.shape)} has the shape {tuple(value.shape)}, must be {(*batch, *own)}"
            if value.dtype != torch.float64:
                return f"{name} of states in float64 is in {str(value.dtype).removeprefix('torch.')}"
            if not bool(value.isfinite().all()):
                return f"{name} is not finite at {describe(x[~value.isfinite().reshape(*batch, -1).all(-1)])}"
    return None


def check_batch(case: Case) -> str | None:
    """Compare values at a state alone with those in a batch."""
    for name in ("hamiltonian", "period", "dissipation", "time_derivative", "plane"):
        function = getattr(case.system, name)
        together = function(case.near)
        for i, x in enumerate(case.near if together is not None else ()):
            difference = float((function(x) - together[i]).abs().max() / (together.abs().max() + TINY))
            if not difference < ROUNDING:
                return f"{name} at a state alone differs from that in a batch by {difference:.2g} of its size"
    return None


def check_gradient(case: Case) -> str | None:
    """Compare the field with J ∇H by central differences, plus dissipation."""
    expected = rotate(finite_gradient(case.system.hamiltonian, case.near, 1e-4 * size(case.near)))
    friction = case.system.dissipation(case.near)
    expected = expected if friction is None else expected + friction
    return within(case.system.time_derivative(case.near), expected, 1e-7, "dx/dt differs from J ∇H by central differences")


def check_energy(case: Case) -> str | None:
    """Follow the energy along a motion: constant, or with friction never rising."""
    system = case.system
    friction = system.dissipation(case.near)
    if (friction is None) is not system.conservative:
        return f"conservative is {system.conservative}, dissipation is {'None' if friction is None else 'given'}"
    if friction is not None:
        gradient = finite_gradient(system.hamiltonian, case.near, 1e-4 * size(case.near))
        rate = (gradient * friction).sum(-1)
        if bool((rate > ROUNDING * rate.abs().max()).any()):
            return f"friction adds energy: dH/dt is {float(rate.max()):.2g} J/s at {describe(case.near[rate == rate.max()])}"
    energy = system.hamiltonian(case.motion)
    change = energy - energy[:, :1]
    scale = energy.abs().max() + TINY
    if friction is None:
        worst = float(change.abs().max() / scale)
        return None if worst < CONSTANT else f"H changes by {worst:.2g} of its size along a motion without friction"
    rise = float(energy.diff(dim=-1).max() / scale)
    if rise > CONSTANT:
        return f"H rises by {rise:.2g} of its size along a motion with friction"
    return None if bool((change[:, -1] < 0).all()) else "H does not fall along a motion with friction"


def check_reversal(case: Case) -> str | None:
    """Integrate from the end of a motion backward to its start."""
    t = torch.tensor([1.0, 0.0], dtype=torch.float64)
    back = rollout(InPeriods(case.system, case.period), case.motion[:, -1], t, TIGHT)[:, -1]
    return within(back, case.starts, 1e-6, "integrated back from its end, a motion misses its start")


def check_period(case: Case) -> str | None:
    """Count the turns of a motion about the origin of its plane in a period."""
    plane = case.system.plane(case.motion)
    if plane is None:
        return None if bool((case.period > 0).all()) else "a period is not positive"
    angle = np.unwrap(torch.atan2(*plane.unbind(-1)).numpy(), axis=-1)
    turns = np.abs(angle[:, -1] - angle[:, 0]) / (2 * pi)
    worst = turns[np.abs(turns - 1).argmax()]
    if abs(worst - 1) < (TURN if case.system.conservative else TURN_WITH_FRICTION):
        return None
    return f"in its period a motion turns {worst:.7g} times; correct period, or return None in plane if it does not circle"


def check_separable(case: Case) -> str | None:
    """Compare H(q₁, p₁) + H(q₂, p₂) with H(q₁, p₂) + H(q₂, p₁), which are equal for every T(p) + V(q)."""
    H, (q, p) = case.system.hamiltonian, split(case.near)
    q2, p2 = q.roll(1, 0), p.roll(1, 0)
    terms = torch.stack([H(join(q, p)), H(join(q2, p2)), -H(join(q, p2)), -H(join(q2, p))])
    worst = float((terms.sum(0).abs() / (terms.abs().amax(0) + TINY)).max())
    if worst < ROUNDING:
        return None
    return f"H(q, p) is no sum T(p) + V(q): exchanging momenta changes sums of H by {worst:.2g} of it; set separable = False"


@torch.enable_grad()
def check_invariants(case: Case) -> str | None:
    """Follow each invariant along the field."""
    x = case.near.clone().requires_grad_()
    dx = case.system.time_derivative(case.near).detach()
    for name, value in case.system.invariants(x).items():
        if value.dim() != 2 or len(value) != len(x):
            return f"{name} of states {tuple(x.shape)} has the shape {tuple(value.shape)}, must be ({len(x)}, components)"
        for component in value.unbind(-1):
            (gradient,) = torch.autograd.grad(component.sum(), x, retain_graph=True)
            rate = (gradient * dx).sum(-1).abs() / (gradient.norm(dim=-1) * dx.norm(dim=-1) + TINY)
            if float(rate.max()) > ROUNDING:
                return f"{name} changes along the motion, at {float(rate.max()):.2g} of the greatest possible rate"
    return None


def check_solution(case: Case) -> str | None:
    """Compare the closed solution with a rollout."""
    t = torch.linspace(0, float(case.period.max()), 11, dtype=torch.float64)
    exact, found = case.system.solution(case.starts, t), rollout(case.system, case.starts, t, TIGHT)
    if exact is None or exact.shape != found.shape:
        shape = None if exact is None else tuple(exact.shape)
        return f"solution has the shape {shape}, must be {tuple(found.shape)}"
    return within(exact, found, CONSTANT, "solution differs from an accurate rollout")


def check_momentum(case: Case) -> str | None:
    """Compare momenta with those recovered from the velocities ∂H/∂p."""
    q, p = split(case.near)
    velocity, _ = split(rotate(finite_gradient(case.system.hamiltonian, case.near, 1e-4 * size(case.near))))
    momentum = case.system.momentum
    found = [(momentum(q, velocity), p), (momentum(q[0], velocity[0]), p[0])]  # a batch, and a single state
    problems = [within(one, true, 1e-6, "momentum(q, dq/dt) differs from p") for one, true in found]
    return problems[0] or problems[1]


def check_bodies(case: Case) -> str | None:
    """Exchange the equal bodies."""
    system = case.system
    if system.degrees % system.equal_bodies:
        return f"equal_bodies {system.equal_bodies} does not divide degrees {system.degrees}"
    bodies = torch.unflatten(case.near, -1, (2, system.equal_bodies, -1)).roll(1, -2).flatten(-3)
    return within(system.hamiltonian(bodies), system.hamiltonian(case.near), ROUNDING, "H changes when bodies are exchanged")


def check_sampling(case: Case) -> str | None:
    """Draw from each distribution of initial states."""
    for shape in case.system.shapes:
        options = sampling_options(case.system, shape, case.options)
        called = f"{shape}({', '.join(f'{key}={value:g}' for key, value in options.items())})"
        a, again, other = (case.system.sample(np.random.default_rng(seed), 5, shape, **options) for seed in (0, 0, 1))
        if a.shape != (5, 2 * case.system.degrees) or a.dtype != torch.float64:
            return f"{called} draws 5 states as {a.dtype} {tuple(a.shape)}, must be float64 {(5, 2 * case.system.degrees)}"
        if not torch.equal(a, again) or torch.equal(a, other):
            return f"{called} must draw from `generator` alone: equal seeds give equal states, others give others"
        values = case.system.hamiltonian(a), case.system.time_derivative(a)
        if not all(bool(value.isfinite().all()) for value in (a, *values)):
            return f"{called} draws states that are not finite, or at which H or dx/dt is not"
    return None


def sampling_options(system: System, shape: str, options: Mapping[str, float]) -> dict[str, float]:
    """A value for each argument of a distribution of initial states: of `options`, else of `ARGUMENTS`, else `OTHER`."""
    names = list(signature(getattr(system, shape)).parameters)[2:]  # after generator, count
    return {name: options.get(name, ARGUMENTS.get(name, OTHER)) for name in names}


def is_quadratic(case: Case) -> bool:
    """True if H is quadratic in p: its third differences along p vanish."""
    q, p = split(case.near)
    terms = [weight * case.system.hamiltonian(join(q, k * p)) for k, weight in enumerate((-1.0, 3.0, -3.0, 1.0))]
    total = torch.stack(terms)
    return bool((total.sum(0).abs() < ROUNDING * (total.abs().amax(0) + TINY)).all())


@torch.no_grad()
def finite_gradient(function: Callable[[Tensor], Tensor], x: Tensor, h: float = 1e-5) -> Tensor:
    """∇f at states (*batch, k) by central differences of fourth order, of step h."""
    columns = []
    for e in torch.eye(x.shape[-1], dtype=x.dtype):
        near, far = (function(x + k * h * e) - function(x - k * h * e) for k in (1, 2))
        columns.append((8 * near - far) / (12 * h))
    return torch.stack(columns, dim=-1)


TINY = 1e-300
"""Keeps a ratio of zeros finite."""


def size(x: Tensor) -> float:
    """The root mean square of the components of states."""
    return float(x.square().mean().sqrt())


def within(value: Tensor, expected: Tensor, bound: float, sentence: str) -> str | None:
    """None if the values agree to `bound` of the largest expected one, else the sentence with the difference."""
    if value.shape != expected.shape:
        return f"the shape {tuple(value.shape)} is given, must be {tuple(expected.shape)}"
    worst = float((value - expected).abs().max() / (expected.abs().max() + TINY))
    return None if worst < bound else f"{sentence} by {worst:.2g} of its size"


def describe(x: Tensor) -> str:
    """The first of some states in words."""
    return f"x = ({', '.join(f'{value:.3g}' for value in x.reshape(-1, x.shape[-1])[0].tolist())})"


CHECKS = (
    Check("shapes", "Values are finite float64 tensors of the right shape at single states and batches.", check_shapes),
    Check("batch", "Values at a state do not depend on the other states of a batch.", check_batch),
    Check("gradient", "dx/dt is J ∇H plus dissipation, compared with central differences of H.", check_gradient),
    Check("energy", "H is constant along a motion; with friction it falls, and nowhere friction adds energy.", check_energy),
    Check(
        "reversal",
        "Integrated back in time from its end, a motion returns to its start.",
        check_reversal,
        lambda case: case.system.conservative,
    ),
    Check(
        "period",
        "A motion turns once in its plane per period (with friction to a tenth), which is positive.",
        check_period,
    ),
    Check(
        "separable",
        "H(q, p) = T(p) + V(q), as `separable` says.",
        check_separable,
        lambda case: case.system.separable,
    ),
    Check(
        "invariants",
        "Each of `invariants` is constant along a motion.",
        check_invariants,
        lambda case: bool(case.system.invariants(case.near)),
    ),
    Check(
        "solution",
        "The closed solution agrees with an accurate rollout.",
        check_solution,
        lambda case: type(case.system).solution is not System.solution,
    ),
    Check("momentum", "momentum(q, dq/dt) is p, for H quadratic in p.", check_momentum, is_quadratic),
    Check("bodies", "H is the same when equal bodies are exchanged.", check_bodies, lambda case: case.system.equal_bodies > 1),
    Check("sampling", "Each of `shapes` draws finite states in float64, from its generator alone.", check_sampling),
)
"""All checks. None finds a false `chaotic`, `components` or `axes`."""
