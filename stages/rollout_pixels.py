"""The weights of one pixel cell -> its rollouts from frame pairs, and what they are worth."""

from functools import partial

import torch

from stages import run

from hnn import config, io, latent_cells, system
from hnn.compute import spread
from hnn.device import choose
from hnn.latent import LatentEnsemble
from hnn.trained_pixels import load_latent_members


def rollout_pixels(task: str, name: str, step_map: str) -> None:
    """Roll out one cell by the map it was trained through and, whatever the map, as a continuous motion, as published."""
    params = config.load()
    p, render, cell = params.tasks[task].rollout, params.tasks[task].render, f"{name}-{step_map}"
    assert render is not None  # config: every task of pixel_tasks has it
    torch.set_num_threads(p.threads)
    members = [member.to(choose(params.device)) for member in load_latent_members(io.weights_path(task, cell))]
    ensemble, truth = LatentEnsemble(members), system.make(**params.tasks[task].system)
    frames = {key: torch.from_numpy(array) for key, array in io.read_frames(task, render.size, render.channels).items()}
    observed, motions = io.read_observations(task), io.read_motions(task)
    seeds = partial(spread, threads=p.threads, compute=params.compute)
    results = latent_cells.measure(task, cell, truth, ensemble, observed, motions, frames, p, seeds)
    io.write_json(io.metrics_path("rollout", f"{task}-{cell}"), results)


if __name__ == "__main__":
    run(rollout_pixels)
