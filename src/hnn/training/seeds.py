"""Fits of all seeds of a cell, and the files of every training stage: weights, curves and losses with their intervals."""

from collections.abc import Callable, Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import Any, TypeVar

import torch

from hnn.core.statistics import over_seeds
from hnn.files import artifacts, formats, paths
from hnn.parallel.mapping import ParallelMap
from hnn.training.fit import Fit, curves, refuse_diverged

__all__ = ["fit_seeds", "write_fits"]

T = TypeVar("T")


def fit_seeds(fit: Callable[[Sequence[int]], list[T]], seeds: int, device: torch.device, parallel_map: ParallelMap) -> list[T]:
    """The results of `fit` for all seeds; `fit` takes a group of seeds, which it trains as one batch.

    On the CPU every seed is a group of its own and groups run in parallel. On a GPU all seeds are one group, since kernel
    launches dominate small networks. Groups do not depend on the number of workers.

    >>> from hnn.parallel.mapping import serial_map
    >>> fit_seeds(lambda group: [f"seed {seed}" for seed in group], 2, torch.device("cpu"), serial_map)
    ['seed 0', 'seed 1']
    """
    groups: list[Sequence[int]] = [range(seeds)] if device.type == "cuda" else [[seed] for seed in range(seeds)]
    return list(chain.from_iterable(parallel_map(fit, groups)))


def write_fits(
    stage: str,
    key: str,
    path: Path,
    fits: Sequence[Fit[Any]],
    about: Mapping[str, Any],
    extra_values: Sequence[Mapping[str, float]] | None = None,
) -> None:
    """Write the fits of all seeds: weights to `path` with the arguments `about` of the network, curves and metrics by `key`.

    `extra_values` are further values of each seed whose means and intervals are written beside those of the losses. Raises
    `Refused`, and writes nothing, if one of the fits has diverged.
    """
    refuse_diverged(key, fits)
    artifacts.write_weights(path, [fit.model.state_dict() for fit in fits], about)
    formats.write_rows(paths.curve_path(key), curves(fits))
    values = [{**fit.losses, **extra} for fit, extra in zip(fits, extra_values or [{}] * len(fits), strict=True)]
    counts = {"parameters": sum(w.numel() for w in fits[0].model.parameters()), "steps": fits[0].curve[-1]["step"]}
    formats.write_json(paths.results_path(stage, key), {n: one.to_json() for n, one in over_seeds(values).items()} | counts)
