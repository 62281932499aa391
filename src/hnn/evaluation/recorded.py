"""Evaluation of a model of a recording, whose true energy is unknown: rollouts beside the recorded runs."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from itertools import pairwise

import numpy as np
import torch
from numpy import ndarray

from hnn.core import device
from hnn.core.phase_space import Field
from hnn.core.trajectories import Prediction, Trial
from hnn.evaluation.flow_diagnostics import divergence
from hnn.evaluation.metrics import VALID, root_mean_square
from hnn.integrators.solve import Solver, rollout
from hnn.models.base import conserve, energies
from hnn.parallel.mapping import ParallelMap, serial_map

__all__ = ["WINDOW", "Extent", "cut", "deviation", "evaluate_recording", "friction", "predict", "quantities"]

WINDOW = 5.0
"""Length in periods of the windows of held-out trials from whose first states rollouts start."""

AT_REST = 4000
"""Number of random positions among which the lowest potential energy is sought."""


@dataclass(frozen=True)
class Extent:
    """Sizes of the training data by which errors are divided."""

    std: ndarray
    """Standard deviation of each component of the training states, (2n,)."""
    period: float
    """Characteristic period in seconds."""
    lowest: ndarray | None = None
    """Lowest learned H at rest, (seeds,), from which energies are counted; None for a model that keeps no energy."""

    @classmethod
    @torch.no_grad()
    def of(cls, members: Sequence[Field], x: ndarray, period: float) -> "Extent":
        """The sizes of training states x (points, 2n), and the members' lowest H at rest among their positions."""
        if not conserve(members):
            return cls(x.std(0), period)
        q = np.split(x, 2, axis=-1)[0]
        inside = np.random.default_rng(0).uniform(q.min(0), q.max(0), (AT_REST, q.shape[-1]))
        at_rest = torch.from_numpy(np.concatenate([inside, np.zeros_like(inside)], -1))
        learned = energies(members, [at_rest.to(device.of(member)) for member in members])
        return cls(x.std(0), period, None if learned is None else learned.amin(1).cpu().numpy())


def deviation(run: Prediction, extent: Extent, components: slice = slice(None)) -> ndarray:
    """Root mean square over components of the error in standard deviations of the training states, (seeds, time)."""
    error = (run.rollout - run.x)[..., components] / extent.std[components]
    return np.sqrt(np.square(error).mean(-1))


