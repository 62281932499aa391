"""Frames and pretrained autoencoders -> the weights of one pixel cell, task × model × step map, for every seed."""

from collections.abc import Sequence

import torch

from stages import run

from hnn import config, fits, io, latent, pixel_training
from hnn.device import choose
from hnn.latent import LatentModel
from hnn.seeding import torch_stream
from hnn.training import Fit


def train_pixels(task: str, name: str, step_map: str) -> None:
    """Fit autoencoder and the model `name` of its latent states together, through the step map, once for each seed."""
    params = config.load()
    p, render, cell = params.tasks[task].train, params.tasks[task].render, f"{name}-{step_map}"
    assert render is not None  # config: every task of pixel_tasks has it
    device, recipe = choose(params.device), p.model_dump(exclude={"threads", "validation"})
    frames = io.read_frames(task, render.size, render.channels)
    train, test = (torch.from_numpy(frames[kind]).to(device) for kind in ("train", "test"))
    autoencoders, about = io.read_weights(io.autoencoder_path(task))
    about |= {"name": name, **{f"model_{key}": value for key, value in params.model.model_dump().items()}}
    about |= {"step_map": step_map, "frame_step": float(io.read_observations(task)[0].t[1])}

    def one(seed: int) -> Fit[LatentModel]:
        model = latent.make(**about, generator=torch_stream(seed, "weights", task, name))
        model.autoencoder.load_state_dict(autoencoders[seed])
        batches, label = torch_stream(seed, "batches", task, name), f"train {task}-{cell} seed {seed}"
        return pixel_training.fit_latent(model.to(device), train, test, **recipe, generator=batches, label=label)

    def several(seeds: Sequence[int]) -> list[Fit[LatentModel]]:
        return [one(seed) for seed in seeds]

    found = fits.of_seeds(several, params.seeds, p.threads, device, params.compute)
    fits.write("train", f"{task}-{cell}", io.weights_path(task, cell), found, about)


if __name__ == "__main__":
    run(train_pixels)
