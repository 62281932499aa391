"""The weights of one cell -> its rollouts from every start at once, and what they are worth."""

from functools import partial
from typing import Any

import torch

from stages import run

from hnn import config, evaluation, io, system
from hnn.compute import spread
from hnn.device import choose
from hnn.model import Ensemble
from hnn.seeding import stream
from hnn.trained import load_members


def rollout(task: str, name: str) -> None:
    """Roll out the cell task × `name` along every set of true motions of the task."""
    params = config.load()
    p = params.tasks[task].rollout
    torch.set_num_threads(p.threads)
    ensemble = Ensemble([member.to(choose(params.device)) for member in load_members(io.weights_path(task, name))])
    truth = system.make(**params.tasks[task].system)
    train, _ = io.read_observations(task)
    scales = evaluation.scales(truth, ensemble, train)
    method = {"integrator": p.integrator, "step": p.step, "tolerance": p.tolerance}
    chunks = partial(spread, threads=p.threads, compute=params.compute)
    rollouts: io.Rollouts = {}
    results: dict[str, dict[str, Any]] = {}
    for starts, motion in io.read_motions(task).items():
        rolled = rollouts[starts] = evaluation.roll(truth, ensemble, motion, scales, method, chunk=p.chunk, spread=chunks)
        if starts != "table1":
            found = evaluation.quantities(rolled, motion, scales)
        elif p.published_energy:
            found = evaluation.published_quantities(rolled, motion, p.published_energy)
        else:
            continue
        results[starts] = evaluation.summarise(found, stream("bootstrap", task, name, starts), p.draws)
    io.write_rollouts(task, name, rollouts)
    io.write_json(io.metrics_path("rollout", f"{task}-{name}"), results.pop("held_out") | results)


if __name__ == "__main__":
    run(rollout)
