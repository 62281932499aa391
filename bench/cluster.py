"""64 fits of one cell on a Dask cluster of one worker and of two, all processes of this machine: `python -m bench.cluster`."""

import json
import os
import platform
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

import torch
from safetensors.torch import save

from bench.loopback import started
from hnn.core.seeding import stream, torch_stream
from hnn.datasets import simulation
from hnn.models.base import Model, make_model
from hnn.parallel.pool import parallel_map
from hnn.params.loading import load_params
from hnn.params.sections import Compute
from hnn.systems.base import make_system
from hnn.training.fit import Fit, fit
from hnn.training.optimizer import OptimizerOptions
from hnn.training.seeds import fit_seeds

__all__ = ["BEGIN", "END", "PAGE", "RESULTS", "table"]

SEEDS, STEPS, ROUNDS = 64, 30, 3
RESULTS = Path(__file__).with_suffix(".json")
PAGE = Path(__file__).parents[1] / "docs/cluster.md"
BEGIN, END = "<!-- bench.cluster: begin -->\n", "<!-- bench.cluster: end -->"


def cell() -> Callable[[Sequence[int]], list[Fit[Model]]]:
    """Fits of groups of seeds of pendulum-hnn by the parameters of params.yaml, but for fewer steps."""
    params = load_params()
    task, network = params.tasks["pendulum"], params.model.model_dump()
    truth, simulate, how = make_system(**task.system), task.simulate, task.train
    assert simulate is not None  # pendulum is simulated
    assert how is not None  # and its states are observed
    recipe = replace(how.pick(OptimizerOptions), steps=STEPS)
    starts = truth.sample(stream(params.seed, "starts", "pendulum", "train"), simulate.train, **simulate.distribution)
    times = torch.linspace(0, simulate.duration, simulate.points, dtype=torch.float64)
    motion = simulation.true_motion(truth, starts, times, simulate.tolerance)
    data = simulation.observe(truth, motion, (simulate.noise_q, simulate.noise_p), stream(params.seed, "noise"))

    def some(seeds: Sequence[int]) -> list[Fit[Model]]:
        weights, batches = ([torch_stream(seed, use, "pendulum", "hnn") for seed in seeds] for use in ("weights", "batches"))
        learners = [make_model("hnn", truth.degrees, **network, generator=g) for g in weights]
        return fit(learners, [data], data, recipe, batch=how.batch, validation=how.validation, generators=batches)

    return some


def measure() -> dict[str, Any]:
    """Seconds of all fits on one worker and on two, in turn, after the workers have imported their modules."""
    load = round(os.getloadavg()[0], 1)
    seconds: dict[str, list[float]] = {"1": [], "2": []}
    weights, several = set(), cell()
    with started({}) as single, started({}, {}) as pair:
        addresses = {"1": single.address, "2": pair.address}
        for turn in range(1 + ROUNDS):
            for workers, address in addresses.items():
                start = perf_counter()
                on_cluster = partial(parallel_map, threads=1, compute=Compute(scheduler=address, workers="auto"))
                found = fit_seeds(several, SEEDS if turn else 4, torch.device("cpu"), on_cluster)
                if turn:
                    seconds[workers].append(round(perf_counter() - start, 2))
                    weights.add(b"".join(save(f.model.state_dict()) for f in found))
    middle = {workers: median(found) for workers, found in seconds.items()}
    about = {"cores": os.cpu_count(), "processor": platform.machine(), "torch": torch.__version__, "load": load}
    return {
        "machine": about,
        "seeds": SEEDS,
        "steps": STEPS,
        "seconds": seconds,
        "median_s": middle,
        "ratio": round(middle["1"] / middle["2"], 2),
        "same_bytes": len(weights) == 1,
    }


def table(found: dict[str, Any]) -> str:
    """The measurements as Markdown."""
    rows = [
        f"| {workers} | {found['median_s'][workers]:.1f} | {min(times):.1f} to {max(times):.1f} |"
        for workers, times in found["seconds"].items()
    ]
    about = found["machine"]
    same = "the same bytes each time" if found["same_bytes"] else "DIFFERENT BYTES"
    busy = f"on which {about['load']:.1f} other processes ran as it began"
    what = f"{found['seeds']} fits of pendulum-hnn, {found['steps']} steps each"
    return "\n".join(
        [
            f"{what}, PyTorch {about['torch']}, {about['cores']} cores, {busy}:\n",
            "| workers | seconds, median | of all runs |",
            "|---|---|---|",
            *rows,
            f"\nTwo workers are {found['ratio']:.2f} times as fast as one; {same}.\n",
        ]
    )


def main() -> None:
    """Measure, and write the results beside this file and into the page."""
    found = measure()
    RESULTS.write_text(json.dumps(found, indent=2) + "\n")
    before, rest = PAGE.read_text().split(BEGIN)
    PAGE.write_text(before + BEGIN + table(found) + END + rest.split(END)[1])
    sys.stdout.write(table(found))


if __name__ == "__main__":
    main()
