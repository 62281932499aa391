"""What every rollout of observed states leaves behind, a model's or the truth's: the rollouts, and what they are worth."""

from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from numpy import ndarray

from hnn import evaluation, examination, io, rollouts
from hnn.chunks import Spread
from hnn.rollouts import Members
from hnn.seeding import stream
from hnn.system import System
from hnn.trajectories import Observations, TrueMotion

if TYPE_CHECKING:
    from hnn.sections import TaskRollout

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
    spread: Spread,
) -> dict[str, Any]:
    """Roll out the cell task × `name` from every set of starts and write the rollouts; what the metrics file is to say.

    Raises `Refused` before anything is written if one of the sets does not honour the integrator contract.
    """
    scales = rollouts.scales(truth, members, train)
    method = {"integrator": p.integrator, "step": p.step, "tolerance": p.tolerance}
    fitted = not isinstance(members[0], System)
    examined = examination.EXAMINED if fitted else {"held_out"}  # elsewhere the truth's coordinate error is the integrator's
    written: io.Rollouts = {}
    results: dict[str, Any] = {}
    for starts, (motion, x0) in departures.items():
        rolled = rollouts.roll(truth, members, motion, scales, method, x0=x0, chunk=p.chunk, spread=spread)
        about: dict[str, Any] = {}
        if starts != "table1":
            found = evaluation.quantities(truth, rolled, motion, scales)
        else:
            found = evaluation.published_quantities(rolled, motion, p.published_energy) if p.published_energy else {}
        if starts in examined:
            flow = examination.examine(members, rolled["x"], motion, scales.state, method, starts, spread)
            contract = examination.contract(method, flow.pop("integrator_error"), found["coordinate_error"], fitted)
            about = {"integrator": contract} | examination.enforce(f"{task}-{name}, {starts}", contract, p.allow_mismatch)
            found |= flow
        written[starts] = rolled | evaluation.named(found)
        if found:
            draws = partial(stream, "bootstrap", task, name, starts)
            results[starts] = evaluation.summarise(found, draws, p.draws) | about
    io.write_rollouts(task, name, written)
    return results.pop("held_out") | results
