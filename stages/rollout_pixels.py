"""The weights of one pixel cell -> its rollouts from frame pairs, their metrics, and the probes that read states."""

import sys
from dataclasses import asdict
from functools import partial

import torch
from torch import Tensor

from stages import needed, run

from hnn.core.cell import Cell
from hnn.core.device import choose
from hnn.evaluation.evaluate import Options, remarks
from hnn.files.artifacts import read_canvas, read_frames, read_motions, read_observations, write_probes, write_rollouts
from hnn.files.formats import write_json
from hnn.files.paths import results_path, weights_path
from hnn.parallel.pool import parallel_map
from hnn.params.loading import load_params
from hnn.pixels.evaluation import evaluate_pixels
from hnn.pixels.latent_ensemble import LatentEnsemble
from hnn.pixels.trained import load_latent_members
from hnn.rendering.canvas import Canvas
from hnn.rendering.readings import READINGS, read_states
from hnn.systems.base import make_system


def rollout_pixels(task: str, model: str, step_map: str) -> None:
    """Roll out one cell by its trained step map and, as published, as the solution of the learned differential equation."""
    params, cell = load_params(), Cell(task, model, step_map)
    p, render = params.tasks[task].rollout, needed(params.tasks[task].render, task)
    torch.set_num_threads(params.threads)
    members = [member.to(choose(params.device)) for member in load_latent_members(weights_path(cell))]
    ensemble, truth = LatentEnsemble(members), make_system(**params.tasks[task].system)
    canvas, frame_step, system = Canvas(**read_canvas(task)[0]), members[0].frame_step, params.tasks[task].system
    frames = {name: torch.from_numpy(array) for name, array in read_frames(task, render.pixels, render.channels).items()}
    observed, motions = read_observations(task), read_motions(task)
    workers = partial(parallel_map, threads=params.threads, compute=params.compute)

    def read(pictures: Tensor) -> Tensor:
        return read_states(canvas, pictures, frame_step, **system)

    reading = read if system["name"] in READINGS else None
    options = p.pick(Options)
    evaluation, readout = evaluate_pixels(truth, ensemble, observed, motions, frames, options, workers, reading)
    for remark in remarks(cell, evaluation):
        print(remark, file=sys.stderr)
    write_probes(cell, [asdict(probe) for probe in readout.probes])
    write_rollouts(cell, evaluation.rollouts)
    write_json(results_path("rollout", cell.key), evaluation.to_json())


if __name__ == "__main__":
    run(rollout_pixels)
