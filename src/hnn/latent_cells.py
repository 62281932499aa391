"""What every rollout of one cell behind pixels leaves behind: the rollouts, pictures of them, and what they are worth."""

from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from torch import Tensor

from hnn import evaluation, io, latent_evaluation
from hnn.chunks import Spread
from hnn.latent import LatentEnsemble
from hnn.latent_evaluation import SETS
from hnn.latent_pictures import pictures
from hnn.seeding import stream
from hnn.system import System
from hnn.trajectories import Observations, TrueMotion

if TYPE_CHECKING:
    from hnn.sections import TaskRollout

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
    spread: Spread,
) -> dict[str, Any]:
    """Roll out the cell task × `name` for every set of `SETS` and write the rollouts; what the metrics file is to say.

    `observed` are training and test data, `frames` the pictures of both and of every motion.
    """
    train, test = observed
    reading = latent_evaluation.read(truth, ensemble, frames["train"], train)
    written, found = io.Rollouts(), {"scores": latent_evaluation.scores(ensemble, reading, frames["test"], test)}
    for key, (starts, method) in SETS.items():
        motion, film = motions[starts], frames[starts]
        rolled = latent_evaluation.roll(truth, ensemble, film, motion, reading, method, p.tolerance, spread)
        if key == "table1":
            found[key] = evaluation.published_quantities(rolled, motion, p.published_energy or "hamiltonian")
            continue
        found[key] = latent_evaluation.quantities(truth, ensemble, rolled, motion, film, reading)
        if key == "held_out":
            found[key] |= latent_evaluation.examine(ensemble, rolled, motion)
        written[key] = rolled | evaluation.named(found[key])
    io.write_rollouts(task, name, written | pictures(ensemble, written, frames["held_out"]))
    about, results = latent_evaluation.contracts(ensemble, written, p.tolerance), {}
    for key, values in found.items():
        draws = partial(stream, "bootstrap", task, name, key)
        results[key] = evaluation.summarise(values, draws, p.draws) | about.get(key, {})
    return results.pop("held_out") | results.pop("scores") | results
