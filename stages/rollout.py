"""The weights of one cell -> its rollouts from every set of starts, their metrics, and a formula for its energy."""

import sys
from functools import partial

import torch

from stages import run

from hnn.core.cell import Cell
from hnn.core.device import choose
from hnn.evaluation.evaluate import Options, evaluate_states, remarks
from hnn.evaluation.law import learned_law
from hnn.evaluation.rollouts import Reference, scales
from hnn.files.artifacts import read_motions, read_observations, write_rollouts
from hnn.files.formats import write_json
from hnn.files.paths import results_path, weights_path
from hnn.parallel.pool import parallel_map
from hnn.params.loading import load_params
from hnn.systems.base import make_system
from hnn.trained import load_members


def rollout(task: str, model: str) -> None:
    """Roll out the cell task × model along every set of true motions of the task."""
    params, cell = load_params(), Cell(task, model)
    p = params.tasks[task].rollout
    torch.set_num_threads(params.threads)
    members = [member.to(choose(params.device)) for member in load_members(weights_path(cell))]
    truth = make_system(**params.tasks[task].system)
    train, motions, options = read_observations(task)[0], read_motions(task), p.pick(Options)
    workers = partial(parallel_map, threads=params.threads, compute=params.compute)
    evaluation = evaluate_states(cell, truth, members, train, motions, options, workers)
    write_rollouts(cell, evaluation.rollouts)
    for remark in remarks(cell, evaluation):
        print(remark, file=sys.stderr)
    x = torch.cat([torch.from_numpy(draw.x).flatten(0, 1) for draw in train])
    reference = Reference(truth, motions["held_out"], scales(truth, members, train))
    law = learned_law(members, x, reference, options.solver(reference.motion), workers)
    write_json(results_path("rollout", cell.key), evaluation.to_json() | ({"law": law.to_json()} if law else {}))


if __name__ == "__main__":
    run(rollout)
