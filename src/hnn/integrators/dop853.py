"""The adaptive Runge-Kutta method DOP853 of SciPy, applied to a whole batch of trajectories."""

from dataclasses import dataclass

import numpy as np
import torch
from scipy.integrate import solve_ivp
from torch import Tensor

from hnn.core.errors import NotFollowed
from hnn.core.phase_space import Field, Progress

__all__ = ["DOP853"]


@dataclass(frozen=True)
class DOP853:
    """Adaptive Runge-Kutta method of order 8 (Hairer, Nørsett, Wanner 1993, section II.5), in float64; not symplectic.

    The local error per step is at most `tolerance` (relative and absolute, root mean square over the batch). A trajectory
    is NaN after the time at which a component exceeds `limit` or its field is not finite, so that one diverging trajectory
    does not shorten the steps of the others.
    """

    tolerance: float = 1e-9
    limit: float = 1e6

    @torch.no_grad()
    def __call__(self, field: Field, x0: Tensor, t: Tensor, progress: Progress | None = None) -> Tensor:
        """States at the times t (time,) of trajectories from x0 (*batch, 2n) at t[0]; shape (*batch, time, 2n).

        `progress` is called with the fraction of the time that has passed. Raises `NotFollowed` if the step size underflows.
        """
        times, y0 = t.double().cpu().numpy(), x0.detach().double().cpu().numpy().ravel()
        diverged_at = torch.full(x0.shape[:-1], torch.inf, dtype=torch.float64)  # seconds after the start

        def derivative(time: float, y: np.ndarray) -> np.ndarray:
            """The field at all states of the batch, flat (batch * 2n,), set to 0 for diverged trajectories."""
            if progress:
                progress(abs(time - times[0]) / abs(times[-1] - times[0]))
            x = torch.from_numpy(y).view(x0.shape)
            dx = field.time_derivative(x.to(x0)).double().cpu()
            flat = dx.numpy().ravel()
            if np.abs(y).max() < self.limit and np.isfinite(flat.sum()):
                return flat
            regular = (x.abs() < self.limit).all(-1) & dx.isfinite().all(-1)
            diverged_at[~regular] = diverged_at[~regular].clamp(max=abs(time - times[0]))
            return torch.where(regular[..., None], dx, 0.0).numpy().ravel()

        solution = solve_ivp(derivative, times[[0, -1]], y0, "DOP853", times, rtol=self.tolerance, atol=self.tolerance)
        if not solution.success:
            last = times[max(len(solution.t) - 1, 0)]
            raise NotFollowed(f"the motion cannot be followed much beyond t = {last:g} s: the step size underflows")
        x = torch.from_numpy(solution.y).view(*x0.shape, len(times)).transpose(-1, -2)
        elapsed = torch.from_numpy(np.abs(times - times[0]))
        diverged = (elapsed > diverged_at[..., None])[..., None]
        return x.where(~diverged, torch.nan).to(x0)
