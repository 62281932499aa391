"""What every rollout of observed states leaves behind, a model's or the truth's: the rollouts, and what they are worth."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from numpy import ndarray

from hnn import evaluation, examination, io
from hnn.chunks import Spread
from hnn.evaluation import Exact
from hnn.model import Ensemble
from hnn.seeding import stream
from hnn.system import System
from hnn.trajectories import Observations, TrueMotion

if TYPE_CHECKING:
    from hnn.schema import TaskRollout

__all__ = ["beside", "departures", "measure"]

Departures = Mapping[str, tuple[TrueMotion, ndarray]]
"""By the name of a set: a true motion, and the starts (starts, 2n) that rollouts leave from."""


def departures(motions: Mapping[str, TrueMotion]) -> dict[str, tuple[TrueMotion, ndarray]]:
    """Every motion with its own starts."""
    return {starts: (motion, motion.x[:, 0]) for starts, motion in motions.items()}


def beside(truth: System, motions: Mapping[str, TrueMotion]) -> dict[str, tuple[TrueMotion, ndarray]]:
    """Of a chaotic truth, `nearby`: the held-out motions and starts 1e-4 beside theirs, from where it is soon lost itself."""
    return {"nearby": (motions["held_out"], evaluation.nearby(motions["held_out"]))} if truth.chaotic else {}


def measure(
    task: str,
    name: str,
    truth: System,
    ensemble: Ensemble,
    train: Observations,
    departures: Departures,
    p: "TaskRollout",
    spread: Spread,
) -> dict[str, Any]:
    """Roll out the cell task × `name` from every set of starts and write the rollouts; what the metrics file is to say.

    Raises `Refused` before anything is written if `held_out`, the first set, does not honour the integrator contract.
    """
    scales = evaluation.scales(truth, ensemble, train)
    method = {"integrator": p.integrator, "step": p.step, "tolerance": p.tolerance}
    rollouts: io.Rollouts = {}
    results: dict[str, Any] = {}
    for starts, (motion, x0) in departures.items():
        rolled = evaluation.roll(truth, ensemble, motion, scales, method, x0=x0, chunk=p.chunk, spread=spread)
        about: dict[str, Any] = {}
        if starts != "table1":
            found = evaluation.quantities(truth, rolled, motion, scales)
        else:
            found = evaluation.published_quantities(rolled, motion, p.published_energy) if p.published_energy else {}
        if starts == "held_out":
            found |= examination.examine(ensemble, rolled["x"], motion, scales.state, method, spread)
            own, fitted = found["coordinate_error"], not isinstance(ensemble, Exact)
            about["integrator"] = examination.contract(method, found.pop("integrator_error"), own, fitted)
            about |= examination.enforce(f"{task}-{name}", about["integrator"], p.allow_mismatch)
        rollouts[starts] = rolled | evaluation.named(found)
        if found:
            results[starts] = evaluation.summarise(found, stream("bootstrap", task, name, starts), p.draws) | about
    io.write_rollouts(task, name, rollouts)
    return results.pop("held_out") | results
