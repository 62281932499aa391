"""Models in the units of a recording: networks see states and times without units, of the size of 1."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy import ndarray
from torch import Tensor

from hnn.core.phase_space import Field
from hnn.models.base import Model, make_model
from hnn.networks.mlp_numpy import NumpyField

__all__ = ["Scaled", "ScaledHamiltonian", "Units", "in_units", "make_scaled_model"]


@dataclass(frozen=True)
class Units:
    """The transformation x = centre + size x', t = time t' to states x' and times t' without units.

    The products of a position's and its momentum's size are one action A for all degrees of freedom, so that the
    transformation is canonical up to a factor: dx'/dt' = J ∇H'(x') and dx/dt = J ∇H(x) with H = H' A / time.
    """

    centre: ndarray
    """(2n,)."""
    size: ndarray
    """(2n,)."""
    time: float
    """In seconds."""

    @classmethod
    def of(cls, x: ndarray, dx: ndarray) -> "Units":
        """The units in which states x and their derivatives, both (points, 2n), are of the size of 1.

        The centre of momenta is 0.
        """
        q, p = np.split(x, 2, axis=-1)
        q_std, p_std = (np.where(std > 0, std, 1.0) for std in (q.std(0), p.std(0)))
        action = np.exp(np.log(q_std * p_std).mean())
        q_size = np.sqrt(action * q_std / p_std)
        size = np.concatenate([q_size, action / q_size])
        rate = np.sqrt(np.square(dx / size).mean())
        return cls(np.concatenate([q.mean(0), np.zeros_like(q_std)]), size, float(1 / rate) if rate > 0 else 1.0)

    def without(self, x: ndarray) -> ndarray:
        """x' of states x (…, 2n)."""
        return np.asarray((x - self.centre) / self.size)


class Scaled(Model):
    """A model of x' as a model of x: see `Units`."""

    def __init__(self, inner: Model, units: Units) -> None:
        super().__init__()
        self.inner = inner
        for name, value in (("centre", units.centre), ("size", units.size), ("time", np.array(units.time))):
            self.register_buffer(name, torch.from_numpy(np.array(value, float)))

    @property
    def separable(self) -> bool:  # type: ignore[override]
        """True if the inner model is."""
        return self.inner.separable

    @property
    def conservative(self) -> bool:  # type: ignore[override]
        """True if the inner model is."""
        return self.inner.conservative

    def without_units(self, x: Tensor) -> Tensor:
        """x', shaped like x (*batch, 2n)."""
        return (x - self.get_buffer("centre")) / self.get_buffer("size")

    def with_units(self, dx: Tensor) -> Tensor:
        """dx/dt of dx'/dt', both (*batch, 2n)."""
        return dx * (self.get_buffer("size") / self.get_buffer("time"))

    def time_derivative(self, x: Tensor) -> Tensor:
        return self.with_units(self.inner.time_derivative(self.without_units(x)))

    def dissipation(self, x: Tensor) -> Tensor | None:
        dissipation = self.inner.dissipation(self.without_units(x))
        return None if dissipation is None else self.with_units(dissipation)

    def frozen(self) -> Field:
        inner = self.inner.frozen()
        centre, size, time = (self.get_buffer(name).cpu().double().numpy() for name in ("centre", "size", "time"))
        if not isinstance(inner, NumpyField):
            return self
        return NumpyField(lambda x: inner.function((x - centre) / size) * (size / time))


class ScaledHamiltonian(Scaled):
    """The same of a model that learns an energy."""

    def hamiltonian(self, x: Tensor) -> Tensor:
        """The learned energy H = H' A / time, shape (*batch,), of states (*batch, 2n)."""
        energy: Tensor = self.inner.hamiltonian(self.without_units(x))  # type: ignore[operator]
        size = self.get_buffer("size")
        return energy * (size[0] * size[len(size) // 2] / self.get_buffer("time"))


def in_units(inner: Model, units: Units) -> Scaled:
    """A model of states without units as one of states with them."""
    return (ScaledHamiltonian if hasattr(inner, "hamiltonian") else Scaled)(inner, units)


def make_scaled_model(name: str, degrees: int, *, generator: torch.Generator, scaled: int = 0, **arguments: Any) -> Model:
    """`hnn.models.base.make_model`; if `scaled` is 1 in units that are part of its weights."""
    model = make_model(name, degrees, generator=generator, **arguments)
    if not scaled:
        return model
    return in_units(model, Units(np.zeros(2 * degrees), np.ones(2 * degrees), 1.0))
