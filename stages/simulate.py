"""A system's constants -> training and test data, the true motions of its rollouts, and their certificate."""

from functools import partial

import torch

from stages import run

from hnn import config, io, simulation, system
from hnn.compute import spread
from hnn.seeding import stream

times = partial(torch.linspace, 0, dtype=torch.float64)


def simulate(task: str) -> None:
    """Simulate one task: every set of starts has its own random stream."""
    params = config.load()
    p = params.tasks[task].simulate
    assert p is not None  # config: every task of state_tasks has it
    torch.set_num_threads(p.threads)
    truth = system.make(**params.tasks[task].system)
    sets = {"train": (p.train, p.distribution), "test": (p.test, p.distribution), "held_out": (p.starts, p.distribution)}
    others = {"table1": (15, p.published_distribution), "outside": (p.starts, p.outside_distribution)}
    sets |= {name: (count, distribution) for name, (count, distribution) in others.items() if distribution}
    starts = {
        name: truth.sample(stream(params.seed, "starts", task, name), count, **distribution)
        for name, (count, distribution) in sets.items()
    }
    starts["long"] = starts["held_out"]
    grids = {"long": times(p.long * p.horizon, p.long_points)} | dict.fromkeys(("train", "test"), times(p.duration, p.points))
    grids |= dict.fromkeys(("held_out", "table1", "outside"), times(p.horizon, p.horizon_points))
    solve = partial(simulation.true_motion, chunk=p.chunk, spread=partial(spread, threads=p.threads, compute=params.compute))
    motions = {name: solve(truth, x0, grids[name], p.tolerance) for name, x0 in starts.items()}
    certificate = simulation.certify(truth, list(motions.values()), p.tolerance, p.certificate)
    noise = {name: stream(params.seed, "noise", task, name) for name in ("train", "test")}
    seen = [simulation.observe(truth, motions.pop(name), (p.noise_q, p.noise_p), draws) for name, draws in noise.items()]
    io.write_observations(task, *seen)
    io.write_motions(task, motions)
    io.write_json(io.metrics_path("simulate", task), certificate)


if __name__ == "__main__":
    run(simulate)
