"""`python -m hnn rollout`: the motion of a trained cell or of the truth from one start, as a CSV file."""

import sys
from collections.abc import Mapping
from math import ceil, isfinite
from pathlib import Path

import numpy as np
import torch
from numpy import ndarray
from torch import Tensor

from hnn import trained
from hnn.commands.output import check_output, is_stdout, output
from hnn.core.cell import TRUTH
from hnn.core.errors import Refused
from hnn.core.phase_space import Field, join, split
from hnn.evaluation.metrics import FAR_ENERGY
from hnn.files import artifacts, formats, paths
from hnn.integrators import solve
from hnn.integrators.fixed_step import FIXED_STEP
from hnn.integrators.solve import ADAPTIVE, Counted, Solver, frozen
from hnn.parallel.progress import fraction_of
from hnn.params.base import hint
from hnn.params.loading import load_params
from hnn.params.schema import Params
from hnn.systems.base import System, make_system

__all__ = ["outside", "rollout", "state"]


MOST_POINTS, MOST_STEPS, STEPS_PER_PERIOD = 10**6, 10**7, 20
"""Most rows of the file and steps of a rollout, and the steps per period that an adaptive method is assumed to take."""

ROUNDING = 1e-9
"""Change of the energy of a start at rest, in joules, that is no error of the method."""

UNBOUND = 100
"""Number of periods that evaluations are allowed for in a motion that has none."""


def rollout(
    task: str,
    model: str,
    start: str,
    out: Path,
    *,
    until: float | None = None,
    seed: int = 0,
    points: int = 1000,
    integrator: str | None = None,
    step: float | None = None,
) -> None:
    """Write the motion of a cell, or of the task's exact field if `model` is `truth`, from `start` over `until` seconds.

    The integrator and its step are the task's in params.yaml where none is given. Raises `Refused` for bad arguments, before
    anything is computed.
    """
    params = load_params()
    truth = truth_of(params, task)
    x0 = state(start, truth)
    if until is None:
        raise Refused("--until: needed with --start: the last time, in seconds")
    if not 0 < until < float("inf"):
        raise Refused(f"--until: given {until:g}, allowed: a positive number of seconds")
    if not 2 <= points <= MOST_POINTS:
        raise Refused(f"--points: given {points}, allowed: 2 to {MOST_POINTS}")
    check_output(out)
    learned = None if model == TRUTH else cell(params, task, model, seed)
    if learned is not None and (problem := outside(truth, x0, task)):
        print(f"warning: {problem}", file=sys.stderr)
    p = params.tasks[task].rollout
    check_step(integrator or p.integrator, step)
    t = torch.linspace(0, until, points, dtype=torch.float64)
    try:
        solver = Solver(integrator or p.integrator, step or p.step, p.tolerance)
        check_length(solver, until, truth, x0)
        field: Field = truth if learned is None else learned
        if solver.adaptive:
            field = Counted(frozen(field, x0), most_evaluations(truth, x0, until, p.evaluations_per_period))
        with fraction_of(f"rollout {task} {model}") as progress:
            x = solve.rollout(field, x0, t, solver, progress=progress)
    except ValueError as error:
        raise Refused(str(error)) from None
    if learned is None:
        check_energy(x, t, truth)
    else:
        x = with_possible_energy(x, t, truth, task)
    if not x.isfinite().all():
        last = t[x.isfinite().all(-1)][-1]
        print(f"warning: the motion diverges after t = {last:g}; from there on it is nan", file=sys.stderr)
    write(out, t.numpy(), x, truth, learned)


def check_step(integrator: str, step: float | None) -> None:
    """Refuse a step that is not positive, or given to a method that chooses its own."""
    if step is not None and not step > 0:
        raise Refused(f"--step: given {step:g}, allowed: a positive number of seconds")
    if step is not None and integrator in ADAPTIVE:
        raise Refused(f"--step: {integrator} chooses its own steps; fixed ones: {', '.join(FIXED_STEP)}")


def check_length(solver: Solver, until: float, truth: System, x0: Tensor) -> None:
    """Refuse a start of no finite energy, and more than `MOST_STEPS` steps, those of an adaptive method estimated."""
    if not truth.hamiltonian(x0).isfinite():
        raise Refused(f"--start: its energy is not finite, as where two bodies are in one place: {truth.components}")
    step = float(truth.period(x0)) / STEPS_PER_PERIOD if solver.adaptive else solver.step
    if until > MOST_STEPS * step:
        raise Refused(
            f"--until: given {until:g}, which takes about {until / step:.1g} steps of {step:.1g} s, allowed: {MOST_STEPS:.0e}"
        )


def most_evaluations(truth: System, x0: Tensor, until: float, per_period: int) -> int:
    """Most evaluations of a field by an adaptive method up to a time, of so many in a period of the true motion."""
    period = float(truth.period(x0))
    return ceil(per_period * max(1.0, until / period if isfinite(period) else UNBOUND))


