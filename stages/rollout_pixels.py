"""The weights of one pixel cell -> its rollouts from frame pairs, and what they are worth."""

from functools import partial

import torch

from stages import run

from hnn.core.device import choose
from hnn.files import artifacts, formats, paths
from hnn.parallel.pool import parallel_map
from hnn.params.loading import load_params
from hnn.pixels import cells
from hnn.pixels.latent_model import LatentEnsemble
from hnn.pixels.trained import load_latent_members
from hnn.systems.base import make_system


def rollout_pixels(task: str, name: str, step_map: str) -> None:
    """Roll out one cell by the map it was trained through and, whatever the map, as a continuous motion, as published."""
    params = load_params()
    p, render, cell = params.tasks[task].rollout, params.tasks[task].render, f"{name}-{step_map}"
    assert render is not None  # config: every task of pixel_tasks has it
    torch.set_num_threads(p.threads)
    members = [member.to(choose(params.device)) for member in load_latent_members(paths.weights_path(task, cell))]
    ensemble, truth = LatentEnsemble(members), make_system(**params.tasks[task].system)
    frames = {key: torch.from_numpy(array) for key, array in artifacts.read_frames(task, render.size, render.channels).items()}
    observed, motions = artifacts.read_observations(task), artifacts.read_motions(task)
    seeds = partial(parallel_map, threads=p.threads, compute=params.compute)
    results = cells.measure(task, cell, truth, ensemble, observed, motions, frames, p, seeds)
    formats.write_json(paths.metrics_path("rollout", f"{task}-{cell}"), results)


if __name__ == "__main__":
    run(rollout_pixels)
