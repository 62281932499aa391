"""The pendulum: one adaptive solve per trajectory, with the gradient of H by automatic differentiation in the right side."""

import numpy as np
import torch
from numpy import ndarray
from scipy.integrate import solve_ivp
from torch import Tensor

__all__ = ["hamiltonian", "right_side", "trajectory"]

TOLERANCE = 1e-10  # as published


def hamiltonian(x: Tensor) -> Tensor:
    """p² + 3(1 - cos q) of one state (2,)."""
    return x[1] ** 2 + 3 * (1 - x[0].cos())


def right_side(t: float, x: ndarray) -> ndarray:
    """(∂H/∂p, -∂H/∂q) of one state (2,)."""
    state = torch.tensor(x, requires_grad=True)
    (gradient,) = torch.autograd.grad(hamiltonian(state), state)
    dH_dq, dH_dp = gradient.tolist()
    return np.array([dH_dp, -dH_dq])


def trajectory(x0: ndarray, t: ndarray, tolerance: float = TOLERANCE) -> ndarray:
    """The states (time, 2) at the times t (time,) from x0 (2,) at t[0]."""
    return solve_ivp(right_side, (t[0], t[-1]), x0, "RK45", t, rtol=tolerance, atol=tolerance).y.T
