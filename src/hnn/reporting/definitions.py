"""Definitions: the unit and meaning of each metric, in the order of the report's tables."""

__all__ = ["AT_FLOOR", "ENERGIES", "FRICTION", "LARGER_IS_BETTER", "LOSSES", "QUANTITIES", "UNREADABLE"]

FRICTION = 0.01
"""Relative change of the true energy over the horizon beyond which a system counts as one with friction."""

QUANTITIES: dict[str, tuple[str, str]] = {
    "energy_error": ("energy std", "mean over time of |E(x̂) - E(x)|, over the standard deviation of E in the training data"),
    "energy_error_max": ("energy std", "its maximum over time"),
    "energy_drift": ("energy std/period", "slope of E(x̂) - E(x) against time, signed; small for a bounded oscillation"),
    "energy_mse": ("J²", "mean over time of (E(x̂) - E(x))²"),
    "coordinate_error": ("1", "root mean square of x̂ - x over that of x; √2 for two unrelated motions of equal size"),
    "phase_error": ("1", "relative error of the frequency, signed"),
    "valid_time": ("periods", "time until x̂ is wrong by 10 % of the motion's size; at most the horizon"),
    "valid_frames": ("frames", "decoded frames until the mean square over pixels exceeds 0.025 (Botev et al. 2021)"),
    "conserved_error": (
        "learned energy std",
        "mean change of the learned H along its own rollout; with friction it should change",
    ),
    "learned_energy_change": (
        "learned energy std",
        "the same of a model that learns a loss beside its H, and of an exact field with friction; not an error",
    ),
    "momentum_error": ("kg m/s", "root mean square over time of the error of the total momentum, where a system conserves it"),
    "angular_momentum_error": ("kg m²/s", "the same of the angular momentum about the origin"),
    "friction_error": (
        "1",
        "relative error of the rate at which friction contracts volumes of phase space, signed; -1: none is learned",
    ),
    "reversal_error": ("1", "distance from the start after integrating forward and back, over the motion's size; ten starts"),
    "symplectic_error": (
        "1",
        "norm of MᵀJM - J, M the Jacobian of the flow over a period; ten starts; no error with friction",
    ),
    "not_followed": ("fraction", "rollouts without a state after their start, such as of too steep a field; also diverged"),
    "impossible_energy": ("fraction", "rollouts of a thousand times the largest energy of the data; also diverged"),
    "diverged": ("fraction", "rollouts that exceed ten times the largest component of the data: excluded from all errors"),
}
"""By name: (unit, meaning). Signed errors are compared by magnitude."""

LARGER_IS_BETTER = {"valid_time", "valid_frames"}
"""Quantities of which more is better; less is better of all others."""

AT_FLOOR, UNREADABLE = "at the floor of the reading", "the states cannot be read"
"""Reasons why errors of states that are read from latents or pictures have no verdict."""

LOSSES = {"states": "dx/dt, mixed SI units", "pixels": "weighted terms, no unit"}
"""Quantity inside the mean square of the loss, by how a task is observed."""

ENERGIES = {
    "hamiltonian": "H, J²",
    "twice_hamiltonian": "2 H, J²",
    "three_eighths_hamiltonian": "3/8 H, J²",
    "squared_radius": "q² + p², mixed SI units",
}
"""Energy function inside the mean square error beside the published one, by its name in params.yaml."""
