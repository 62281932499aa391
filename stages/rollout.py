"""The weights of one cell -> its rollouts from every start at once, and what they are worth."""

from functools import partial

import torch

from stages import run

from hnn.core.device import choose
from hnn.evaluation import cells
from hnn.files import artifacts, formats, paths
from hnn.parallel.pool import parallel_map
from hnn.params.loading import load_params
from hnn.systems.base import make_system
from hnn.trained import load_members


def rollout(task: str, name: str) -> None:
    """Roll out the cell task × `name` along every set of true motions of the task."""
    params = load_params()
    p = params.tasks[task].rollout
    torch.set_num_threads(p.threads)
    members = [member.to(choose(params.device)) for member in load_members(paths.weights_path(task, name))]
    truth = make_system(**params.tasks[task].system)
    train, _ = artifacts.read_observations(task)
    chunks = partial(parallel_map, threads=p.threads, compute=params.compute)
    results = cells.measure(task, name, truth, members, train, cells.departures(artifacts.read_motions(task)), p, chunks)
    formats.write_json(paths.metrics_path("rollout", f"{task}-{name}"), results)


if __name__ == "__main__":
    run(rollout)
