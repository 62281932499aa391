"""The weights of one cell -> its rollouts from every start at once, and what they are worth."""

from functools import partial

import torch

from stages import run

from hnn import cells, config, io, system
from hnn.compute import spread
from hnn.device import choose
from hnn.trained import load_members


def rollout(task: str, name: str) -> None:
    """Roll out the cell task × `name` along every set of true motions of the task."""
    params = config.load()
    p = params.tasks[task].rollout
    torch.set_num_threads(p.threads)
    members = [member.to(choose(params.device)) for member in load_members(io.weights_path(task, name))]
    truth = system.make(**params.tasks[task].system)
    train, _ = io.read_observations(task)
    chunks = partial(spread, threads=p.threads, compute=params.compute)
    results = cells.measure(task, name, truth, members, train, cells.departures(io.read_motions(task)), p, chunks)
    io.write_json(io.metrics_path("rollout", f"{task}-{name}"), results)


if __name__ == "__main__":
    run(rollout)
