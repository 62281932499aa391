"""The weights of one pixel cell -> its rollouts from frame pairs, and what they are worth."""

from functools import partial

import torch

from stages import run

from hnn import config, evaluation, io, system
from hnn import latent_evaluation as pixels
from hnn.compute import spread
from hnn.device import choose
from hnn.latent import LatentEnsemble
from hnn.seeding import stream
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
    (train, test), motions = io.read_observations(task), io.read_motions(task)
    reading = pixels.read(truth, ensemble, frames["train"], train)
    seeds = partial(spread, threads=p.threads, compute=params.compute)
    rollouts: io.Rollouts = {}
    found = {"scores": pixels.scores(ensemble, reading, frames["test"], test)}
    for key, (starts, method) in pixels.SETS.items():
        rolled = pixels.roll(truth, ensemble, frames[starts], motions[starts], reading, method, p.tolerance, seeds)
        if key == "table1":
            found[key] = evaluation.published_quantities(rolled, motions[starts], p.published_energy or "hamiltonian")
        else:
            found[key] = pixels.quantities(ensemble, rolled, motions[starts], frames[starts], reading.scales)
            rollouts[key] = rolled
    results = {
        name: evaluation.summarise(values, stream("bootstrap", task, cell, name), p.draws) for name, values in found.items()
    }
    rollouts |= pixels.pictures(ensemble, rollouts, frames["held_out"])
    io.write_rollouts(task, cell, rollouts)
    io.write_json(io.metrics_path("rollout", f"{task}-{cell}"), results.pop("held_out") | results.pop("scores") | results)


if __name__ == "__main__":
    run(rollout_pixels)
