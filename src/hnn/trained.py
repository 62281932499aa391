"""Trained cells for use outside the pipeline: `hnn.load`."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import torch
from numpy import ndarray
from torch import Tensor, nn

from hnn.core.cell import Cell
from hnn.core.errors import MissingFile, Refused
from hnn.core.phase_space import Field
from hnn.datasets.array_trials import trials_of_arrays
from hnn.files.artifacts import read_weights, write_weights
from hnn.files.paths import weights_path
from hnn.files.reading import corrupt
from hnn.integrators.solve import Solver, rollout
from hnn.models._scaled import make_scaled_model
from hnn.models.base import Model
from hnn.networks.mlp_numpy import NumpyField

__all__ = ["Trained", "existing_weights", "fit_of_seed", "load", "load_members", "load_networks"]

M = TypeVar("M", bound=nn.Module)
T = TypeVar("T")
States = Any
"""States as a NumPy array or a tensor."""

SUFFIX = ".safetensors"
"""The end of the name of a file of weights."""

MOST_EVALUATIONS = 100_000
"""Most evaluations of the field for one run of `Trained.score`; a run that takes more counts as diverged."""


@dataclass(frozen=True)
class Trained:
    """One trained network in float64: a vector field, and an energy if the model learns one.

    States are NumPy arrays or tensors, and results are of the same kind.
    """

    network: Model
    about: Mapping[str, Any] = field(default_factory=dict)
    """The arguments that build the network again."""

    @property
    def separable(self) -> bool:
        """True if explicit splittings apply."""
        return self.network.separable

    def frozen(self) -> Field:
        """See `Model.frozen`."""
        return self.network.frozen()

    @torch.no_grad()
    def time_derivative(self, x: States) -> States:
        """dx/dt, shape (*batch, 2n), at states (*batch, 2n)."""
        return as_given(x, self.network.time_derivative(self.states("x", x)))

    @torch.no_grad()
    def hamiltonian(self, x: States) -> States:
        """The learned energy up to a constant, shape (*batch,); an AttributeError if the model has none."""
        if not hasattr(self.network, "hamiltonian"):
            raise AttributeError(f"{self.about.get('name', 'the model')} learns no energy; a model that does: hnn")
        energy: Tensor = self.network.hamiltonian(self.states("x", x))  # type: ignore[operator]
        return as_given(x, energy)

    @torch.no_grad()
    def dissipation(self, x: States) -> States | None:
        """The learned part of dx/dt beside J ∇H, shape (*batch, 2n), such as friction; None if the model learns none."""
        dissipation = self.network.dissipation(self.states("x", x))
        return None if dissipation is None else as_given(x, dissipation)

    def rollout(self, x0: States, t: Any, integrator: str = "dop853", step: float = 0.01) -> States:
        """The learned motion at the times t (time,) from x0 (*batch, 2n): (*batch, time, 2n).

        `step`, in seconds, is for fixed-step integrators; see `hnn.integrators.solve`.
        """
        times = torch.as_tensor(t, dtype=torch.float64)
        return as_given(x0, rollout(self.network, self.states("x0", x0), times, Solver(integrator, step)))

    @cached_property
    def function(self) -> Callable[[ndarray], ndarray]:
        """The field in NumPy, dx/dt (points, 2n) of x (points, 2n), by the form of the network that is fastest."""
        frozen = self.frozen()
        if isinstance(frozen, NumpyField):
            return frozen.function

        @torch.no_grad()
        def field(x: ndarray) -> ndarray:
            """dx/dt of x, both (points, 2n)."""
            return frozen.time_derivative(torch.from_numpy(x)).numpy()

        return field

    def field(self, t: float, x: ndarray) -> ndarray:
        """dx/dt, (2n,) or (2n, points), at x of the same shape, as `scipy.integrate.solve_ivp` calls it; t is not used."""
        columns = np.asarray(x, float)
        self.check_components("x", len(columns))
        points = np.ascontiguousarray(columns.reshape(len(columns), -1).T)
        return self.function(points).T.reshape(columns.shape)

    def energy(self, x: Any) -> ndarray:
        """`hamiltonian` as a NumPy array."""
        return np.asarray(self.hamiltonian(np.asarray(x, float)))

    def save(self, path: str | Path) -> None:
        """Write the network to a .safetensors file, which `hnn.load(path)` reads."""
        path = Path(path)
        if path.suffix != SUFFIX:
            raise Refused(f"path: given {path}, must end in {SUFFIX}")
        if not self.about:
            raise Refused("the network does not know its arguments; save one that `hnn.fit` or `hnn.load` returned")
        write_weights(path, [self.network.state_dict()], self.about)

    def score(self, x: Any, t: Any) -> float:
        """R² of predicted runs: 1 minus the squared error over the squared deviation from the mean, averaged over components.

        Each run, see `trials_of_arrays`, is predicted from its first state. 1 is best, 0 is as good as the mean, and minus
        infinity says that a prediction diverges. Components that are constant are left out.
        """
        trials = trials_of_arrays(x, t)
        solver = Solver(evaluations=MOST_EVALUATIONS)
        predicted = [rollout(self.network, self.states("x", run.x[0]), torch.from_numpy(run.t), solver) for run in trials]
        states = np.concatenate([run.x for run in trials])
        error = np.square(np.concatenate([one.numpy() for one in predicted]) - states).sum(0)
        spread = np.square(states - states.mean(0)).sum(0)
        moves = spread > 0
        score = float((1 - error[moves] / spread[moves]).mean())
        return score if np.isfinite(score) else -np.inf

    def states(self, name: str, x: Any) -> Tensor:
        """States (*batch, 2n) in float64; raises `ValueError`, with the name, for another number of components."""
        given = torch.as_tensor(x, dtype=torch.float64)
        self.check_components(name, given.shape[-1] if given.dim() else 1)
        return given

    def check_components(self, name: str, count: int) -> None:
        """Raise `ValueError`, with the name, for another number of components than 2n."""
        degrees = self.about.get("degrees")
        if degrees is not None and count != 2 * degrees:
            raise ValueError(f"{name}: {count} components, must be {2 * degrees}")

    def __reduce__(self) -> tuple[type["Trained"], tuple[Model, Mapping[str, Any]]]:
        """Pickle the network and its arguments alone: `function` is made again."""
        return Trained, (self.network, self.about)


def as_given(given: Any, result: Tensor) -> Any:
    """A NumPy array if an array was given, else the tensor."""
    return result.numpy() if isinstance(given, ndarray) else result


def load(task: str | Path, model: str | None = None, *, seed: int = 0, root: str | Path = ".") -> Trained:
    """The trained cell task × model of the project in the folder `root`; `seed` chooses one of its fits.

    Or, with a path alone, the network in a .safetensors file, such as `Trained.save` writes. Raises `FileNotFoundError` for a
    cell that is not trained, `CorruptFile` for one whose file is damaged, `ValueError` for a seed that was not fitted.
    """
    if model is not None:
        path = existing_weights(Cell(str(task), model), root)
    elif (path := Path(task)).suffix != SUFFIX:
        raise Refused(f"load: given {str(task)!r} alone, must be a task and a model, or a file that ends in {SUFFIX}")
    elif not path.is_file():
        raise MissingFile(f"{path}: there is no such file")
    about = read_weights(path)[1]
    return Trained(fit_of_seed(load_members(path), seed), about)


def load_members(path: Path) -> list[Model]:
    """The networks of all seeds of a cell, in float64, without gradients."""
    return load_networks(path, make_scaled_model)


def load_networks(path: Path, make: Callable[..., M]) -> list[M]:
    """The networks of all seeds in a weights file, in float64 without gradients; `make` builds one from its metadata.

    Raises `CorruptFile` for a file that is damaged, or whose weights are not those of the network that it describes.
    """
    weights, about = read_weights(path)
    networks = []
    for seed, state in enumerate(weights):
        try:
            network = make(**about, generator=torch.Generator())
        except (TypeError, ValueError, KeyError) as error:
            raise corrupt(path, f"describes no network of this version: {error}") from None
        shapes = {name: tuple(weight.shape) for name, weight in network.state_dict().items()}
        for name in sorted(shapes.keys() | state.keys()):
            found = tuple(state[name].shape) if name in state else None
            if found != shapes.get(name):
                raise corrupt(
                    path, f"{seed}.{name} has the shape {found}, that of the network which it describes: {shapes.get(name)}"
                )
        network.load_state_dict(state)
        networks.append(network.double().eval().requires_grad_(False))
    return networks


def existing_weights(cell: Cell, root: str | Path) -> Path:
    """The weights file of a cell of the project in the folder `root`; raises `FileNotFoundError` if it is not there."""
    path = Path(root) / weights_path(cell)
    if not path.exists():
        cells = ", ".join(sorted(file.stem for file in path.parent.glob("*.safetensors"))) or "none; run `make repro`"
        raise MissingFile(f"no trained cell {cell.key} in {path.parent.resolve()}; there: {cells}")
    return path


def fit_of_seed(members: Sequence[T], seed: int) -> T:
    """The fit of one seed; raises `ValueError` for one that is not there."""
    if not 0 <= seed < len(members):
        raise ValueError(f"seed: given {seed}, allowed: 0 to {len(members) - 1}")
    return members[seed]
