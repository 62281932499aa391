"""Evaluation of one cell: rollouts from every set of starts, their metrics, and a summary with intervals.

Cells that see states and cells that see frames (`hnn.pixels.evaluation`) are evaluated by the same function; they differ in
their `Roller`, which makes the rollouts and reads them as states.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

import numpy as np
import torch
from numpy import ndarray

from hnn.core.cell import Cell
from hnn.core.statistics import Interval, block_error, interval, is_geometric, is_positive, quartiles
from hnn.core.trajectories import CellRollouts, Observations, Rollout, TrueMotion
from hnn.evaluation import metrics
from hnn.evaluation.flow_diagnostics import DIAGNOSED_STARTS, flow_errors, friction_error
from hnn.evaluation.integrator_contract import IntegratorCheck, check_integrator
from hnn.evaluation.rollouts import Members, Reference, most_evaluations, perturbed_starts, roll, scales
from hnn.integrators.solve import Solver
from hnn.parallel.mapping import ParallelMap, serial_map
from hnn.systems.base import System

__all__ = [
    "Diagnosis",
    "Evaluation",
    "Options",
    "Roller",
    "StateRoller",
    "evaluate",
    "evaluate_states",
    "published_metrics",
    "remarks",
    "state_metrics",
    "summarise",
]

PUBLISHED = "table1"
"""The set of starts of the published protocol, which has metrics of its own."""

REASONS = {
    "not_followed": "have no state after their start: steps underflow, the field is not finite there, or "
    "rollout.evaluations_per_period is too small",
    "impossible_energy": f"have {metrics.FAR_ENERGY:g} times the largest energy of the data: the field is wrong there, or "
    "rollout.step is too long, as through a collision",
}
"""Quantities that say why rollouts count as diverged, in words."""


@dataclass(frozen=True)
class Options:
    """Options of rollouts and summary of a cell."""

    integrator: str
    step: float
    tolerance: float
    """See `hnn.integrators.solve.Solver`."""
    published_energy: str | None
    """Energy function of the published protocol, see `metrics.published_energy`; None: nothing is published for the task."""
    allow_mismatch: bool
    """Go on, and mark the cell, where the integrator contract is broken."""
    batch_of_starts: int
    """Largest number of starts of one seed that are rolled out together."""
    evaluations_per_period: int | None
    """Most evaluations of the field by an adaptive method in a period of the true motion; None: any number."""

    def solver(self, motion: TrueMotion) -> Solver:
        """The method of the rollouts along a motion."""
        most = self.evaluations_per_period and most_evaluations(motion, self.evaluations_per_period)
        return Solver(self.integrator, self.step, self.tolerance, most)


@dataclass(frozen=True)
class Diagnosis:
    """Diagnostics of the flow of a cell from one set of starts."""

    quantities: Mapping[str, ndarray] = field(default_factory=dict)
    """Flow errors by name, (seeds, starts)."""
    integrator: IntegratorCheck | None = None
    """None for a set whose integration error is not measured."""
    mismatch: bool = False
    """True if the rollouts break the integrator contract."""

    def to_json(self) -> dict[str, Any]:
        """The entries `integrator` and `mismatch` of a metrics file; empty for a set that is neither diagnosed nor marked."""
        entry = {"integrator": self.integrator.to_json()} if self.integrator else {}
        return entry | ({"mismatch": True} if self.mismatch else {})


class Roller(Protocol):
    """The rollouts of one cell: how they are made from each set of starts, read as states, and diagnosed."""

    @property
    def references(self) -> Mapping[str, Reference]:
        """The true motion to compare with, by set of starts, in the order of evaluation."""
        ...

    def roll(self, starts: str) -> Rollout:
        """The rollouts of all seeds from a set of starts."""
        ...

    def more_metrics(self, starts: str, rollout: Rollout) -> dict[str, ndarray]:
        """Metrics beside `state_metrics`, (seeds, starts)."""
        ...

    def diagnose(self, starts: str, rollouts: Mapping[str, Rollout]) -> Diagnosis:
        """Diagnostics of the rollouts from a set of starts, given those of all sets so far."""
        ...


@dataclass(frozen=True)
class Evaluation:
    """The rollouts of a cell with their metrics by seed and start, and the summary of both for its metrics file."""

    rollouts: CellRollouts
    intervals: Mapping[str, Mapping[str, Interval]]
    """By set of starts and metric."""
    diagnoses: Mapping[str, Diagnosis]
    """By set of starts."""
    scores: Mapping[str, Interval] = field(default_factory=dict)
    """Intervals of metrics that belong to no set of starts, such as the scores of an encoder."""

    def to_json(self) -> dict[str, Any]:
        """The metrics file: entries of the held-out starts and the scores at the top, those of the other sets by name."""
        entries = {starts: to_json(of_set) | self.diagnoses[starts].to_json() for starts, of_set in self.intervals.items()}
        held_out = entries.pop("held_out")
        return held_out | to_json(self.scores) | {starts: entry for starts, entry in entries.items() if entry}


def remarks(cell: Cell, evaluation: Evaluation) -> list[str]:
    """A line for each set of starts and each of `REASONS` for which rollouts from it count as diverged."""
    return [
        f"{cell.key}, {starts}: a fraction of {found[name].mean:.2g} of the rollouts {text}; they count as diverged"
        for name, text in REASONS.items()
        for starts, found in evaluation.intervals.items()
        if name in found and found[name].mean
    ]


def to_json(intervals: Mapping[str, Interval]) -> dict[str, Any]:
    """The JSON entry of each interval, by name."""
    return {name: one.to_json() for name, one in intervals.items()}


def evaluate(roller: Roller, published_energy: str | None) -> Evaluation:
    """Roll out a cell from every set of starts; compute metrics and their intervals.

    Raises `Refused` for a set that breaks the integrator contract where that is not allowed.
    """
    rollouts: dict[str, Rollout] = {}
    intervals: dict[str, Mapping[str, Interval]] = {}
    diagnoses: dict[str, Diagnosis] = {}
    for starts, reference in roller.references.items():
        rollout = roller.roll(starts)
        lost = reasons(rollout, reference)
        if starts != PUBLISHED:
            quantities = state_metrics(rollout, reference) | roller.more_metrics(starts, rollout) | lost
        elif published_energy:
            quantities = published_metrics(possible(rollout, reference), reference.motion, published_energy) | lost
        else:
            quantities = {}
        rollouts[starts] = replace(rollout, quantities=quantities)
        diagnoses[starts] = roller.diagnose(starts, rollouts)
        rollouts[starts] = replace(rollout, quantities=quantities | dict(diagnoses[starts].quantities))
        intervals[starts] = summarise(rollouts[starts].quantities, as_published=starts == PUBLISHED)
    return Evaluation(CellRollouts(rollouts), intervals, diagnoses)


def evaluate_states(
    cell: Cell,
    truth: System,
    members: Members,
    train: Sequence[Observations],
    motions: Mapping[str, TrueMotion],
    options: Options,
    parallel_map: ParallelMap = serial_map,
) -> Evaluation:
    """Evaluate a cell whose states are observed, from the starts of every true motion.

    The exact field of a chaotic system is also started `nearby` its held-out starts, to show how far it can be predicted.
    """
    sizes = scales(truth, members, train)
    references = {starts: Reference(truth, motion, sizes) for starts, motion in motions.items()}
    perturbed = {}
    if cell.is_truth and truth.chaotic:
        references["nearby"] = references["held_out"]
        perturbed["nearby"] = perturbed_starts(motions["held_out"])
    roller = StateRoller(cell, members, references, options, perturbed, parallel_map)
    return evaluate(roller, options.published_energy)


@dataclass(frozen=True)
class StateRoller:
    """Rollouts of fields on observed states, by the solver of the options."""

    cell: Cell
    members: Members
    references: Mapping[str, Reference]
    options: Options
    perturbed: Mapping[str, ndarray] = field(default_factory=dict)
    """Starts (starts, 2n) of the sets that do not begin on the true motion."""
    parallel_map: ParallelMap = serial_map

    def roll(self, starts: str) -> Rollout:
        """See `hnn.evaluation.rollouts.roll`."""
        return roll(
            self.members,
            self.references[starts],
            self.options.solver(self.references[starts].motion),
            x0=self.perturbed.get(starts),
            batch_of_starts=self.options.batch_of_starts,
            parallel_map=self.parallel_map,
        )

    def more_metrics(self, starts: str, rollout: Rollout) -> dict[str, ndarray]:
        """`friction_error` for a system with friction, along its true motion."""
        reference = self.references[starts]
        if reference.system.conservative:
            return {}
        return {"friction_error": friction_error(self.members, reference.system, reference.motion.x)}

    def diagnose(self, starts: str, rollouts: Mapping[str, Rollout]) -> Diagnosis:
        """Flow errors, and the integrator contract enforced.

        The coordinate error of the exact field is the integrator's, so only its held-out starts are diagnosed.
        """
        fitted = not self.cell.is_truth
        if starts not in DIAGNOSED_STARTS or not (fitted or starts == "held_out"):
            return Diagnosis()
        rollout, reference = rollouts[starts], self.references[starts]
        solver = self.options.solver(reference.motion)
        t, period, size = reference.motion.t, reference.motion.period, reference.scales.state
        errors = flow_errors(self.members, rollout.x, t, period, size, solver, starts, self.parallel_map)
        integration = errors.pop("integrator_error")
        check = check_integrator(solver, integration, rollout.quantities["coordinate_error"], fitted=fitted)
        return Diagnosis(errors, check, check.enforce(f"{self.cell.key}, {starts}", self.options.allow_mismatch))


def state_metrics(rollout: Rollout, reference: Reference) -> dict[str, ndarray]:
    """Every error of `hnn.evaluation.metrics` by seed and start, (seeds, starts); NaN for diverged rollouts."""
    x, energy, true_energy = rollout.x, rollout.energy, rollout.true_energy
    motion, sizes = reference.motion, reference.scales
    errors = {
        "energy_mse": metrics.energy_mse(energy, true_energy),
        "energy_error": metrics.energy_error(energy, true_energy, sizes.energy),
        "energy_error_max": metrics.energy_error_max(energy, true_energy, sizes.energy),
        "energy_drift": metrics.energy_drift(energy, true_energy, sizes.energy, motion.t, motion.period),
        "coordinate_error": metrics.coordinate_error(x, motion.x),
        "phase_error": phase_error(x, reference),
    }
    of_model, of_motion = (reference.system.invariants(torch.from_numpy(states)) for states in (x, motion.x))
    errors |= {f"{name}_error": metrics.invariant_error(of_model[name].numpy(), of_motion[name].numpy()) for name in of_model}
    if sizes.learned is not None and rollout.learned is not None:
        name = "conserved_error" if sizes.conserved else "learned_energy_change"
        errors[name] = metrics.energy_variation(rollout.learned, sizes.learned)
    diverged = np.maximum(metrics.diverged(x, sizes.state), metrics.impossible_energy(energy, sizes.largest_energy))
    kept = {name: np.where(diverged == 1, np.nan, values) for name, values in errors.items()}
    return kept | {"valid_time": metrics.valid_time(x, motion.x, motion.t, motion.period), "diverged": diverged}


def reasons(rollout: Rollout, reference: Reference) -> dict[str, ndarray]:
    """Reasons why rollouts count as diverged, beside that of their components: 1 where they hold, (seeds, starts).

    `not_followed`: without a state after its start. `impossible_energy`: see `metrics.impossible_energy`, where no component
    is too large. A reason that holds nowhere is left out.
    """
    near = metrics.diverged(rollout.x, reference.scales.state) == 0
    found = {
        "not_followed": np.isnan(rollout.x[:, :, 1:]).all((-1, -2)),
        "impossible_energy": near & metrics.impossible_energy(rollout.energy, reference.scales.largest_energy),
    }
    return {name: holds.astype(float) for name, holds in found.items() if holds.any()}


def possible(rollout: Rollout, reference: Reference) -> Rollout:
    """The rollouts with NaN in place of those whose energy is impossible, so that it is averaged with no other."""
    wrong = metrics.impossible_energy(rollout.energy, reference.scales.largest_energy)[..., None]
    return replace(rollout, energy=np.where(wrong, np.nan, rollout.energy), x=np.where(wrong[..., None], np.nan, rollout.x))


def phase_error(x: ndarray, reference: Reference) -> ndarray:
    """`metrics.phase_error` of rollouts x (seeds, starts, time, 2n); NaN for a system without a plane of rotation."""
    motion = reference.motion
    model, true = (reference.system.plane(torch.from_numpy(states)) for states in (x, motion.x))
    if model is None or true is None:
        return np.full(x.shape[:2], np.nan)
    return metrics.phase_error(model.numpy(), true.numpy(), motion.t, motion.period)


def published_metrics(rollout: Rollout, motion: TrueMotion, energy: str) -> dict[str, ndarray]:
    """Metrics of the published protocol, by its energy function and up to the end of each known motion.

    `energy_mse` by seed and start, (seeds, starts); `median_start`, its median over the starts of each seed, (seeds, 1);
    `block_error`, the published "±" of each seed, (seeds, 1).
    """
    model = metrics.published_energy(energy, rollout.energy, rollout.x)
    true = metrics.published_energy(energy, rollout.true_energy, motion.x)
    squares = np.square(model - true)
    mse = squares.mean(-1, where=np.isfinite(true))
    blocks = np.array([[block_error(seed if len(seed) > 1 else at[0])] for seed, at in zip(mse, squares, strict=True)])
    median = np.array([[np.median(seed[np.isfinite(seed)]) if np.isfinite(seed).any() else np.nan] for seed in mse])
    return {"energy_mse": mse, "median_start": median, "block_error": blocks}


def summarise(quantities: Mapping[str, ndarray], *, as_published: bool = False) -> dict[str, Interval]:
    """Mean and interval of each quantity (seeds, starts); of valid_time also the quartiles.

    Positive errors are averaged by their logarithms, but `as_published`, which has arithmetic means.
    """
    intervals = {
        name: interval(values, geometric=is_geometric(name) and not as_published, positive=is_positive(name))
        for name, values in quantities.items()
    }
    if "valid_time" in intervals and (edges := quartiles(quantities["valid_time"])):
        median, q1, q3 = edges
        intervals["valid_time"] = intervals["valid_time"]._replace(median=median, q1=q1, q3=q3)
    return intervals
