"""Observations -> the weights of one cell, task × model, for every seed."""

from collections.abc import Sequence

from stages import run

from hnn.core.cell import Cell
from hnn.core.device import choose
from hnn.core.seeding import torch_stream
from hnn.files import artifacts, paths
from hnn.models.base import Model, make_model
from hnn.params.loading import load_params
from hnn.training.fit import Fit, fit
from hnn.training.optimizer import OptimizerOptions
from hnn.training.seeds import fit_seeds, write_fits


def train(task: str, name: str) -> None:
    """Fit the model `name` to the task once for each seed."""
    params = load_params()
    p, key = params.tasks[task].train, f"{task}-{name}"
    assert p is not None  # hnn.params.schema: every task whose states are observed has it
    device, recipe = choose(params.device), p.pick(OptimizerOptions)
    observations = artifacts.read_observations(task)
    degrees = observations[0].x.shape[-1] // 2

    def some(seeds: Sequence[int]) -> list[Fit[Model]]:
        weights, batches = ([torch_stream(seed, use, task, name) for seed in seeds] for use in ("weights", "batches"))
        networks = [make_model(name, degrees, **params.model.model_dump(), generator=g).to(device) for g in weights]
        labels = [f"train {key} seed {seed}" for seed in seeds]
        return fit(networks, *observations, recipe, batch=p.batch, validation=p.validation, generators=batches, labels=labels)

    about = {"name": name, "degrees": degrees, **params.model.model_dump()}
    found = fit_seeds(some, params.seeds, params.threads, device, params.compute)
    write_fits("train", key, paths.weights_path(Cell(task, name)), found, about)


if __name__ == "__main__":
    run(train)
