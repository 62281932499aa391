"""Observations -> the weights of one cell, task × model, for every seed."""

from collections.abc import Sequence

from stages import run

from hnn import config, fits, io, model
from hnn.device import choose
from hnn.model import Model
from hnn.seeding import torch_stream
from hnn.training import Fit, fit

RECIPE = {"steps", "batch", "learning_rate", "schedule", "weight_decay", "gradient_clip", "validation"}


def train(task: str, name: str) -> None:
    """Fit the model `name` to the task once for each seed."""
    params = config.load()
    p, key = params.tasks[task].train, f"{task}-{name}"
    device, recipe = choose(params.device), p.model_dump(include=RECIPE)
    observations = io.read_observations(task)
    degrees = observations[0].x.shape[-1] // 2

    def one(seed: int) -> Fit[Model]:
        network = model.make(name, degrees, **params.model.model_dump(), generator=torch_stream(seed, "weights", task, name))
        batches = torch_stream(seed, "batches", task, name)
        return fit(network.to(device), *observations, **recipe, generator=batches, label=f"train {key} seed {seed}")

    def several(seeds: Sequence[int]) -> list[Fit[Model]]:
        return [one(seed) for seed in seeds]

    about = {"name": name, "degrees": degrees, **params.model.model_dump()}
    found = fits.of_seeds(several, params.seeds, p.threads, device, params.compute)
    fits.write("train", key, io.weights_path(task, name), found, about)


if __name__ == "__main__":
    run(train)
