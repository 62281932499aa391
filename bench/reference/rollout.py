"""A learned motion: one adaptive solve per start, with the float32 network called on batches of one."""

import torch
from numpy import ndarray
from scipy.integrate import solve_ivp
from torch import nn

from bench.reference.training import field

__all__ = ["rollout"]


def rollout(net: nn.Sequential, x0: ndarray, t: ndarray, tolerance: float) -> ndarray:
    """The states (time, 2n) at the times t (time,) from x0 (2n,) at t[0]."""

    def right_side(time: float, x: ndarray) -> ndarray:
        return field(net, torch.tensor(x, dtype=torch.float32)[None])[0].detach().numpy()

    return solve_ivp(right_side, (t[0], t[-1]), x0, "RK45", t, rtol=tolerance, atol=tolerance).y.T
