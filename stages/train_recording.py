"""The trials of a recording -> the weights of one cell, for every seed."""

from collections.abc import Sequence
from functools import partial

import torch

from stages import needed, run

from hnn.core.cell import Cell
from hnn.core.seeding import torch_stream
from hnn.files import paths
from hnn.files.recordings import read_trials
from hnn.models._scaled import Scaled
from hnn.models.base import accepted, make_model
from hnn.parallel.pool import parallel_map
from hnn.params.loading import load_params
from hnn.training import checkpoints
from hnn.training.fit import Fit
from hnn.training.recording import RecordingOptions, fit_recording
from hnn.training.seeds import fit_seeds, write_fits


def train(task: str, name: str) -> None:
    """Fit the model `name` to a recording once for each seed, on the CPU."""
    params = load_params()
    source, p = needed(params.tasks[task].source, task), needed(params.tasks[task].recording, task)
    cell, (training, held_out) = Cell(task, name), read_trials(task)
    network = {"hidden": p.hidden, "layers": p.layers, "activation": p.activation}
    arguments = accepted(name, {**params.model.model_dump(), **network, "bodies": 1})
    degrees = training[0].q.shape[1]
    options = RecordingOptions(p.steps, p.learning_rate, tuple(p.segments), p.iterations)

    def fit_group(seeds: Sequence[int]) -> list[Fit[Scaled]]:
        fits = []
        for seed in seeds:
            model = make_model(name, degrees, **arguments, generator=torch_stream(seed, "weights", task, name)).double()
            label = f"train {cell.key} seed {seed}"
            fits.append(fit_recording(model, training, held_out, source.period, options, label=label))
        return fits

    about = {"name": name, "degrees": degrees, "scaled": 1, **arguments}
    workers = partial(parallel_map, threads=params.threads, compute=params.compute)
    with checkpoints.kept(f"train_recording-{cell.key}"):
        fits = fit_seeds(fit_group, params.seeds, torch.device("cpu"), workers)
        write_fits("train", cell.key, paths.weights_path(cell), fits, about)


if __name__ == "__main__":
    run(train)
