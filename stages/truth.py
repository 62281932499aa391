"""The exact field of one task in a model's place -> the same rollouts and metrics, which are the floors of every table."""

from functools import partial

import numpy as np
import torch

from stages import run

from hnn.core.statistics import interval
from hnn.evaluation import cells
from hnn.files import artifacts, formats, paths
from hnn.parallel.pool import parallel_map
from hnn.params.loading import load_params
from hnn.systems.base import make_system
from hnn.training import losses


def measure_truth(task: str) -> None:
    """Roll out the truth along every set of true motions of the task, a chaotic one also from starts beside them."""
    params = load_params()
    p = params.tasks[task].rollout
    torch.set_num_threads(p.threads)
    truth = make_system(**params.tasks[task].system)
    train, test = artifacts.read_observations(task)
    motions = artifacts.read_motions(task)
    departures = cells.departures(motions) | cells.beside(truth, motions)
    chunks = partial(parallel_map, threads=p.threads, compute=params.compute)
    results = cells.measure(task, "truth", truth, [truth], train, departures, p, chunks)
    loss = losses.derivative_loss(truth, *map(torch.from_numpy, test.points())).detach().item()
    results["test_loss"] = interval(np.array([[loss]]), np.random.default_rng(0), 1)
    formats.write_json(paths.metrics_path("rollout", f"{task}-truth"), results)


if __name__ == "__main__":
    run(measure_truth)
