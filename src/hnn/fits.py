"""What every training stage leaves behind: weights, curves, and the losses of all seeds with their intervals."""

import signal
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import torch
from joblib import Parallel, cpu_count, delayed

from hnn import io
from hnn.seeding import stream
from hnn.statistics import over_seeds
from hnn.training import Fit, curves

__all__ = ["of_seeds", "write"]

T = TypeVar("T")


def of_seeds(fit: Callable[[int], T], seeds: int, threads: int, device: torch.device) -> list[T]:
    """What `fit` makes of each seed, side by side in up to two processes for each core; one after the other on a GPU.

    Two, because cores are shared out evenly: three fits on two cores take a round and a half instead of two rounds. Each
    process computes with so many `threads`: the bytes do not depend on how many fits run at a time.
    """

    def alone(seed: int) -> T:
        """One fit, in a process of its own."""
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        torch.set_num_threads(threads)
        return fit(seed)

    # Ctrl-C reaches all processes. Each ends at once: nothing is written yet, and a pool that is being torn down may hang.
    before = signal.signal(signal.SIGINT, signal.SIG_DFL)
    workers = 1 if device.type == "cuda" else min(seeds, max(1, 2 * cpu_count() // threads))
    found = list(Parallel(n_jobs=workers)(delayed(alone)(seed) for seed in range(seeds)))
    signal.signal(signal.SIGINT, before)
    return found


def write(
    stage: str,
    key: str,
    path: Path,
    fits: Sequence[Fit[Any]],
    about: Mapping[str, Any],
    more: Sequence[Mapping[str, float]] | None = None,
) -> None:
    """Write the fits of all seeds: the weights to `path` with what builds the networks again, curves and metrics by `key`.

    `more` are values of each seed beside its losses.
    """
    io.write_weights(path, [fit.model.state_dict() for fit in fits], about)
    io.write_rows(io.curve_path(key), curves(fits))
    found = [{**fit.losses, **extra} for fit, extra in zip(fits, more or [{}] * len(fits), strict=True)]
    counts = {"parameters": sum(w.numel() for w in fits[0].model.parameters()), "steps": fits[0].curve[-1]["step"]}
    io.write_json(io.metrics_path(stage, key), over_seeds(found, partial(stream, "bootstrap", key)) | counts)
