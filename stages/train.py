"""Observations -> the weights of one cell, task × model, for every seed."""

import numpy as np
import torch

from stages import run

from hnn import config, io, model
from hnn.device import choose
from hnn.seeding import stream, torch_stream
from hnn.statistics import interval
from hnn.training import Fit, NonFiniteLoss, curves, fit


def train(task: str, name: str) -> None:
    """Fit the model `name` to the task once for each seed."""
    params = config.load()
    torch.set_num_threads(params.threads)
    device, recipe = choose(params.device), params.tasks[task].train.model_dump()
    observations = io.read_observations(task)
    degrees = observations[0].x.shape[-1] // 2

    def one(seed: int) -> Fit:
        network = model.make(name, degrees, **params.model.model_dump(), generator=torch_stream(seed, "weights", task, name))
        batches = torch_stream(seed, "batches", task, name)
        try:
            return fit(network.to(device), *observations, **recipe, generator=batches, label=f"{task}-{name} seed {seed}")
        except NonFiniteLoss as error:
            raise NonFiniteLoss(
                f"train {task}-{name} seed {seed}: {error}; lower train.learning_rate or clip the gradient"
            ) from None

    fits = [one(seed) for seed in range(params.seeds)]
    about = {"name": name, "degrees": degrees, **params.model.model_dump()}
    io.write_weights(io.weights_path(task, name), [f.model.state_dict() for f in fits], about)
    io.write_rows(io.curve_path(task, name), curves(fits))
    losses = {key: np.array([[f.losses[key]] for f in fits]) for key in ("train_loss", "test_loss")}
    summary = {key: interval(values, stream("bootstrap", task, name, key), 2000) for key, values in losses.items()}
    counts = {"parameters": sum(w.numel() for w in fits[0].model.parameters()), "steps": recipe["steps"]}
    io.write_json(io.metrics_path("train", f"{task}-{name}"), summary | counts)


if __name__ == "__main__":
    run(train)
