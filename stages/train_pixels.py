"""Frames and pretrained autoencoders -> the weights of one pixel cell, task × model × step map, for every seed."""

from collections.abc import Sequence

import torch

from stages import run

from hnn import config, fits, io, latent
from hnn.device import choose
from hnn.latent import LatentModel
from hnn.pixel_options import LatentTraining
from hnn.pixel_training import fit_latent
from hnn.recipe import Recipe
from hnn.seeding import torch_stream
from hnn.training import Fit


def train_pixels(task: str, name: str, step_map: str) -> None:
    """Fit autoencoder and the model `name` of its latent states together, through the step map, once for each seed."""
    params = config.load()
    p, render, cell = params.tasks[task].train, params.tasks[task].render, f"{name}-{step_map}"
    assert render is not None  # config: every task of pixel_tasks has it
    device, how = choose(params.device), (p.pick(Recipe), p.pick(LatentTraining))
    frames = io.read_frames(task, render.size, render.channels)
    train, test = (torch.from_numpy(frames[kind]).to(device) for kind in ("train", "test"))
    autoencoders, about = io.read_weights(io.autoencoder_path(task))
    about |= {"name": name, **{f"model_{key}": value for key, value in params.model.model_dump().items()}}
    about |= {"step_map": step_map, "frame_step": float(io.read_observations(task)[0].t[1])}

    def some(seeds: Sequence[int]) -> list[Fit[LatentModel]]:
        weights, batches = ([torch_stream(seed, use, task, name) for seed in seeds] for use in ("weights", "batches"))
        models = [latent.make(**about, generator=g) for g in weights]
        for model, seed in zip(models, seeds, strict=True):
            model.to(device).autoencoder.load_state_dict(autoencoders[seed])
        labels = [f"train {task}-{cell} seed {seed}" for seed in seeds]
        return fit_latent(models, train, test, *how, generators=batches, labels=labels)

    found = fits.of_seeds(some, params.seeds, p.threads, device, params.compute)
    fits.write("train", f"{task}-{cell}", io.weights_path(task, cell), found, about)


if __name__ == "__main__":
    run(train_pixels)
