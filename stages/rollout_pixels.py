"""The weights of one pixel cell -> its rollouts from frame pairs, and what they are worth."""

from functools import partial

import torch

from stages import run

from hnn import config, evaluation, io, latent_evaluation, system
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
    reading = latent_evaluation.read(truth, ensemble, frames["train"], train)
    seeds = partial(spread, threads=p.threads, compute=params.compute)
    rollouts, found = io.Rollouts(), {"scores": latent_evaluation.scores(ensemble, reading, frames["test"], test)}
    for key, (starts, method) in latent_evaluation.SETS.items():
        rolled = latent_evaluation.roll(truth, ensemble, frames[starts], motions[starts], reading, method, p.tolerance, seeds)
        if key == "table1":
            found[key] = evaluation.published_quantities(rolled, motions[starts], p.published_energy or "hamiltonian")
        else:
            found[key] = latent_evaluation.quantities(truth, ensemble, rolled, motions[starts], frames[starts], reading)
            found[key] |= latent_evaluation.examine(ensemble, rolled, motions[starts]) if key == "held_out" else {}
            rollouts[key] = rolled | evaluation.named(found[key])
    draws, contracts = partial(stream, "bootstrap", task, cell), latent_evaluation.contracts(ensemble, rollouts, p.tolerance)
    results = {n: evaluation.summarise(values, draws(n), p.draws) | contracts.get(n, {}) for n, values in found.items()}
    io.write_rollouts(task, cell, rollouts | latent_evaluation.pictures(ensemble, rollouts, frames["held_out"]))
    io.write_json(io.metrics_path("rollout", f"{task}-{cell}"), results.pop("held_out") | results.pop("scores") | results)


if __name__ == "__main__":
    run(rollout_pixels)
