"""Whether a model is better than the baseline: paired differences of every quantity, with intervals and verdicts."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy import ndarray

from hnn.core.seeding import stream
from hnn.core.statistics import difference
from hnn.evaluation.metrics import energy_change

__all__ = ["compare", "judge"]

LARGER_IS_BETTER = {"valid_time"}
OF_IDEAL_SYSTEMS, FRICTION = {"symplectic_error"}, 0.01
"""What is no error where the true energy changes by more than this part of it: a flow with friction is not symplectic."""
PREFIX = "quantity."
"""Of the arrays, by seed and start, that the rollouts of a cell hold beside the motions."""


def compare(
    task: str, rollouts: Mapping[str, Mapping[str, Mapping[str, ndarray]]], draws: int, shared_seeds: bool = False
) -> dict[str, Any]:
    """Each model beside the baseline that was trained alike: "hnn vs baseline" → set of starts → quantity → difference.

    `rollouts[model][starts]` holds what the rollout stages write; errors that have a sign are compared by their magnitude.
    `shared_seeds`: whether the models of one seed begin from the same weights, as from one autoencoder.
    """
    pairs = {model: model.replace(model.split("-")[0], "baseline", 1) for model in rollouts}
    return {
        f"{model} vs {baseline}": {
            starts: differences(f"{task} {model} {starts}", arrays, rollouts[baseline][starts], draws, shared_seeds)
            for starts, arrays in rollouts[model].items()
            if starts in rollouts[baseline] and any(name.startswith(PREFIX) for name in arrays)
        }
        for model, baseline in pairs.items()
        if model not in ("truth", baseline) and baseline in rollouts  # the truth is a floor, with one seed
    }


def differences(
    label: str, a: Mapping[str, ndarray], b: Mapping[str, ndarray], draws: int, shared_seeds: bool
) -> dict[str, Any]:
    """{mean, low, high, verdict} of a minus b for every quantity, (seeds, starts), that both have."""
    names = [name.removeprefix(PREFIX) for name in a if name.startswith(PREFIX) and name in b]
    if "true_energy" in a and abs(energy_change(a["true_energy"])) > FRICTION:
        names = [name for name in names if name not in OF_IDEAL_SYSTEMS]
    found = {}
    for name in names:
        ours, theirs = (np.abs(arrays[PREFIX + name]) for arrays in (a, b))
        gap = difference(ours, theirs, stream("comparison", label, name), draws, shared_seeds)
        found[name] = gap | {"verdict": judge(gap, larger_is_better=name in LARGER_IS_BETTER)}
    return found


def judge(gap: Mapping[str, float | None], *, larger_is_better: bool) -> str:
    """`better` or `worse` where the interval of a difference leaves out zero, else `not distinguishable`."""
    low, high = gap["low"], gap["high"]
    if low is None or high is None or low <= 0 <= high:
        return "not distinguishable"
    return "better" if (low > 0) == larger_is_better else "worse"
