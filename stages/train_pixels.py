"""Frames and pretrained autoencoders -> the weights of one pixel cell, task × model × step map, for every seed."""

from collections.abc import Sequence
from functools import partial

import torch

from stages import needed, run

from hnn.core.cell import Cell
from hnn.core.device import choose
from hnn.core.errors import Refused
from hnn.core.seeding import torch_stream
from hnn.core.trajectories import of_seeds
from hnn.files import artifacts, paths
from hnn.integrators.fixed_step import STEP_MAPS
from hnn.models.base import accepted
from hnn.parallel.pool import parallel_map
from hnn.params.base import hint
from hnn.params.loading import load_params
from hnn.pixels.latent_model import LatentModel, make_latent_model
from hnn.pixels.training import LatentTraining, fit_latent
from hnn.training import checkpoints
from hnn.training.fit import Fit
from hnn.training.optimizer import OptimizerOptions
from hnn.training.seeds import fit_seeds, write_fits


def train_pixels(task: str, name: str, step_map: str) -> None:
    """Fit autoencoder and the model `name` of its latent states together, through the step map, once for each seed."""
    params = load_params()
    cell, p, render = (
        Cell(task, name, step_map),
        needed(params.tasks[task].train_pixels, task),
        needed(params.tasks[task].render, task),
    )
    if step_map not in STEP_MAPS:
        raise Refused(f"step map: given {step_map!r}; {hint(step_map, STEP_MAPS)}")
    device, options = choose(params.device), (p.pick(OptimizerOptions), p.pick(LatentTraining))
    frames = artifacts.read_frames(task, render.pixels, render.channels)
    draws, test = [torch.from_numpy(draw) for draw in frames["train"]], torch.from_numpy(frames["test"]).to(device)
    autoencoders, about = artifacts.read_weights(paths.autoencoder_path(task))
    about |= {"name": name, **{f"model_{key}": value for key, value in accepted(name, params.model.model_dump()).items()}}
    about |= {"step_map": step_map, "frame_step": float(artifacts.read_observations(task)[1].t[1])}

    def fit_group(seeds: Sequence[int]) -> list[Fit[LatentModel]]:
        weights, batches = ([torch_stream(seed, use, task, name) for seed in seeds] for use in ("weights", "batches"))
        models = [make_latent_model(**about, generator=g) for g in weights]
        for model, seed in zip(models, seeds, strict=True):
            model.to(device).autoencoder.load_state_dict(autoencoders[seed])
        labels = [f"train {cell.key} seed {seed}" for seed in seeds]
        train = [clips.to(device) for clips in of_seeds(draws, seeds)]
        return fit_latent(models, train, test, *options, generators=batches, labels=labels)

    workers = partial(parallel_map, threads=params.threads, compute=params.compute)
    with checkpoints.kept(f"train_pixels-{cell.key}"):
        fits = fit_seeds(fit_group, params.seeds, device, workers)
        write_fits("train", cell.key, paths.weights_path(cell), fits, about)


if __name__ == "__main__":
    run(train_pixels)
