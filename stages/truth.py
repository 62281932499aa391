"""The exact field of one task in a model's place -> the same rollouts and metrics: the floors of every table."""

from dataclasses import replace
from functools import partial

import torch

from stages import run

from hnn.core.cell import TRUTH, Cell
from hnn.core.statistics import over_seeds
from hnn.evaluation.evaluate import Options, evaluate_states
from hnn.files.artifacts import read_motions, read_observations, write_rollouts
from hnn.files.formats import write_json
from hnn.files.paths import results_path
from hnn.parallel.pool import parallel_map
from hnn.params.loading import load_params
from hnn.systems.base import make_system
from hnn.training.losses import derivative_loss


def roll_out_truth(task: str) -> None:
    """Roll out the exact field along every set of true motions of the task."""
    params, cell = load_params(), Cell(task, TRUTH)
    p = params.tasks[task].rollout
    torch.set_num_threads(params.threads)
    truth = make_system(**params.tasks[task].system)
    train, test = read_observations(task)
    workers = partial(parallel_map, threads=params.threads, compute=params.compute)
    options = replace(p.pick(Options), evaluations_per_period=None)  # a motion of the exact field that is lost ends the stage
    evaluation = evaluate_states(cell, truth, [truth], train, read_motions(task), options, workers)
    loss = derivative_loss(truth, *map(torch.from_numpy, test.points())).detach().item()
    floor = {name: one.to_json() for name, one in over_seeds([{"test_loss": loss}]).items()}
    write_rollouts(cell, evaluation.rollouts)
    write_json(results_path("rollout", cell.key), evaluation.to_json() | floor)


if __name__ == "__main__":
    run(roll_out_truth)
