"""Two bodies under gravity: one adaptive solve per orbit, with the right side of that one orbit in NumPy."""

import numpy as np
from numpy import ndarray
from scipy.integrate import solve_ivp

__all__ = ["energy", "orbit", "right_side"]


def right_side(t: float, x: ndarray) -> ndarray:
    """dx/dt of x = (x₁, y₁, x₂, y₂, and the momenta alike), shape (8,), with G = m = 1."""
    across = x[2:4] - x[0:2]
    pull = across / (across @ across) ** 1.5
    dx = np.empty(8)
    dx[:4], dx[4:6], dx[6:] = x[4:], pull, -pull
    return dx


def orbit(x0: ndarray, t: ndarray, tolerance: float) -> ndarray:
    """The states (time, 8) at the times t (time,) from x0 (8,) at t[0], by the Runge-Kutta pair of orders 5 and 4."""
    return solve_ivp(right_side, (t[0], t[-1]), x0, "RK45", t, rtol=tolerance, atol=tolerance).y.T


def energy(x: ndarray) -> ndarray:
    """|p₁|²/2 + |p₂|²/2 - 1/r, shape (…,), of states (…, 8)."""
    r = np.linalg.norm(x[..., :2] - x[..., 2:4], axis=-1)
    return np.square(x[..., 4:]).sum(-1) / 2 - 1 / r
