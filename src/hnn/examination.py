"""A cell's flow by itself, by seed and start, and the integrator contract: metrics are to be the model's, not the method's.

A model fitted to derivatives is rolled out by a method whose error is at most a hundredth of the model's own: over the
published horizon, ten times as long, and from starts outside the data.
"""

from collections.abc import Mapping
from functools import partial
from typing import Any

import numpy as np
import torch
from numpy import ndarray
from torch import Tensor

from hnn import device, flow
from hnn.chunks import Spread, one_by_one
from hnn.errors import Refused
from hnn.integrators import ADAPTIVE
from hnn.metrics import FAR
from hnn.phase_space import Field
from hnn.rollouts import Members
from hnn.trajectories import TrueMotion

__all__ = ["ALLOWED", "EXAMINED", "contract", "enforce", "examine"]

EXAMINED = {"held_out": 10, "outside": 10, "long": 2}
"""From how many starts of a set, the first ones, its flow is examined: each takes several more rollouts, long ones most."""

ALLOWED, ROUNDING = 0.01, 1e-10
"""The integrator's error over the model's own that honours the contract, and below what a model's error counts as rounding."""

Rolled = tuple[Field, Tensor]
"""One seed's field, and its rollouts (starts, time, 2n)."""


def examine(
    members: Members,
    x: ndarray,
    motion: TrueMotion,
    size: float,
    method: Mapping[str, Any],
    starts: str = "held_out",
    spread: Spread = one_by_one,
) -> dict[str, ndarray]:
    """Each quantity of `hnn.flow` by seed and start, (seeds, starts); of other sets than `held_out` `integrator_error` only.

    Of the first `EXAMINED` starts of the set, NaN for the others. `x` (seeds, starts, time, 2n) are the rollouts along the
    motion by the same method, `size` the largest |component| in the data.
    """
    count, t, reach = EXAMINED[starts], torch.from_numpy(motion.t), FAR * size
    work = partial(integrated, t, method, reach)
    if starts == "held_out":
        work = partial(examined, t, torch.from_numpy(motion.period[:count]), method, reach)
    some = [torch.from_numpy(own[:count]).to(device.of(member)) for member, own in zip(members, x, strict=True)]
    found = spread(work, list(zip(members, some, strict=True)))
    arrays = {name: np.stack([part[name] for part in found]) for name in found[0]}
    rest = ((0, 0), (0, x.shape[1] - len(some[0])))
    return {name: np.pad(values, rest, constant_values=np.nan) for name, values in arrays.items()}


def examined(t: Tensor, period: Tensor, method: Mapping[str, Any], reach: float, rolled: Rolled) -> dict[str, ndarray]:
    """The quantities of one seed, each (starts,); symplecticity by the finer method."""
    member, x = rolled
    found = {
        "reversal_error": flow.reversal_error(member, x, t, method, reach),
        "symplectic_error": flow.symplectic_error(member, x[:, 0], period, flow.finer(method, t)),
    }
    return {name: values.cpu().numpy() for name, values in found.items()} | integrated(t, method, reach, rolled)


def integrated(t: Tensor, method: Mapping[str, Any], reach: float, rolled: Rolled) -> dict[str, ndarray]:
    """What of the rollouts of one seed is the integrator's, (starts,)."""
    member, x = rolled
    return {"integrator_error": flow.integrator_error(member, x, t, method, reach).cpu().numpy()}


def contract(method: Mapping[str, Any], error: ndarray, own: ndarray, fitted: bool) -> dict[str, Any]:
    """What the metrics say of the integrator, from its errors and the model's coordinate errors, both (seeds, starts).

    `error`, `share`: the mean of its errors, and that over the mean of the model's own at the same starts, which counts as
    1e-10 where it is rounding. A field that was not fitted, the truth, has no error but the integrator's: no share.
    """
    adaptive = method["integrator"] in ADAPTIVE
    about = {"method": method["integrator"], **({k: method[k] for k in (("tolerance",) if adaptive else ("step",))})}
    judged, beside = ~np.isnan(error), own[~np.isnan(error) & ~np.isnan(own)]
    mean = float(error[judged].mean()) if judged.any() else None
    share = None if mean is None or not fitted else mean / max(float(beside.sum()) / max(beside.size, 1), ROUNDING)
    honoured = share is None or share <= ALLOWED
    return about | {"error": known(mean), "share": known(share), "honoured": honoured}


def known(value: float | None) -> float | None:
    """The value, or None where it is not finite."""
    return value if value is not None and np.isfinite(value) else None


def enforce(rollouts: str, found: Mapping[str, Any], allow_mismatch: bool) -> dict[str, bool]:
    """{"mismatch": true} where the contract is broken and `allow_mismatch`, {} where it is honoured; else raises `Refused`."""
    if found["honoured"]:
        return {}
    if allow_mismatch:
        return {"mismatch": True}
    key = "tolerance" if "tolerance" in found else "step"
    share = "beyond measure" if found["share"] is None else f"{found['share']:.2g} of the model's own"
    raise Refused(
        f"{rollouts}: the error of {found['method']} with {key} {found[key]:g} is {share}, allowed: {ALLOWED:g}; "
        f"lower rollout.{key}, or say rollout.allow_mismatch: true and every table will mark the cell"
    )
