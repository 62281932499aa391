"""The exact field of one task in a model's place -> the same rollouts and metrics, which are the floors of every table."""

from functools import partial

import numpy as np
import torch

from stages import run

from hnn import cells, config, io, losses, system
from hnn.compute import spread
from hnn.statistics import interval


def measure_truth(task: str) -> None:
    """Roll out the truth along every set of true motions of the task, a chaotic one also from starts beside them."""
    params = config.load()
    p = params.tasks[task].rollout
    torch.set_num_threads(p.threads)
    truth = system.make(**params.tasks[task].system)
    train, test = io.read_observations(task)
    motions = io.read_motions(task)
    departures = cells.departures(motions) | cells.beside(truth, motions)
    chunks = partial(spread, threads=p.threads, compute=params.compute)
    results = cells.measure(task, "truth", truth, [truth], train, departures, p, chunks)
    loss = losses.derivative_loss(truth, *map(torch.from_numpy, test.points())).detach().item()
    results["test_loss"] = interval(np.array([[loss]]), np.random.default_rng(0), 1)
    io.write_json(io.metrics_path("rollout", f"{task}-truth"), results)


if __name__ == "__main__":
    run(measure_truth)
