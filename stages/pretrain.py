"""Frames -> an autoencoder for every seed, which all models of the task start from."""

from collections.abc import Sequence

import torch

from stages import run

from hnn import config, fits, io, pixel_training
from hnn.autoencoder import Autoencoder
from hnn.device import choose
from hnn.pixel_training import check_latents, latents
from hnn.seeding import torch_stream
from hnn.training import Fit


def pretrain(task: str) -> None:
    """Fit the autoencoder once for each seed; latent states that have collapsed stop the stage."""
    params = config.load()
    p, render = params.tasks[task].pretrain, params.tasks[task].render
    assert p is not None  # config: every task of pixel_tasks has both
    assert render is not None
    device, recipe = choose(params.device), p.model_dump(exclude={"threads", "time_unit"})
    frames = io.read_frames(task, render.size, render.channels)
    train, test = (torch.from_numpy(frames[name]).to(device) for name in ("train", "test"))
    step = float(io.read_observations(task)[0].t[1]) / p.time_unit
    about = {"pixels": 2 * train[0, 0].numel(), **params.autoencoder.model_dump(), "time_unit": p.time_unit}

    def one(seed: int) -> tuple[Fit[Autoencoder], dict[str, float]]:
        network = Autoencoder(**about, generator=torch_stream(seed, "weights", task, "autoencoder")).to(device)
        batches, label = torch_stream(seed, "batches", task, "autoencoder"), f"pretrain {task} seed {seed}"
        fit = pixel_training.pretrain(network, train, test, step, **recipe, generator=batches, label=label)
        return fit, check_latents(latents(network, test), step, label) if p.steps else {}

    def several(seeds: Sequence[int]) -> list[tuple[Fit[Autoencoder], dict[str, float]]]:
        return [one(seed) for seed in seeds]

    found, alive = zip(*fits.of_seeds(several, params.seeds, p.threads, device, params.compute), strict=True)
    fits.write("pretrain", task, io.autoencoder_path(task), found, about, alive)


if __name__ == "__main__":
    run(pretrain)
