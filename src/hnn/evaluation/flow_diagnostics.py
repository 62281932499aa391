"""Diagnostics of a flow by itself, without the true motion: reversibility, symplecticity, integration error."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
import torch
from numpy import ndarray
from torch import Tensor

from hnn.core import device
from hnn.core.phase_space import Field, canonical_matrix
from hnn.evaluation.metrics import DIFFERENCE, FAR
from hnn.integrators.solve import Solver, frozen, rollout
from hnn.parallel.mapping import ParallelMap, serial_map

__all__ = [
    "DIAGNOSED_STARTS",
    "divergence",
    "flow_errors",
    "friction_error",
    "integrator_error",
    "reversal_error",
    "symplectic_error",
]

DIAGNOSED_STARTS = {"held_out": 10, "outside": 10, "long": 2}
"""Number of starts of each set that are diagnosed, the first ones: each needs several more rollouts, long ones the longest."""


def flow_errors(
    members: Sequence[Field],
    x: ndarray,
    t: ndarray,
    period: ndarray,
    data_size: float,
    solver: Solver,
    starts: str = "held_out",
    parallel_map: ParallelMap = serial_map,
) -> dict[str, ndarray]:
    """`reversal_error` and `symplectic_error` (`held_out` starts only) and `integrator_error`, (seeds, starts) each.

    Of the first `DIAGNOSED_STARTS` starts of the set, NaN for the others. `x` (seeds, starts, time, 2n) are rollouts by the
    solver at the times `t` (time,), `period` (starts,) is that of the true motions, `data_size` the largest |component| in the
    data: rollouts that leave it by `FAR` are NaN.
    """
    count, times, reach = DIAGNOSED_STARTS[starts], torch.from_numpy(t), FAR * data_size
    work = partial(integration, times, solver, reach)
    if starts == "held_out":
        work = partial(flow_of_seed, times, torch.from_numpy(period[:count]), solver, reach)
    first = [torch.from_numpy(own[:count]).to(device.of(member)) for member, own in zip(members, x, strict=True)]
    parts = parallel_map(work, list(zip(members, first, strict=True)))
    errors = {name: np.stack([part[name] for part in parts]) for name in parts[0]}
    rest = ((0, 0), (0, x.shape[1] - len(first[0])))
    return {name: np.pad(values, rest, constant_values=np.nan) for name, values in errors.items()}


def flow_of_seed(t: Tensor, period: Tensor, solver: Solver, reach: float, seed: tuple[Field, Tensor]) -> dict[str, ndarray]:
    """All diagnostics of one seed's field and its rollouts (starts, time, 2n), each (starts,)."""
    member, x = seed
    kept = has_states(x)
    own, periods = x[kept], period[kept.cpu()]
    errors = {"reversal_error": of_kept(kept, reversal_error, member, own, t, solver, reach)}
    errors["symplectic_error"] = of_kept(kept, symplectic_error, member, own[:, 0], periods, solver.finer(t))
    return errors | integration(t, solver, reach, seed)


def has_states(x: Tensor) -> Tensor:
    """True for the rollouts (starts, time, 2n) with a finite state after their start: the others could not be followed."""
    return x[:, 1:].isfinite().any(-1).any(-1)


def of_kept(kept: Tensor, error: Callable[..., Tensor], *arguments: Any) -> ndarray:
    """error(*arguments), one for each start that is `kept` (starts,), at their places among all starts; NaN for the others."""
    values = np.full(len(kept), np.nan)
    if kept.any():
        values[kept.cpu().numpy()] = error(*arguments).cpu().numpy()
    return values


def integration(t: Tensor, solver: Solver, reach: float, seed: tuple[Field, Tensor]) -> dict[str, ndarray]:
    """`integrator_error` of one seed's field and its rollouts (starts, time, 2n), (starts,)."""
    member, x = seed
    kept = has_states(x)
    return {"integrator_error": of_kept(kept, integrator_error, member, x[kept], t, solver, reach)}


@torch.no_grad()
def reversal_error(field: Field, x: Tensor, t: Tensor, solver: Solver, reach: float) -> Tensor:
    """|x₋ - x(0)| over the root mean square of |x|, (starts,), where x₋ is x(T) integrated back to time 0.

    Of rollouts x (starts, time, 2n) at the times t (time,). Every flow is reversible, so this is the integrator's error times
    the growth of distances along the way back: large where a field contracts. NaN where a component of x exceeds `reach`.
    """
    kept = within(x, reach)
    back = rollout(field, torch.where(kept[:, None], x[:, -1], x[:, 0]), t.flip(0), solver)[:, -1]
    size = x.square().sum(-1).mean(-1).sqrt()
    return torch.where(kept, (back - x[:, 0]).norm(dim=-1) / size, torch.nan)


