"""Trained cells, for use outside the pipeline: `hnn.load`."""

from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from hnn.core.phase_space import Field
from hnn.files import artifacts, paths
from hnn.integrators.solve import Solver, rollout
from hnn.models.base import Model, make_model

__all__ = ["Trained", "load", "load_members", "path_of"]


@dataclass(frozen=True)
class Trained:
    """One trained network, in float64: a field like any other."""

    network: Model

    @property
    def separable(self) -> bool:
        """Whether explicit splittings apply."""
        return self.network.separable

    def frozen(self) -> Field:
        """See `Model.frozen`."""
        return self.network.frozen()

    @torch.no_grad()
    def time_derivative(self, x: Tensor) -> Tensor:
        """dx/dt, shape (*batch, 2n), at states (*batch, 2n)."""
        return self.network.time_derivative(torch.as_tensor(x, dtype=torch.float64))

    @torch.no_grad()
    def hamiltonian(self, x: Tensor) -> Tensor:
        """The learned energy up to a constant, shape (*batch,); an AttributeError if the model has none."""
        if not hasattr(self.network, "hamiltonian"):
            raise AttributeError(f"{type(self.network).__name__} learns no energy; a model that does: hnn")
        energy: Tensor = self.network.hamiltonian(torch.as_tensor(x, dtype=torch.float64))  # type: ignore[operator]
        return energy

    def rollout(self, x0: Tensor, t: Tensor, integrator: str = "dop853", step: float = 0.01) -> Tensor:
        """The learned motion at the times t (time,) from x0 (*batch, 2n): (*batch, time, 2n). See `integrators.rollout`."""
        x0, t = (torch.as_tensor(value, dtype=torch.float64) for value in (x0, t))
        return rollout(self, x0, t, Solver(integrator, step))


def load_members(path: Path) -> list[Model]:
    """The networks of all seeds of a cell, in float64 and not to be trained further."""
    weights, about = artifacts.read_weights(path)
    members = []
    for state in weights:
        network = make_model(**about, generator=torch.Generator())
        network.load_state_dict(state)
        members.append(network.double().eval().requires_grad_(False))
    return members


def path_of(task: str, model: str, root: str | Path) -> Path:
    """The weights of a cell of the project in the folder `root`, which must be there."""
    path = Path(root) / paths.weights_path(task, model)
    if not path.is_file():
        cells = ", ".join(sorted(file.stem for file in path.parent.glob("*.safetensors"))) or "none; run `make repro`"
        raise FileNotFoundError(f"no trained cell {task}-{model} in {path.parent.resolve()}; there: {cells}")
    return path


def load(task: str, model: str, *, seed: int = 0, root: str | Path = ".") -> Trained:
    """The trained cell task × model of the project in the folder `root`; `seed` chooses one of its fits."""
    members = load_members(path_of(task, model, root))
    if not 0 <= seed < len(members):
        raise ValueError(f"seed: given {seed}, allowed: 0 to {len(members) - 1}")
    return Trained(members[seed])
