"""A system's constants -> training and test data, the true motions of its rollouts, and their certificate."""

from functools import partial

import torch

from stages import run

from hnn.core.seeding import stream
from hnn.datasets import simulation
from hnn.files import artifacts, formats, paths
from hnn.parallel.pool import parallel_map
from hnn.params.loading import load_params
from hnn.systems.base import make_system

times = partial(torch.linspace, 0, dtype=torch.float64)


def simulate(task: str) -> None:
    """Simulate one task: every set of starts has its own random stream."""
    params = load_params()
    p = params.tasks[task].simulate
    assert p is not None  # config: every task of state_tasks has it
    torch.set_num_threads(p.threads)
    truth = make_system(**params.tasks[task].system)
    own, published, outside = p.distribution, p.published_distribution, p.outside_distribution
    sets = {"train": (p.train, own), "test": (p.test, own), "held_out": (p.starts, own), "outside": (p.starts, outside)}
    sets["table1"] = (simulation.PUBLISHED_STARTS, published)
    draws, ends = partial(stream, params.seed, "starts", task), simulation.horizons(p.horizon, p.published_stretch)
    starts = {name: truth.sample(draws(name), count, **options) for name, (count, options) in sets.items() if options}
    starts["long"] = starts["held_out"]
    grids = {"long": times(p.long * p.horizon, p.long_points)} | dict.fromkeys(("train", "test"), times(p.duration, p.points))
    grids |= dict.fromkeys(("held_out", "outside"), times(p.horizon, p.horizon_points))
    grids["table1"] = simulation.grid(ends, p.horizon, p.horizon_points)
    solve = partial(
        simulation.true_motion, chunk=p.chunk, parallel_map=partial(parallel_map, threads=p.threads, compute=params.compute)
    )
    motions = {name: solve(truth, x0, grids[name], p.tolerance) for name, x0 in starts.items()}
    certificate = simulation.certify(truth, list(motions.values()), p.tolerance, p.certificate)
    motions |= {name: simulation.until(motions[name], ends) for name in motions if name == "table1"}
    noise, random = (p.noise_q, p.noise_p), partial(stream, params.seed, "noise", task)
    train = simulation.observe(truth, motions.pop("train"), noise, random("train"), p.derivative)
    test = simulation.observe(truth, motions.pop("test"), noise, random("test"))
    artifacts.write_observations(task, train, test)
    artifacts.write_motions(task, motions)
    formats.write_json(paths.metrics_path("simulate", task), certificate)


if __name__ == "__main__":
    run(simulate)
