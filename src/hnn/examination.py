"""A cell's flow by itself, by seed and start, and the integrator contract: metrics are to be the model's, not the method's.

A model fitted to derivatives is rolled out by a method whose error is at most a hundredth of the model's own.
"""

from collections.abc import Mapping
from functools import partial
from typing import Any

import numpy as np
import torch
from numpy import ndarray
from torch import Tensor

from hnn import flow
from hnn.chunks import Spread, one_by_one
from hnn.errors import Refused
from hnn.integrators import ADAPTIVE
from hnn.metrics import FAR
from hnn.model import Ensemble, Model
from hnn.trajectories import TrueMotion

__all__ = ["ALLOWED", "contract", "enforce", "examine"]

EXAMINED = 10
"""From how many starts, the first ones, a flow is examined: each takes several more rollouts."""

ALLOWED, ROUNDING = 0.01, 1e-10
"""The integrator's error over the model's own that honours the contract, and below what a model's error counts as rounding."""


def examine(
    ensemble: Ensemble,
    x: ndarray,
    motion: TrueMotion,
    size: float,
    method: Mapping[str, Any],
    spread: Spread = one_by_one,
) -> dict[str, ndarray]:
    """Each quantity of `hnn.flow` by seed and start, (seeds, starts): of the first `EXAMINED` starts, NaN for the others.

    `x` (seeds, starts, time, 2n) are the rollouts along the motion by the same method, `size` the largest |component| in the
    data.
    """
    t, period = torch.from_numpy(motion.t), torch.from_numpy(motion.period[:EXAMINED])
    some = torch.from_numpy(x[:, :EXAMINED]).to(ensemble.device)
    found = spread(partial(examined, t, period, method, FAR * size), list(zip(ensemble.members, some, strict=True)))
    rest = x.shape[1] - some.shape[1]
    arrays = {name: np.stack([part[name] for part in found]) for name in found[0]}
    return {name: np.pad(values, ((0, 0), (0, rest)), constant_values=np.nan) for name, values in arrays.items()}


def examined(
    t: Tensor, period: Tensor, method: Mapping[str, Any], reach: float, rolled: tuple[Model, Tensor]
) -> dict[str, ndarray]:
    """The quantities of one seed and its rollouts (starts, time, 2n), each (starts,); symplecticity by the finer method."""
    member, x = rolled
    found = {
        "reversal_error": flow.reversal_error(member, x, t, method, reach),
        "symplectic_error": flow.symplectic_error(member, x[:, 0], period, flow.finer(method, t)),
        "integrator_error": flow.integrator_error(member, x, t, method, reach),
    }
    return {name: values.cpu().numpy() for name, values in found.items()}


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


def enforce(cell: str, found: Mapping[str, Any], allow_mismatch: bool) -> dict[str, bool]:
    """{"mismatch": true} where the contract is broken and `allow_mismatch`, {} where it is honoured; else raises `Refused`."""
    if found["honoured"]:
        return {}
    if allow_mismatch:
        return {"mismatch": True}
    key = "tolerance" if "tolerance" in found else "step"
    share = "beyond measure" if found["share"] is None else f"{found['share']:.2g} of the model's own"
    raise Refused(
        f"{cell}: the error of {found['method']} with {key} {found[key]:g} is {share}, allowed: {ALLOWED:g}; "
        f"lower rollout.{key}, or say rollout.allow_mismatch: true and every table will mark the cell"
    )
