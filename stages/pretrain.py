"""Frames -> an autoencoder for every seed, from which all models of the task start."""

from collections.abc import Sequence
from functools import partial
from typing import Any

import torch

from stages import needed, run

from hnn.core.device import choose
from hnn.core.seeding import torch_stream
from hnn.core.trajectories import of_seeds
from hnn.files import artifacts, paths
from hnn.networks.autoencoder import Autoencoder
from hnn.parallel.pool import parallel_map
from hnn.params.loading import load_params
from hnn.pixels import training
from hnn.pixels.collapse import check_autoencoder, restart_collapsed
from hnn.pixels.training import Pretraining
from hnn.training import checkpoints
from hnn.training.fit import Fit
from hnn.training.optimizer import OptimizerOptions
from hnn.training.seeds import fit_seeds, write_fits


def pretrain(task: str) -> None:
    """Fit the autoencoder once for each seed, and again where its latent states have collapsed."""
    params = load_params()
    p, render, network = (
        needed(params.tasks[task].pretrain, task),
        needed(params.tasks[task].render, task),
        needed(params.tasks[task].autoencoder, task),
    )
    device, options = choose(params.device), (p.pick(OptimizerOptions), p.pick(Pretraining))
    frames = artifacts.read_frames(task, render.pixels, render.channels)
    draws, test = [torch.from_numpy(draw) for draw in frames["train"]], torch.from_numpy(frames["test"]).to(device)
    step = float(artifacts.read_observations(task)[1].t[1]) / p.time_unit
    about: dict[str, Any] = {"pixels": 2 * test[0, 0].numel(), **network.model_dump(), "time_unit": p.time_unit}
    about["pair_step"] = step if about.pop("momentum") == "difference" else 0.0

    def fit_group(seeds: Sequence[int]) -> list[tuple[Fit[Autoencoder], dict[str, float]]]:
        weights, batches = (
            {seed: torch_stream(seed, use, task, "autoencoder") for seed in seeds} for use in ("weights", "batches")
        )

        def fit(some: Sequence[int]) -> list[Fit[Autoencoder]]:
            networks = [Autoencoder(**about, generator=weights[seed]).to(device) for seed in some]
            labels = [f"pretrain {task} seed {seed}" for seed in some]
            train = [clips.to(device) for clips in of_seeds(draws, some)]
            generators = [batches[seed] for seed in some]
            return training.pretrain(networks, train, test, step, *options, generators=generators, labels=labels)

        def check(seed: int, fitted: Fit[Autoencoder]) -> dict[str, float]:
            return check_autoencoder(fitted.model, test, step, f"pretrain {task} seed {seed}") if p.steps else {}

        return restart_collapsed(fit, check, seeds)

    workers = partial(parallel_map, threads=params.threads, compute=params.compute)
    with checkpoints.kept(f"pretrain-{task}"):
        fits, activity = zip(*fit_seeds(fit_group, params.seeds, device, workers), strict=True)
        write_fits("pretrain", task, paths.autoencoder_path(task), fits, about, activity)


if __name__ == "__main__":
    run(pretrain)
