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
    if p.published_distribution:
        sets["table1"] = (simulation.PUBLISHED_STARTS, p.published_distribution)
    draws = partial(stream, params.seed, "starts", task)
    starts = {name: truth.sample(draws(name), count, **options) for name, (count, options) in sets.items()}
    starts["long"] = starts["held_out"]
    ends = simulation.horizons(p.horizon, p.published_stretch)
    grids = {"long": times(p.long * p.horizon, p.long_points)} | dict.fromkeys(("train", "test"), times(p.duration, p.points))
    grids |= {"held_out": times(p.horizon, p.horizon_points), "table1": simulation.grid(ends, p.horizon, p.horizon_points)}
    solve = partial(simulation.true_motion, chunk=p.chunk, spread=partial(spread, threads=p.threads, compute=params.compute))
    motions = {name: solve(truth, x0, grids[name], p.tolerance) for name, x0 in starts.items()}
    certificate = simulation.certify(truth, list(motions.values()), p.tolerance, p.certificate)
    motions |= {name: simulation.until(motion, ends) for name, motion in motions.items() if name == "table1"}
    noise, random = (p.noise_q, p.noise_p), partial(stream, params.seed, "noise", task)
    train = simulation.observe(truth, motions.pop("train"), noise, random("train"), p.derivative)
    test = simulation.observe(truth, motions.pop("test"), noise, random("test"))
    io.write_observations(task, train, test)
    io.write_motions(task, motions)
    io.write_json(io.metrics_path("simulate", task), certificate)


if __name__ == "__main__":
    run(simulate)