def cut(trial: Trial, seconds: float) -> list[Trial]:
    """Consecutive parts of a trial, `seconds` long each; the trial itself if it is shorter.

    >>> t = np.linspace(0.0, 1.0, 11)
    >>> [len(part.t) for part in cut(Trial("a", t, t[:, None], t[:, None]), 0.55)]
    [6]
    """
    count = int((trial.t[-1] - trial.t[0]) // seconds)
    if count == 0:
        return [trial]
    edges = np.searchsorted(trial.t, trial.t[0] + seconds * np.arange(count + 1) * (1 + 1e-12), side="right")
    edges[0] = 0
    parts = [trial.part(slice(a, b), f"{trial.name}, {i}") for i, (a, b) in enumerate(pairwise(edges.tolist()))]
    return [part for part in parts if len(part.t) > 1]


def evaluate_recording(
    members: Sequence[Field], trials: Sequence[Trial], extent: Extent, solver: Solver, parallel_map: ParallelMap = serial_map
) -> tuple[dict[str, Prediction], dict[str, dict[str, ndarray]]]:
    """(predictions by trial, metrics by set of runs): the complete held-out trials, `trials`, and their parts, `windows`."""
    parts = [part for trial in trials for part in cut(trial, WINDOW * extent.period)]
    sets = {"trials": trials, "windows": parts}
    predictions = {name: predict(members, runs, solver, parallel_map) for name, runs in sets.items()}
    complete = {trial.name: run for trial, run in zip(trials, predictions["trials"], strict=True)}
    return complete, {name: quantities(runs, extent) for name, runs in predictions.items()}


def predict(
    members: Sequence[Field], trials: Sequence[Trial], solver: Solver, parallel_map: ParallelMap = serial_map
) -> list[Prediction]:
    """The rollouts of all seeds from the first state of each trial, at its times."""
    runs = [(trial.t - trial.t[0], trial.x) for trial in trials]
    items = [(member, t, x) for t, x in runs for member in members]
    found = parallel_map(partial(predict_run, solver), items)
    predictions = []
    for i, (t, x) in enumerate(runs):
        of_seeds = found[i * len(members) : (i + 1) * len(members)]
        stacked = (None if of_seeds[0][k] is None else np.stack([one[k] for one in of_seeds]) for k in range(3))
        states, recorded, energy = stacked
        assert states is not None
        predictions.append(Prediction(t, x, states, recorded, energy))
    return predictions


@torch.no_grad()
def predict_run(solver: Solver, item: tuple[Field, ndarray, ndarray]) -> tuple[ndarray, ndarray | None, ndarray | None]:
    """A rollout (time, 2n) of one seed along one run, and its learned H (time,) along the run and along the rollout."""
    member, t, x = item
    recorded = torch.from_numpy(x).to(device.of(member))
    states = rollout(member, recorded[:1], torch.from_numpy(t), solver)[0]
    if not hasattr(member, "hamiltonian"):
        return states.cpu().numpy(), None, None
    along, energy = (member.hamiltonian(path).cpu().numpy() for path in (recorded, states))
    return states.cpu().numpy(), along, energy


def quantities(runs: Sequence[Prediction], extent: Extent) -> dict[str, ndarray]:
    """The metrics of predictions by name, (seeds, runs).

    `prediction_error` and `position_error`, root mean square over time of the deviation of all components and of the
    positions; `valid_time`, periods until the deviation exceeds 0.1, at most the run; `energy_loss`, of the learned H of a
    model that keeps it, along the recorded run. The H of a model that also learns a loss is determined only up to a part that
    the loss can balance.
    """
    degrees = runs[0].x.shape[-1] // 2
    of_runs: list[dict[str, ndarray]] = []
    for run in runs:
        error = deviation(run, extent)
        of_run = {
            "prediction_error": root_mean_square(error),
            "position_error": root_mean_square(deviation(run, extent, slice(degrees))),
            "valid_time": valid_time(error, run.t, extent.period),
        }
        if run.recorded_energy is not None and extent.lowest is not None:
            of_run["energy_loss"] = energy_loss(run.recorded_energy, run.t, extent)
        of_runs.append(of_run)
    return {name: np.stack([of_run[name] for of_run in of_runs], -1) for name in of_runs[0]}


def valid_time(error: ndarray, t: ndarray, period: float) -> ndarray:
    """First time at which a deviation (seeds, time) exceeds `VALID`, in periods; the last time where it never does."""
    wrong = ~(error <= VALID)  # NaN is wrong
    first = np.where(wrong.any(-1), wrong.argmax(-1), len(t) - 1)
    return np.asarray(t[first] / period)


def energy_loss(energy: ndarray, t: ndarray, extent: Extent) -> ndarray:
    """Fraction of the energy that is lost in a period, (seeds,): its least-squares slope over its mean, of H (seeds, time).

    Energy is counted from `Extent.lowest`; negative where it grows.
    """
    assert extent.lowest is not None
    clock = t - t.mean()
    slope = (energy @ clock) / (clock @ clock)
    return np.asarray(-extent.period * slope / (energy.mean(-1) - extent.lowest))


@torch.no_grad()
def friction(members: Sequence[Field], x: ndarray) -> ndarray:
    """Friction γ in 1/s of each seed, (seeds, 1): the mean over states x (points, 2n) of -div f / n.

    For dp/dt = -∂H/∂q - γ p it is γ, whatever H is, and 0 for every Hamiltonian field.
    """
    states = torch.from_numpy(x)
    rates = [-divergence(member, states.to(device.of(member))).mean().cpu() for member in members]
    return torch.stack(rates).numpy()[:, None] / (x.shape[-1] // 2)
