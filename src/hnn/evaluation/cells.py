"""What every rollout of observed states leaves behind, a model's or the truth's: the rollouts, and what they are worth."""

from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from numpy import ndarray

from hnn.core.seeding import stream
from hnn.core.trajectories import Observations, TrueMotion
from hnn.evaluation import evaluate, integrator_contract, rollouts
from hnn.evaluation.rollouts import Members
from hnn.files import artifacts
from hnn.integrators.solve import Solver
from hnn.parallel.mapping import ParallelMap
from hnn.systems.base import System

if TYPE_CHECKING:
    from hnn.params.sections import TaskRollout

__all__ = ["beside", "departures", "measure"]

Departures = Mapping[str, tuple[TrueMotion, ndarray]]
"""By the name of a set: a true motion, and the starts (starts, 2n) that rollouts leave from."""


def departures(motions: Mapping[str, TrueMotion]) -> dict[str, tuple[TrueMotion, ndarray]]:
    """Every motion with its own starts."""
    return {starts: (motion, motion.x[:, 0]) for starts, motion in motions.items()}


def beside(truth: System, motions: Mapping[str, TrueMotion]) -> dict[str, tuple[TrueMotion, ndarray]]:
    """Of a chaotic truth, `nearby`: the held-out motions and starts 1e-4 beside theirs, from where it is soon lost itself."""
    return {"nearby": (motions["held_out"], rollouts.nearby(motions["held_out"]))} if truth.chaotic else {}


def measure(
    task: str,
    name: str,
    truth: System,
    members: Members,
    train: Observations,
    departures: Departures,
    p: "TaskRollout",
    parallel_map: ParallelMap,
) -> dict[str, Any]:
    """Roll out the cell task × `name` from every set of starts and write the rollouts; what the metrics file is to say.

    Raises `Refused` before anything is written if one of the sets does not honour the integrator contract.
    """
    scales = rollouts.scales(truth, members, train)
    solver = Solver(p.integrator, p.step, p.tolerance)
    fitted = not isinstance(members[0], System)
    examined = (
        integrator_contract.EXAMINED if fitted else {"held_out"}
    )  # elsewhere the truth's coordinate error is the integrator's
    written: artifacts.Rollouts = {}
    results: dict[str, Any] = {}
    for starts, (motion, x0) in departures.items():
        rolled = rollouts.roll(truth, members, motion, scales, solver, x0=x0, chunk=p.chunk, parallel_map=parallel_map)
        about: dict[str, Any] = {}
        if starts != "table1":
            found = evaluate.quantities(truth, rolled, motion, scales)
        else:
            found = evaluate.published_quantities(rolled, motion, p.published_energy) if p.published_energy else {}
        if starts in examined:
            flow = integrator_contract.examine(members, rolled["x"], motion, scales.state, solver, starts, parallel_map)
            contract = integrator_contract.contract(solver, flow.pop("integrator_error"), found["coordinate_error"], fitted)
            about = {"integrator": contract} | integrator_contract.enforce(
                f"{task}-{name}, {starts}", contract, p.allow_mismatch
            )
            found |= flow
        written[starts] = rolled | evaluate.named(found)
        if found:
            draws = partial(stream, "bootstrap", task, name, starts)
            results[starts] = evaluate.summarise(found, draws, p.draws) | about
    artifacts.write_rollouts(task, name, written)
    return results.pop("held_out") | results
