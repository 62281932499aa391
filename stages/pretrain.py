"""Frames -> an autoencoder for every seed, which all models of the task start from."""

from collections.abc import Sequence

import torch

from stages import run

from hnn import config, fits, io, pixel_training
from hnn.autoencoder import Autoencoder
from hnn.device import choose
from hnn.latent_states import check_latents, latents
from hnn.pixel_options import Pretraining
from hnn.recipe import Recipe
from hnn.seeding import torch_stream
from hnn.training import Fit


def pretrain(task: str) -> None:
    """Fit the autoencoder once for each seed; latent states that have collapsed stop the stage."""
    params = config.load()
    p, render = params.tasks[task].pretrain, params.tasks[task].render
    assert p is not None  # config: every task of pixel_tasks has both
    assert render is not None
    device, how = choose(params.device), (p.pick(Recipe), p.pick(Pretraining))
    frames = io.read_frames(task, render.size, render.channels)
    train, test = (torch.from_numpy(frames[name]).to(device) for name in ("train", "test"))
    step = float(io.read_observations(task)[0].t[1]) / p.time_unit
    about = {"pixels": 2 * train[0, 0].numel(), **params.autoencoder.model_dump(), "time_unit": p.time_unit}

    def some(seeds: Sequence[int]) -> list[Fit[Autoencoder]]:
        weights, batches = ([torch_stream(seed, use, task, "autoencoder") for seed in seeds] for use in ("weights", "batches"))
        networks = [Autoencoder(**about, generator=g).to(device) for g in weights]
        labels = [f"pretrain {task} seed {seed}" for seed in seeds]
        return pixel_training.pretrain(networks, train, test, step, *how, generators=batches, labels=labels)

    found = fits.of_seeds(some, params.seeds, p.threads, device, params.compute)
    torch.set_num_threads(p.threads)
    states = [latents(fit.model, test) for fit in found] if p.steps else []
    alive = [check_latents(z, step, f"pretrain {task} seed {seed}") for seed, z in enumerate(states)]
    fits.write("pretrain", task, io.autoencoder_path(task), found, about, alive or None)


if __name__ == "__main__":
    run(pretrain)