@torch.no_grad()
def check_energy(x: Tensor, t: Tensor, truth: System) -> None:
    """Refuse a motion x (time, 2n) of the exact field whose energy leaves that of its start by more than its size.

    The size is |kinetic| + |potential energy| at the start. The exact motion conserves its energy or loses some.
    """
    q, p = split(x[0])
    energy, potential = truth.hamiltonian(x), truth.hamiltonian(join(q, torch.zeros_like(p)))
    size = float((energy[0] - potential).abs() + potential.abs())
    wrong = (energy - energy[0]).abs() > size + ROUNDING
    if wrong.any():
        i = int(wrong.int().argmax())
        raise Refused(
            f"--step: the energy changes from {float(energy[0]):.3g} J to {float(energy[i]):.3g} J at t = {float(t[i]):g}: "
            "the method is unstable or steps over a collision; lower --step, or take --integrator gauss"
        )


@torch.no_grad()
def with_possible_energy(x: Tensor, t: Tensor, truth: System, task: str) -> Tensor:
    """A learned motion x (time, 2n), NaN from where its energy exceeds `FAR_ENERGY` times the largest energy in the data."""
    if (seen := training_states(task)) is None:
        return x
    energy, largest = truth.hamiltonian(x), truth.hamiltonian(torch.cat([seen, x[:1]])).abs().max()
    wrong = (energy.abs() > FAR_ENERGY * largest).int().cummax(0).values.bool()
    if not wrong.any():
        return x
    i = int(wrong.int().argmax())
    print(f"warning: the energy is {float(energy[i]):.3g} J at t = {float(t[i]):g}, which no motion has", file=sys.stderr)
    return x.where(~wrong[:, None], torch.nan)


def truth_of(params: Params, task: str) -> System:
    """The exact system of a task whose states are observed; raises `Refused` for any other."""
    states = [name for name in params.tasks if name not in params.seen]
    if task in params.seen:
        raise Refused(f"{task}: its cells start from two frames, not from a state; give --frames clip.npz instead of --start")
    if task not in params.tasks:
        raise Refused(f"task: given {task!r}; {hint(task, states)}")
    if params.tasks[task].source:
        raise Refused(f"{task}: is a recording of your own, whose exact field is not known; predictions are in its report")
    return make_system(**params.tasks[task].system)


def state(text: str, truth: System) -> Tensor:
    """The state (2n,) written as numbers between commas; raises `Refused` for anything else."""
    try:
        numbers = [float(word) for word in text.split(",")]
    except ValueError:
        raise Refused(f"--start: given {text!r}, must be numbers between commas: {truth.components}") from None
    count = 2 * truth.degrees
    if len(numbers) != count:
        raise Refused(f"--start: given {len(numbers)} numbers, must be {count} finite ones: {truth.components}")
    for name, value in zip(names(truth), numbers, strict=True):
        if not np.isfinite(value):
            raise Refused(f"--start: given {name} = {value:g}, must be finite: {truth.components}")
    return torch.tensor(numbers, dtype=torch.float64)


def cell(params: Params, task: str, model: str, seed: int) -> trained.Trained:
    """The trained cell of this project; raises `Refused` if there is none."""
    known = [TRUTH, *params.models_of(task)]
    if model not in known:
        raise Refused(f"model: given {model!r}; {hint(model, known)}")
    try:
        return trained.load(task, model, seed=seed)
    except (FileNotFoundError, ValueError) as error:
        raise Refused(str(error)) from None


@torch.no_grad()
def outside(truth: System, x0: Tensor, task: str) -> str | None:
    """A warning on components or energy of a start that the training data do not cover; None if they do, or without data."""
    if (seen := training_states(task)) is None:
        return None
    ranges: Mapping[str, tuple[Tensor, Tensor]] = {
        **{name: (x0[i], seen[:, i]) for i, name in enumerate(names(truth))},
        "energy": (truth.hamiltonian(x0), truth.hamiltonian(seen)),
    }
    uncovered = [
        f"{name} {float(value):.3g} (trained on {float(data.min()):.3g} to {float(data.max()):.3g})"
        for name, (value, data) in ranges.items()
        if not data.min() <= value <= data.max()
    ]
    return f"the start lies outside the training data: {', '.join(uncovered)}" if uncovered else None


def training_states(task: str) -> Tensor | None:
    """The states (points, 2n) of the training data of all seeds; None where there are no data."""
    if not paths.observations_path(task).is_file():
        return None
    return torch.cat([torch.from_numpy(draw.x).flatten(0, 1) for draw in artifacts.read_observations(task)[0]])


def names(truth: System) -> list[str]:
    """q1, …, qn, p1, …, pn."""
    return [f"{letter}{i + 1}" for letter in "qp" for i in range(truth.degrees)]


@torch.no_grad()
def write(out: Path, t: ndarray, x: Tensor, truth: System, learned: trained.Trained | None) -> None:
    """Columns t in s, the components of x (time, 2n), the true H in J, and the learned H, up to a constant, if any."""
    columns = {"t": t, **dict(zip(names(truth), x.numpy().T, strict=True)), "energy": truth.hamiltonian(x).numpy()}
    if learned is not None and hasattr(learned.network, "hamiltonian"):
        columns["learned_energy"] = learned.hamiltonian(x).numpy()
    rows = [dict(zip(columns, (f"{value:.12g}" for value in row), strict=True)) for row in zip(*columns.values(), strict=True)]
    with output(out, ".csv") as path:
        formats.write_rows(path, rows)
    said = f"{out}: {len(rows)} rows of {', '.join(columns)}; {truth.components}"
    print(said, file=sys.stderr if is_stdout(out) else sys.stdout)
