"""The base class of physical systems: a system defines its energy, automatic differentiation gives its motion."""

import dataclasses
from abc import ABC, abstractmethod
from pathlib import Path
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor

from hnn.core import registry
from hnn.core.errors import Refused
from hnn.core.phase_space import join, symplectic_gradient

__all__ = ["System", "find_system", "load_system", "make_system"]


class System(ABC):
    """dx/dt = J ∇H(x) + dissipation(x), with constants as dataclass fields.

    Systems do not depend on solvers. Subclasses are frozen dataclasses, one per file of `hnn.systems`; the docstring of each
    states H, its units and its relation to the published one.

    >>> pendulum = make_system("pendulum", mass=0.5, length=1.0, gravity=6.0)
    >>> x = torch.tensor([torch.pi / 2, 1.0], dtype=torch.float64)
    >>> pendulum.time_derivative(x).tolist()  # dq/dt = p/(m l²), dp/dt = -m g l sin q
    [2.0, -3.0]
    """

    degrees: ClassVar[int]
    """Number n of positions: states have 2n components."""
    equal_bodies: ClassVar[int] = 1
    """Number of equal bodies whose positions, one after the other, are the n positions; 1 for a system of no such bodies."""
    separable: ClassVar[bool] = False
    """True if H(q, p) = T(p) + V(q) and forces depend on q alone, as explicit splittings need."""
    chaotic: ClassVar[bool] = False
    """True if neighbouring motions diverge exponentially, so that no model can follow one beyond a limited time."""
    components: ClassVar[str] = "positions, then momenta"
    """Names and units of the 2n components of a state, in order."""
    shapes: ClassVar[tuple[str, ...]] = ("ring", "box")
    """Names of the initial distributions that `sample` draws from: methods of the class."""
    axes: ClassVar[tuple[str, str]] = ("position q in m", "momentum p in kg m/s")
    """Axis labels of q and p in figures, with units."""

    @abstractmethod
    def hamiltonian(self, x: Tensor) -> Tensor:
        """Energy in joules, shape (*batch,), of states (*batch, 2n)."""

    @abstractmethod
    def period(self, x: Tensor) -> Tensor:
        """Period in seconds of the motion through x, shape (*batch,): the unit of time in which horizons are quoted."""

    def plane(self, x: Tensor) -> Tensor | None:
        """Two coordinates, shape (*batch, 2), in which the motion circles the origin once per period.

        By default (q, p) of a system with one degree of freedom, at rest at the origin; None if there is no such plane.
        """
        return x if self.degrees == 1 else None

    def invariants(self, x: Tensor) -> dict[str, Tensor]:
        """Quantities beside the energy that the true motion conserves, by name: each of shape (*batch, components)."""
        return {}

    def dissipation(self, x: Tensor) -> Tensor | None:
        """The part of dx/dt that is not Hamiltonian, shape (*batch, 2n); None for an ideal system."""
        return None

    def solution(self, x0: Tensor, t: Tensor) -> Tensor | None:
        """The exact solution, shape (*batch, time, 2n), from x0 (*batch, 2n); None if no closed form is known."""
        return None

    def time_derivative(self, x: Tensor) -> Tensor:
        """dx/dt, shape (*batch, 2n)."""
        ideal = symplectic_gradient(self.hamiltonian, x)
        dissipation = self.dissipation(x)
        return ideal if dissipation is None else ideal + dissipation

    def momentum(self, q: Tensor, velocity: Tensor) -> Tensor:
        """The momenta p (*batch, n) at which ∂H/∂p is the velocity dq/dt (*batch, n), for H quadratic in p.

        The solution of M⁻¹(q) p = dq/dt - ∂H/∂p(q, 0), M⁻¹ = ∂²H/∂p².
        """
        at_rest = torch.zeros_like(q)
        with torch.enable_grad():
            p = at_rest.clone().requires_grad_()
            (slope,) = torch.autograd.grad(self.hamiltonian(join(q, p)).sum(), p, create_graph=True)
            rows = [torch.autograd.grad(slope[..., i].sum(), p, retain_graph=True)[0] for i in range(self.degrees)]
        return torch.linalg.solve(torch.stack(rows, dim=-2), velocity - slope.detach())

    @property
    def conservative(self) -> bool:
        """True if H is constant along the true motion."""
        return self.dissipation(torch.zeros(2 * self.degrees)) is None

    def sample(self, generator: np.random.Generator, count: int, shape: str, **options: float) -> Tensor:
        """`count` initial states in float64, shape (count, 2n), from the initial distribution named `shape`."""
        if shape not in self.shapes:
            raise ValueError(f"shape: given {shape!r}, allowed for {type(self).__name__}: {', '.join(self.shapes)}")
        return torch.from_numpy(getattr(self, shape)(generator, count, **options))

    def ring(self, generator: np.random.Generator, count: int, low: float, high: float) -> np.ndarray:
        """x = r u/|u|, u uniform in the cube [-1, 1]²ⁿ and r uniform in [low, high] (Greydanus et al. 2019)."""
        u = generator.uniform(-1, 1, (count, 2 * self.degrees))
        r = generator.uniform(low, high, (count, 1))
        return r * u / np.linalg.norm(u, axis=-1, keepdims=True)

    def box(self, generator: np.random.Generator, count: int, low: float, high: float) -> np.ndarray:
        """Components with independent random signs and absolute values uniform in [low, high]."""
        shape = (count, 2 * self.degrees)
        return generator.choice([-1.0, 1.0], shape) * generator.uniform(low, high, shape)