@torch.no_grad()
def symplectic_error(field: Field, x0: Tensor, period: Tensor, solver: Solver) -> Tensor:
    """‖Mᵀ J M - J‖, Frobenius, (starts,), of the Jacobian M of the flow over one `period` (starts,) from x0 (starts, 2n).

    0 for a symplectic flow; √2 |e^(-γT) - 1| for one degree of freedom with friction γ. M is computed by central differences
    of rollouts that share their steps, `DIFFERENCE` apart; its components are in the units of the states. NaN where the period
    is not finite.
    """
    known = period.isfinite()
    pace = torch.where(known, period, 1.0).to(x0)
    h = DIFFERENCE * x0.abs().amax(-1, keepdim=True)
    aside = h * torch.eye(x0.shape[-1]).to(x0)[:, None]  # (2n, starts, 2n)
    flow = TimeScaled(frozen(field, x0), pace[:, None])
    unit_time = torch.tensor([0.0, 1.0]).to(x0)
    ends = rollout(
        flow, torch.stack([x0 + aside, x0 - aside]), unit_time, replace(solver, step=solver.step / float(pace.max()))
    )
    M = ((ends[0] - ends[1])[..., -1, :] / (2 * h)).permute(1, 2, 0)
    J = canonical_matrix(x0.shape[-1] // 2).to(x0)
    return torch.where(known, torch.linalg.matrix_norm(M.mT @ J @ M - J), torch.nan)


@dataclass(frozen=True)
class TimeScaled:
    """A field in units of time that differ by start: dx/dτ = pace f(x), pace (starts, 1) in seconds."""

    field: Field
    pace: Tensor

    @property
    def separable(self) -> bool:
        """True if explicit splittings apply."""
        return bool(getattr(self.field, "separable", False))

    def time_derivative(self, x: Tensor) -> Tensor:
        """dx/dτ, shape (*batch, starts, 2n)."""
        return self.pace * self.field.time_derivative(x)


@torch.no_grad()
def integrator_error(field: Field, x: Tensor, t: Tensor, solver: Solver, reach: float) -> Tensor:
    """Integration error (starts,) of rollouts x (starts, time, 2n): relative distance from rollouts by `solver.finer`.

    NaN where a component of the finer rollout exceeds `reach`; infinite where only x does.
    """
    fine = rollout(field, x[:, 0], t, solver.finer(t))
    error = (x - fine).square().sum((-1, -2)).sqrt() / fine.square().sum((-1, -2)).sqrt()
    return torch.where(within(fine, reach), torch.where(within(x, reach), error, torch.inf), torch.nan)


def within(x: Tensor, reach: float) -> Tensor:
    """True for the rollouts x (starts, time, 2n) none of whose components exceeds `reach`, (starts,)."""
    return (x.abs() <= reach).all(-1).all(-1)


@torch.no_grad()
def friction_error(members: Sequence[Field], truth: Field, x: ndarray) -> ndarray:
    """Relative error of the friction, signed, (seeds, starts): 0.1 is a friction 10 % too strong, -1 none.

    Of the mean along the true motion x (starts, time, 2n) of the divergence of each field, the rate at which the flow expands
    volumes of phase space: -γ n for dp/dt = -∂H/∂q - γ p, and 0 for every Hamiltonian field. It does not depend on how a model
    divides its field into energy and loss.
    """
    states = torch.from_numpy(x)
    true = divergence(truth, states).mean(-1)
    learned = [divergence(member, states.to(device.of(member))).mean(-1).cpu() for member in members]
    return (torch.stack(learned) / true - 1).numpy()


def divergence(field: Field, x: Tensor, shift: float = 1e-4) -> Tensor:
    """Σ ∂fᵢ/∂xᵢ in 1/s, shape (*batch,), at states (*batch, 2n), by central differences of half-width `shift`."""
    shifts = shift * torch.eye(x.shape[-1]).to(x)
    ahead, behind = (frozen(field, x).time_derivative(x[..., None, :] + sign * shifts) for sign in (1, -1))
    return ((ahead - behind).diagonal(dim1=-2, dim2=-1).sum(-1)) / (2 * shift)
