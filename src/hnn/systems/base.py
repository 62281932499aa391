"""A physical system: one writes its energy, and the equations of motion follow by automatic differentiation."""

from abc import ABC, abstractmethod
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor

from hnn.core import registry
from hnn.core.phase_space import symplectic_gradient

__all__ = ["System", "make_system"]


class System(ABC):
    """dx/dt = J ∇H(x) + dissipation(x), with constants as dataclass fields.

    A system knows no solver. Subclasses are frozen dataclasses, one per file of `hnn.systems`; each states H in its
    docstring, with units and its relation to the published one.
    """

    degrees: ClassVar[int]
    """Number n of positions: states have 2n components."""
    separable: ClassVar[bool] = False
    """Whether H(q, p) = T(p) + V(q) and forces depend on q alone, as explicit splittings need."""
    chaotic: ClassVar[bool] = False
    """Whether motions that begin side by side part exponentially, so that no model can be asked to follow one for long."""
    components: ClassVar[str] = "positions, then momenta"
    """What the 2n components of a state are, in order, with units."""
    shapes: ClassVar[tuple[str, ...]] = ("ring", "box")
    """The names of the initial distributions that `sample` draws from: methods of the class."""
    axes: ClassVar[tuple[str, str]] = ("position q in m", "momentum p in kg m/s")
    """What q and p are, with their units, as a figure names them."""

    @abstractmethod
    def hamiltonian(self, x: Tensor) -> Tensor:
        """Energy in joules, shape (*batch,), of states (*batch, 2n)."""

    @abstractmethod
    def period(self, x: Tensor) -> Tensor:
        """Period in seconds of the motion through x, shape (*batch,): the unit of time in which horizons are quoted."""

    def plane(self, x: Tensor) -> Tensor | None:
        """Two coordinates, shape (*batch, 2), in whose plane the motion goes round the origin once a period.

        (q, p) of one degree of freedom at rest at the origin; None where there is no such plane.
        """
        return x if self.degrees == 1 else None

    def dissipation(self, x: Tensor) -> Tensor | None:
        """The part of dx/dt that is not Hamiltonian, shape (*batch, 2n); None for an ideal system."""
        return None

    def solution(self, x0: Tensor, t: Tensor) -> Tensor | None:
        """The exact solution, shape (*batch, time, 2n), from x0 (*batch, 2n); None where there is no closed form."""
        return None

    def time_derivative(self, x: Tensor) -> Tensor:
        """dx/dt, shape (*batch, 2n)."""
        ideal = symplectic_gradient(self.hamiltonian, x)
        dissipation = self.dissipation(x)
        return ideal if dissipation is None else ideal + dissipation

    @property
    def conservative(self) -> bool:
        """Whether H is constant along the true motion."""
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
        """Components of independent random sign and of size uniform in [low, high]."""
        shape = (count, 2 * self.degrees)
        return generator.choice([-1.0, 1.0], shape) * generator.uniform(low, high, shape)


def make_system(name: str, **constants: float) -> System:
    """The system of hnn/systems/<name>.py with these constants."""
    return registry.find("systems", name, System)(**constants)  # type: ignore[type-abstract]