def make_system(name: str | None = None, *, file: str | None = None, **constants: float) -> System:
    """The system of hnn/systems/<name>.py, or of the project's systems/<file>, with the given constants.

    Raises `Refused` as `find_system` does.

    >>> make_system("mass_spring", mass=0.5, stiffness=2.0).frequency
    2.0
    """
    return find_system(name, file)(**constants)


def find_system(name: str | None = None, file: str | None = None) -> type[System]:
    """The class of hnn/systems/<name>.py, or of the project's systems/<file>, whose code is executed.

    Raises `Refused` for an unknown name, for a file outside that folder or one that `load_system` refuses, and for both.
    """
    if file is None:
        return registry.find("systems", str(name), System)  # type: ignore[type-abstract]
    if name is not None:
        raise Refused(f"given name {name!r} and file {file!r}; allowed: one of them")
    return load_system(registry.source_of("systems", file=file))


def load_system(path: Path) -> type[System]:
    """The system that a file of any place defines; its code is executed.

    Raises `Refused` in one line if there is no such file, its code fails, or it does not define exactly one system: a frozen
    dataclass with `degrees`, `hamiltonian` and `period`.
    """
    if not path.is_file():
        others = ", ".join(sorted(one.name for one in path.parent.glob("*.py"))) or "no Python file"
        raise Refused(f"{path}: there is no such file; its folder has {others}")
    system = registry.load(path, System)  # type: ignore[type-abstract]
    if problem := problem_of(system):
        raise Refused(f"{path}: {system.__name__}{problem}")
    return system


def problem_of(system: type[System]) -> str | None:
    """The first thing that a class lacks to be a system, as the end of an error message; None if it is complete."""
    parameters = vars(system).get("__dataclass_params__")
    if parameters is None or not parameters.frozen:
        return " is not a frozen dataclass; write @dataclass(frozen=True) above it"
    if lacking := sorted(system.__abstractmethods__):
        return f" lacks {' and '.join(lacking)}"
    degrees = getattr(system, "degrees", None)
    if not isinstance(degrees, int) or degrees < 1:
        return f".degrees: given {degrees!r}, must be the number of positions: degrees: ClassVar[int] = 1"
    if taken := {"name", "file"} & {field.name for field in dataclasses.fields(system)}:  # type: ignore[arg-type]
        return f".{taken.pop()}: a constant must have another name, this is a key of params.yaml"
    if missing := [shape for shape in system.shapes if not callable(getattr(system, shape, None))]:
        return f".shapes: given {missing[0]!r}, which is no method of it"
    return None
