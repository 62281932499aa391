"""Observations -> the weights of one cell, task × model, for every seed."""

from collections.abc import Sequence
from functools import partial

from stages import needed, run

from hnn.core.cell import Cell
from hnn.core.device import choose
from hnn.core.seeding import torch_stream
from hnn.core.trajectories import of_seeds
from hnn.files import artifacts, paths
from hnn.models.base import Model, accepted, make_model
from hnn.parallel.pool import parallel_map
from hnn.params.loading import load_params
from hnn.training import checkpoints
from hnn.training.closed_form import fit_features
from hnn.training.fit import Fit, fit
from hnn.training.noisy_trajectories import TrajectoryOptions
from hnn.training.optimizer import OptimizerOptions
from hnn.training.seeds import fit_seeds, write_fits


def train(task: str, name: str) -> None:
    """Fit the model `name` to the task once for each seed."""
    params = load_params()
    cell, p = Cell(task, name), needed(params.tasks[task].train, task)
    device, options = choose(params.device), p.pick(OptimizerOptions)
    draws, test = artifacts.read_observations(task)
    degrees = test.x.shape[-1] // 2
    arguments = accepted(name, {**params.model.model_dump(), "bodies": artifacts.read_bodies(task)})

    def fit_group(seeds: Sequence[int]) -> list[Fit[Model]]:
        weights, batches = ([torch_stream(seed, use, task, name) for seed in seeds] for use in ("weights", "batches"))
        networks = [make_model(name, degrees, **arguments, generator=g).to(device) for g in weights]
        labels = [f"train {cell.key} seed {seed}" for seed in seeds]
        train = of_seeds(draws, seeds)
        if networks[0].closed_form:
            return fit_features(networks, train, test, generators=batches)
        loss = networks[0].loss or p.loss
        trajectories = TrajectoryOptions(loss, p.derivative_weight, p.segment, p.integrator, p.step)
        return fit(
            networks,
            train,
            test,
            options,
            batch=p.batch,
            validation=p.validation,
            generators=batches,
            labels=labels,
            trajectories=trajectories,
        )

    about = {"name": name, "degrees": degrees, **arguments}
    workers = partial(parallel_map, threads=params.threads, compute=params.compute)
    with checkpoints.kept(f"train-{cell.key}"):
        fits = fit_seeds(fit_group, params.seeds, device, workers)
        write_fits("train", cell.key, paths.weights_path(cell), fits, about)


if __name__ == "__main__":
    run(train)
