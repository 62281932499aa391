"""A system's constants -> training and test data, the true motions of its rollouts, and their certificate."""

from functools import partial

import torch

from stages import needed, run

from hnn.core.seeding import stream
from hnn.datasets import simulation
from hnn.files.artifacts import write_motions, write_observations
from hnn.files.formats import write_json
from hnn.files.paths import results_path
from hnn.parallel.pool import parallel_map
from hnn.params.loading import load_params
from hnn.systems.base import make_system


def simulate(task: str) -> None:
    """Simulate one task: every set of starts, and the training data of every seed, has its own random stream."""
    params = load_params()
    p = needed(params.tasks[task].simulate, task)
    torch.set_num_threads(params.threads)
    truth = make_system(**params.tasks[task].system)
    train = [f"train/{seed}" for seed in range(params.seeds)] if p.data == "per_seed" else ["train"]
    sets = {
        **dict.fromkeys(train, (p.train, p.distribution)),
        "test": (p.test, p.distribution),
        "held_out": (p.starts, p.distribution),
        "outside": (p.starts, p.outside_distribution),
        "table1": (simulation.PUBLISHED_STARTS, p.published_distribution),
    }
    starting = partial(stream, params.seed, "starts", task)
    starts = {name: truth.sample(starting(name), count, **options) for name, (count, options) in sets.items() if options}
    starts["long"] = starts["held_out"]
    times, ends = partial(torch.linspace, 0, dtype=torch.float64), simulation.horizons(p.horizon, p.published_horizon_growth)
    grids = {
        **dict.fromkeys([*train, "test"], times(p.duration, p.points)),
        **dict.fromkeys(("held_out", "outside"), times(p.horizon, p.horizon_points)),
        "long": times(p.long_horizon_factor * p.horizon, p.long_horizon_points),
        "table1": simulation.grid(ends, p.horizon, p.horizon_points),
    }
    simulation.check_size(truth, starts, grids)
    workers = partial(parallel_map, threads=params.threads, compute=params.compute)
    solve = partial(simulation.true_motion, batch_of_starts=p.batch_of_starts, parallel_map=workers)
    motions = {name: solve(truth, x0, grids[name], p.tolerance) for name, x0 in starts.items()}
    certificate = simulation.certify(truth, list(motions.values()), p.tolerance, p.max_energy_error)
    motions |= {name: simulation.until(motions[name], ends) for name in motions if name == "table1"}
    noise, random = (p.noise_q, p.noise_p), partial(stream, params.seed, "noise", task)
    draws = [simulation.observe(truth, motions.pop(name), noise, random(name), p.derivative) for name in train]
    test = simulation.observe(truth, motions.pop("test"), noise, random("test"))
    write_observations(task, draws, test, bodies=truth.equal_bodies)
    write_motions(task, motions)
    write_json(results_path("simulate", task), certificate)


if __name__ == "__main__":
    run(simulate)
