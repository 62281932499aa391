"""What the report measures, in the order of its tables: the unit of each quantity and what it says."""

__all__ = ["ENERGIES", "LOSSES", "QUANTITIES"]

QUANTITIES: dict[str, tuple[str, str]] = {
    "energy_error": ("spread", "mean over time of |E(x̂) - E(x)|, over the standard deviation of E in the training data"),
    "energy_error_max": ("spread", "its maximum over time"),
    "energy_drift": (
        "spread/period",
        "slope of E(x̂) - E(x) against time, signed; a bounded oscillation has none",
    ),
    "energy_mse": ("J²", "mean over time of (E(x̂) - E(x))²"),
    "coordinate_error": ("1", "root mean square of x̂ - x over that of x; two unrelated motions of equal size have about √2"),
    "phase_error": (
        "1",
        "how much faster than the truth the model's clock runs, relative and signed",
    ),
    "valid_time": ("periods", "time until x̂ is wrong by 10 % of the motion's size; at most the horizon"),
    "conserved_error": (
        "spread",
        "how far H moves along its own rollout, over its spread in the data; with friction it should",
    ),
    "reversal_error": ("1", "distance from the start after rolling out there and back, over the motion's size; ten starts"),
    "symplectic_error": (
        "1",
        "norm of MᵀJM - J, M the Jacobian of the flow over a period; ten starts; with friction no error",
    ),
    "diverged": (
        "fraction",
        "rollouts that left the data by ten times its size: counted here, left out of all else",
    ),
}
"""By name: (unit, what it is). In all of them but `valid_time` less is better, whatever the sign: differences are of sizes."""

LOSSES = {"states": "dx/dt, mixed SI units", "pixels": "weighted terms, no unit"}
"""Of what a loss is the mean square error, by how a task is observed: dx/dt has components of different units."""

ENERGIES = {
    "hamiltonian": "H, J²",
    "twice_hamiltonian": "2 H, J²",
    "three_eighths_hamiltonian": "3/8 H, J²",
    "squared_radius": "q² + p², mixed SI units",
}
"""Of what an energy error beside the published one is the mean square, by the name of the energy function in params.yaml."""
