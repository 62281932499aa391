"""The weights of one cell of a recording -> its predictions of the held-out trials, their metrics, and a formula."""

from functools import partial
from math import ceil

import numpy as np
import torch

from stages import needed, run

from hnn.core.cell import Cell
from hnn.core.device import choose
from hnn.evaluation.evaluate import summarise
from hnn.evaluation.law import learned_law
from hnn.evaluation.recorded import Extent, evaluate_recording, friction
from hnn.files.artifacts import read_losses
from hnn.files.formats import write_json
from hnn.files.paths import predicted_metrics_path, weights_path
from hnn.files.recordings import read_trials, write_predictions
from hnn.integrators.solve import Solver
from hnn.parallel.pool import parallel_map
from hnn.params.loading import load_params
from hnn.trained import load_members


def roll_out_recording(task: str, model: str) -> None:
    """Predict the held-out trials of a recording by the cell task × model."""
    params, cell = load_params(), Cell(task, model)
    source, p = needed(params.tasks[task].source, task), params.tasks[task].rollout
    torch.set_num_threads(params.threads)
    members = [member.to(choose(params.device)) for member in load_members(weights_path(cell))]
    training, trials = read_trials(task)
    x = np.concatenate([trial.x for trial in training])
    extent = Extent.of(members, x, source.period)
    longest = max(trial.t[-1] - trial.t[0] for trial in trials)
    most = ceil(p.evaluations_per_period * max(1.0, longest / source.period))
    workers = partial(parallel_map, threads=params.threads, compute=params.compute)
    solver = Solver(p.integrator, p.step, p.tolerance, most)
    predictions, quantities = evaluate_recording(members, trials, extent, solver, workers)
    quantities["model"] = {"friction": friction(members, x)}
    write_predictions(cell, predictions, quantities)
    entries = {runs: {name: one.to_json() for name, one in summarise(of_set).items()} for runs, of_set in quantities.items()}
    law = learned_law(members, torch.from_numpy(x))
    losses = {"losses": read_losses(cell)}
    write_json(predicted_metrics_path(cell), entries | losses | ({"law": law.to_json()} if law else {}))


if __name__ == "__main__":
    run(roll_out_recording)
