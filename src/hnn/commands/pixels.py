"""`make pixels`: docs/pixels.md, the errors of pixel cells as probes of several degrees and pictures show them."""

import sys
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch

from hnn.core.cell import Cell
from hnn.core.errors import Refused
from hnn.core.statistics import Interval
from hnn.core.trajectories import of_seed
from hnn.evaluation.evaluate import state_metrics, summarise
from hnn.evaluation.rollouts import Reference, Scales, rollout_along
from hnn.files import artifacts, formats, paths
from hnn.params.loading import load_params
from hnn.pixels.evaluation import SETS, Readout
from hnn.pixels.latent_ensemble import LatentEnsemble
from hnn.pixels.probe import PENALTIES, Probe
from hnn.pixels.trained import load_latent_members
from hnn.reporting.formatting import format_interval
from hnn.reporting.templating import template
from hnn.systems.base import make_system

__all__ = ["Read", "main", "readings"]

PAGE = Path("docs") / "pixels.md"
DEGREES = {"linear": 1, "polynomial of degree 3": 3, "polynomial of degree 5": 5}
PICTURES = {"floor": "pictures_floor", "held_out": "pictures", "long": "pictures_long"}
"""By set of starts that is read from latent states: the set that is read from pictures."""
QUANTITIES = ("energy_error", "coordinate_error", "valid_time")


class Read(NamedTuple):
    """The metrics of one cell as read in one way."""

    cell: Cell
    reading: str
    sets: dict[str, dict[str, Interval]]
    """By set of starts and quantity."""

    def text(self, starts: str, quantity: str) -> str:
        """A mean with its interval."""
        return format_interval(self.sets[starts].get(quantity))


@torch.no_grad()
def readings(cell: Cell) -> list[Read]:
    """The metrics of a cell of this run, its latent rollouts read by probes of each of `DEGREES`, and from pictures."""
    params = load_params()
    task = params.tasks[cell.task]
    assert task.render is not None  # hnn.params.schema: every pixel task has it
    truth = make_system(**task.system)
    ensemble = LatentEnsemble(load_latent_members(paths.weights_path(cell)))
    clips = list(torch.from_numpy(artifacts.read_frames(cell.task, task.render.pixels, task.render.channels)["train"]))
    x = [draw.x[:, :-1] for draw in artifacts.read_observations(cell.task)[0]]
    z = [ensemble.encode_by(seed, of_seed(clips, seed)).numpy() for seed in range(len(ensemble.members))]
    scales = Scales.of(truth, torch.from_numpy(np.stack(x)), None)
    rollouts, motions = artifacts.read_rollouts(cell).sets, artifacts.read_motions(cell.task)
    found = []
    for reading, degree in DEGREES.items():
        probes = [Probe.fit(part, of_seed(x, seed), [degree], PENALTIES) for seed, part in enumerate(z)]
        readout, sets = Readout(probes, probes, scales), {}
        for starts in PICTURES:
            latent = rollouts[starts].z
            assert latent is not None
            reference = Reference(truth, motions[SETS[starts].motion].first(latent.shape[2]), scales)
            sets[starts] = summarise(state_metrics(rollout_along(readout.states(latent), reference), reference))
        found.append(Read(cell, reading, sets))
    pictures = {starts: summarise(rollouts[name].quantities) for starts, name in PICTURES.items() if name in rollouts}
    return found + ([Read(cell, "decoded pictures", pictures)] if len(pictures) == len(PICTURES) else [])


def main() -> None:
    """Write docs/pixels.md from the rollouts of the last run."""
    try:
        params = load_params()
        cells = [cell for task in params.seen for cell in params.cells(task) if cell.step_map == params.step_maps[0]]
        missing = [cell.key for cell in cells if not paths.rollouts_path(cell).is_file()]
        if missing or not cells:
            raise Refused(f"{', '.join(missing) or 'pixel tasks'}: no rollouts of the last run; run `make repro`")
        found = [one for cell in cells for one in readings(cell)]
    except Refused as error:
        sys.exit(str(error))
    page = template("pixels.md").render(found=found, sets=list(PICTURES), quantities=QUANTITIES, seeds=params.seeds)
    formats.write_text(PAGE, page)
    print(PAGE)


if __name__ == "__main__":
    main()
