"""Observations -> the weights of one cell, task × model, for every seed."""

from collections.abc import Sequence

from stages import run

from hnn import config, fits, io, model
from hnn.device import choose
from hnn.model import Model
from hnn.recipe import Recipe
from hnn.seeding import torch_stream
from hnn.training import Fit, fit


def train(task: str, name: str) -> None:
    """Fit the model `name` to the task once for each seed."""
    params = config.load()
    p, key = params.tasks[task].train, f"{task}-{name}"
    device, recipe = choose(params.device), p.pick(Recipe)
    observations = io.read_observations(task)
    degrees = observations[0].x.shape[-1] // 2

    def some(seeds: Sequence[int]) -> list[Fit[Model]]:
        weights, batches = ([torch_stream(seed, use, task, name) for seed in seeds] for use in ("weights", "batches"))
        networks = [model.make(name, degrees, **params.model.model_dump(), generator=g).to(device) for g in weights]
        labels = [f"train {key} seed {seed}" for seed in seeds]
        return fit(networks, *observations, recipe, batch=p.batch, validation=p.validation, generators=batches, labels=labels)

    about = {"name": name, "degrees": degrees, **params.model.model_dump()}
    found = fits.of_seeds(some, params.seeds, p.threads, device, params.compute)
    fits.write("train", key, io.weights_path(task, name), found, about)


if __name__ == "__main__":
    run(train)
