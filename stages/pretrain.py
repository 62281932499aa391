"""Frames -> an autoencoder for every seed, from which all models of the task start."""

from collections.abc import Sequence
from functools import partial
from typing import Any

import torch

from stages import run

from hnn.core.device import choose
from hnn.core.seeding import torch_stream
from hnn.core.trajectories import of_seeds
from hnn.files import artifacts, paths
from hnn.networks.autoencoder import Autoencoder
from hnn.parallel.pool import parallel_map
from hnn.params.loading import load_params
from hnn.pixels import training
from hnn.pixels.collapse import check_latents, latents
from hnn.pixels.training import Pretraining
from hnn.training.fit import Fit
from hnn.training.optimizer import OptimizerOptions
from hnn.training.seeds import fit_seeds, write_fits


def pretrain(task: str) -> None:
    """Fit the autoencoder once for each seed; latent states that have collapsed stop the stage."""
    params = load_params()
    p, render = params.tasks[task].pretrain, params.tasks[task].render
    assert p is not None  # hnn.params.schema: every task of pixel_tasks has both
    assert render is not None
    device, options = choose(params.device), (p.pick(OptimizerOptions), p.pick(Pretraining))
    frames = artifacts.read_frames(task, render.pixels, render.channels)
    draws, test = [torch.from_numpy(draw) for draw in frames["train"]], torch.from_numpy(frames["test"]).to(device)
    step = float(artifacts.read_observations(task)[1].t[1]) / p.time_unit
    about: dict[str, Any] = {"pixels": 2 * test[0, 0].numel(), **params.autoencoder.model_dump(), "time_unit": p.time_unit}
    about["pair_step"] = step if about.pop("momentum") == "difference" else 0.0

    def fit_group(seeds: Sequence[int]) -> list[Fit[Autoencoder]]:
        weights, batches = ([torch_stream(seed, use, task, "autoencoder") for seed in seeds] for use in ("weights", "batches"))
        networks = [Autoencoder(**about, generator=g).to(device) for g in weights]
        labels = [f"pretrain {task} seed {seed}" for seed in seeds]
        train = [clips.to(device) for clips in of_seeds(draws, seeds)]
        return training.pretrain(networks, train, test, step, *options, generators=batches, labels=labels)

    fits = fit_seeds(fit_group, params.seeds, device, partial(parallel_map, threads=params.threads, compute=params.compute))
    torch.set_num_threads(params.threads)
    states = [latents(fit.model, test) for fit in fits] if p.steps else []
    collapse = [check_latents(z, step, f"pretrain {task} seed {seed}") for seed, z in enumerate(states)]
    write_fits("pretrain", task, paths.autoencoder_path(task), fits, about, collapse or None)


if __name__ == "__main__":
    run(pretrain)
