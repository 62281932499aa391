"""SciPy's adaptive DOP853 on a whole batch of trajectories."""

from dataclasses import dataclass

import numpy as np
import torch
from scipy.integrate import solve_ivp
from torch import Tensor

from hnn.core.errors import Refused
from hnn.core.phase_space import Field

__all__ = ["DOP853"]


@dataclass(frozen=True)
class DOP853:
    """SciPy's adaptive DOP853 (Hairer, Nørsett, Wanner 1993, section II.5) on the whole batch at once, in float64.

    Local error per step at most `tolerance` (relative and absolute, root mean square over the batch). A trajectory that comes
    where a component passes `limit` or the field is not finite stops there and is NaN from then on, so that one explosion does
    not hold up the batch.
    """

    tolerance: float = 1e-9
    limit: float = 1e6

    @torch.no_grad()
    def __call__(self, field: Field, x0: Tensor, t: Tensor) -> Tensor:
        """States at the times t (time,) of trajectories from x0 (*batch, 2n) at t[0]; shape (*batch, time, 2n)."""
        times, y0 = t.double().cpu().numpy(), x0.detach().double().cpu().numpy().ravel()
        lost_at = torch.full(x0.shape[:-1], torch.inf, dtype=torch.float64)  # seconds after the start

        def derivative(time: float, y: np.ndarray) -> np.ndarray:
            """The field at all states of the batch, flat (batch * 2n,), which is 0 where a trajectory is lost."""
            x = torch.from_numpy(y).view(x0.shape)
            dx = field.time_derivative(x.to(x0)).double().cpu()
            flat = dx.numpy().ravel()
            if np.abs(y).max() < self.limit and np.isfinite(flat.sum()):
                return flat
            regular = (x.abs() < self.limit).all(-1) & dx.isfinite().all(-1)
            lost_at[~regular] = lost_at[~regular].clamp(max=abs(time - times[0]))
            return torch.where(regular[..., None], dx, 0.0).numpy().ravel()

        found = solve_ivp(derivative, times[[0, -1]], y0, "DOP853", times, rtol=self.tolerance, atol=self.tolerance)
        if not found.success:
            last = times[max(len(found.t) - 1, 0)]
            raise Refused(f"the motion cannot be followed much beyond t = {last:g} s: its steps shrink to nothing")
        x = torch.from_numpy(found.y).view(*x0.shape, len(times)).transpose(-1, -2)
        after = torch.from_numpy(np.abs(times - times[0]))
        lost = (after > lost_at[..., None])[..., None]
        return x.where(~lost, torch.nan).to(x0)
