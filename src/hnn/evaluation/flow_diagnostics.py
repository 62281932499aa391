"""What the flow of a field is worth by itself: whether it runs back, whether it is symplectic, how well it is integrated.

No truth is needed: errors of rollouts beside the true motion are in `hnn.metrics`.
"""

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from hnn.core.phase_space import Field, canonical_matrix
from hnn.integrators.solve import Solver, frozen, rollout

__all__ = ["DIFFERENCE", "integrator_error", "reversal_error", "symplectic_error"]

DIFFERENCE = 1e-6
"""Half the distance between the starts of a difference quotient, over the size of the start. Rounding and the third derivative
of the flow leave a floor below 1e-8 for a pendulum and 1e-6 for two bodies; the truth's row shows it with the integrator's."""


@torch.no_grad()
def reversal_error(field: Field, x: Tensor, t: Tensor, solver: Solver, reach: float) -> Tensor:
    """|x₋ - x(0)| over the root mean square of |x|, (starts,), where x₋ is where x(T) leads when integrated back to time 0.

    Of rollouts x (starts, time, 2n) at the times t (time,). Any flow can be run back; what is left is the integrator's error,
    magnified by how fast neighbouring motions part: large where a field contracts. NaN where x leaves the components below
    `reach`.
    """
    kept = within(x, reach)
    back = rollout(field, torch.where(kept[:, None], x[:, -1], x[:, 0]), t.flip(0), solver)[:, -1]
    size = x.square().sum(-1).mean(-1).sqrt()
    return torch.where(kept, (back - x[:, 0]).norm(dim=-1) / size, torch.nan)


@torch.no_grad()
def symplectic_error(field: Field, x0: Tensor, period: Tensor, solver: Solver) -> Tensor:
    """‖Mᵀ J M - J‖, Frobenius, (starts,), of the derivative M of the flow over one `period` (starts,) from x0 (starts, 2n).

    0 for a flow that is symplectic; √2 |e^(-γT) - 1| for one degree of freedom with friction γ. M is found by central
    differences of rollouts that share their steps, `DIFFERENCE` apart; components of M are in the units of the states.
    """
    known = period.isfinite()
    pace = torch.where(known, period, 1.0).to(x0)
    h = DIFFERENCE * x0.abs().amax(-1, keepdim=True)
    aside = h * torch.eye(x0.shape[-1]).to(x0)[:, None]  # (2n, starts, 2n)
    unit = replace(solver, step=solver.step / float(pace.max()))
    ends = rollout(
        Paced(frozen(field, x0), pace[:, None]), torch.stack([x0 + aside, x0 - aside]), torch.tensor([0.0, 1.0]).to(x0), unit
    )
    M = ((ends[0] - ends[1])[..., -1, :] / (2 * h)).permute(1, 2, 0)
    J = canonical_matrix(x0.shape[-1] // 2).to(x0)
    return torch.where(known, torch.linalg.matrix_norm(M.mT @ J @ M - J), torch.nan)


@dataclass(frozen=True)
class Paced:
    """A field in units of time that differ by start: dx/dτ = pace f(x), pace (starts, 1) in seconds."""

    field: Field
    pace: Tensor

    @property
    def separable(self) -> bool:
        """Whether explicit splittings apply."""
        return bool(getattr(self.field, "separable", False))

    def time_derivative(self, x: Tensor) -> Tensor:
        """Shape (*batch, starts, 2n)."""
        return self.pace * self.field.time_derivative(x)


@torch.no_grad()
def integrator_error(field: Field, x: Tensor, t: Tensor, solver: Solver, reach: float) -> Tensor:
    """What of rollouts x (starts, time, 2n) is owed to the method: `coordinate_error` beside the `finer` one's, (starts,).

    NaN where the finer rollout leaves the components below `reach`; infinite where only x does.
    """
    fine = rollout(field, x[:, 0], t, solver.finer(t))
    error = (x - fine).square().sum((-1, -2)).sqrt() / fine.square().sum((-1, -2)).sqrt()
    return torch.where(within(fine, reach), torch.where(within(x, reach), error, torch.inf), torch.nan)


def within(x: Tensor, reach: float) -> Tensor:
    """Whether no component of rollouts x (starts, time, 2n) passes `reach`, (starts,)."""
    return (x.abs() <= reach).all(-1).all(-1)
