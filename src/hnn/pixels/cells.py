"""What every rollout of one cell behind pixels leaves behind: the rollouts, pictures of them, and what they are worth."""

from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from torch import Tensor

from hnn.core.seeding import stream
from hnn.core.trajectories import Observations, TrueMotion
from hnn.evaluation import evaluate
from hnn.files import artifacts
from hnn.parallel.mapping import ParallelMap
from hnn.pixels import evaluation
from hnn.pixels.evaluation import SETS
from hnn.pixels.latent_model import LatentEnsemble
from hnn.pixels.visuals import pictures
from hnn.systems.base import System

if TYPE_CHECKING:
    from hnn.params.sections import TaskRollout

__all__ = ["measure"]


def measure(
    task: str,
    name: str,
    truth: System,
    ensemble: LatentEnsemble,
    observed: tuple[Observations, Observations],
    motions: Mapping[str, TrueMotion],
    frames: Mapping[str, Tensor],
    p: "TaskRollout",
    parallel_map: ParallelMap,
) -> dict[str, Any]:
    """Roll out the cell task × `name` for every set of `SETS` and write the rollouts; what the metrics file is to say.

    `observed` are training and test data, `frames` the pictures of both and of every motion.
    """
    train, test = observed
    reading = evaluation.read(truth, ensemble, frames["train"], train)
    written, found = artifacts.Rollouts(), {"scores": evaluation.scores(ensemble, reading, frames["test"], test)}
    for key, (starts, method) in SETS.items():
        motion, film = motions[starts], frames[starts]
        rolled = evaluation.roll(truth, ensemble, film, motion, reading, method, p.tolerance, parallel_map)
        if key == "table1":
            found[key] = evaluate.published_quantities(rolled, motion, p.published_energy or "hamiltonian")
            continue
        found[key] = evaluation.quantities(truth, ensemble, rolled, motion, film, reading)
        if key == "held_out":
            found[key] |= evaluation.examine(ensemble, rolled, motion)
        written[key] = rolled | evaluate.named(found[key])
    artifacts.write_rollouts(task, name, written | pictures(ensemble, written, frames["held_out"]))
    about, results = evaluation.contracts(ensemble, written, p.tolerance), {}
    for key, values in found.items():
        draws = partial(stream, "bootstrap", task, name, key)
        results[key] = evaluate.summarise(values, draws, p.draws) | about.get(key, {})
    return results.pop("held_out") | results.pop("scores") | results
