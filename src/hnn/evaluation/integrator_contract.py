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

from hnn.core import device
from hnn.core.errors import Refused
from hnn.core.phase_space import Field
from hnn.core.trajectories import TrueMotion
from hnn.evaluation import flow_diagnostics
from hnn.evaluation.metrics import FAR
from hnn.evaluation.rollouts import Members
from hnn.integrators.solve import Solver
from hnn.parallel.mapping import ParallelMap, serial_map

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
    solver: Solver,
    starts: str = "held_out",
    parallel_map: ParallelMap = serial_map,
) -> dict[str, ndarray]:
    """Each quantity of `hnn.flow` by seed and start, (seeds, starts); of other sets than `held_out` `integrator_error` only.

    Of the first `EXAMINED` starts of the set, NaN for the others. `x` (seeds, starts, time, 2n) are the rollouts along the
    motion by the same method, `size` the largest |component| in the data.
    """
    count, t, reach = EXAMINED[starts], torch.from_numpy(motion.t), FAR * size
    work = partial(integrated, t, solver, reach)
    if starts == "held_out":
        work = partial(examined, t, torch.from_numpy(motion.period[:count]), solver, reach)
    some = [torch.from_numpy(own[:count]).to(device.of(member)) for member, own in zip(members, x, strict=True)]
    found = parallel_map(work, list(zip(members, some, strict=True)))
    arrays = {name: np.stack([part[name] for part in found]) for name in found[0]}
    rest = ((0, 0), (0, x.shape[1] - len(some[0])))
    return {name: np.pad(values, rest, constant_values=np.nan) for name, values in arrays.items()}


def examined(t: Tensor, period: Tensor, solver: Solver, reach: float, rolled: Rolled) -> dict[str, ndarray]:
    """The quantities of one seed, each (starts,); symplecticity by the finer method."""
    member, x = rolled
    found = {
        "reversal_error": flow_diagnostics.reversal_error(member, x, t, solver, reach),
        "symplectic_error": flow_diagnostics.symplectic_error(member, x[:, 0], period, solver.finer(t)),
    }
    return {name: values.cpu().numpy() for name, values in found.items()} | integrated(t, solver, reach, rolled)


def integrated(t: Tensor, solver: Solver, reach: float, rolled: Rolled) -> dict[str, ndarray]:
    """What of the rollouts of one seed is the integrator's, (starts,)."""
    member, x = rolled
    return {"integrator_error": flow_diagnostics.integrator_error(member, x, t, solver, reach).cpu().numpy()}


def contract(solver: Solver, error: ndarray, own: ndarray, fitted: bool) -> dict[str, Any]:
    """What the metrics say of the integrator, from its errors and the model's coordinate errors, both (seeds, starts).

    `error`, `share`: the mean of its errors, and that over the mean of the model's own at the same starts, which counts as
    1e-10 where it is rounding. A field that was not fitted, the truth, has no error but the integrator's: no share.
    """
    about: dict[str, Any] = {"method": solver.integrator}
    about |= {"tolerance": solver.tolerance} if solver.adaptive else {"step": solver.step}
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
