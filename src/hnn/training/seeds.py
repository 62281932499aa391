"""What every training stage leaves behind: weights, curves, and the losses of all seeds with their intervals."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import torch

from hnn.core.seeding import stream
from hnn.core.statistics import over_seeds
from hnn.files import artifacts, formats, paths
from hnn.parallel.pool import parallel_map
from hnn.training.fit import Fit, curves

if TYPE_CHECKING:
    from hnn.params.sections import Compute

__all__ = ["fit_seeds", "write_fits"]

T = TypeVar("T")


def fit_seeds(
    fit: Callable[[Sequence[int]], list[T]], seeds: int, threads: int, device: torch.device, compute: "Compute"
) -> list[T]:
    """What `fit` makes of each seed, where `compute` says; it is called with groups of seeds, which it fits together.

    On the CPU every seed is a group of its own, and several run side by side; on a GPU all seeds are one group, since small
    kernels are bound by launches. How many workers there are changes no group.
    """
    groups: list[Sequence[int]] = [range(seeds)] if device.type == "cuda" else [[seed] for seed in range(seeds)]
    return list(chain.from_iterable(parallel_map(fit, groups, threads=threads, compute=compute)))


def write_fits(
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
    artifacts.write_weights(path, [fit.model.state_dict() for fit in fits], about)
    formats.write_rows(paths.curve_path(key), curves(fits))
    found = [{**fit.losses, **extra} for fit, extra in zip(fits, more or [{}] * len(fits), strict=True)]
    counts = {"parameters": sum(w.numel() for w in fits[0].model.parameters()), "steps": fits[0].curve[-1]["step"]}
    formats.write_json(paths.metrics_path(stage, key), over_seeds(found, partial(stream, "bootstrap", key)) | counts)
