"""Simulation: all starts in one solve, against one solve each."""

import numpy as np
import torch
from numpy import ndarray

from bench import ours
from bench.harness import calibrate, clock, compare, ladder
from bench.machine import use_all_cores
from bench.reference import orbits, swing
from bench.row import Row, row

__all__ = ["simulate_pendulum", "simulate_two_body"]

ORBITS, SAMPLE, CHECKED = 1000, 25, 50
SWINGS, SWING_SAMPLE = 50, 10
ENERGY_ERROR = 1e-9


def drift(x: ndarray) -> float:
    """The largest |E(t)/E(0) - 1| of orbits (orbits, time, 8)."""
    energy = orbits.energy(x)
    return float(np.abs(energy / energy[:, :1] - 1).max())


def simulate_two_body() -> Row:
    """1000 orbits to t = 20 at 50 times, both sides as loose as an energy error of 1e-9 allows."""
    use_all_cores()
    truth, x0, t = ours.truth("two_body"), ours.starts("two_body", ORBITS), torch.linspace(0, 20, 50, dtype=torch.float64)
    some, times = x0.numpy(), t.numpy()

    def one_by_one(starts: ndarray, tolerance: float) -> ndarray:
        return np.stack([orbits.orbit(start, times, tolerance) for start in starts])

    tolerances = ladder(1e-6, 1e-13)
    reference, its_error = calibrate(lambda tol: drift(one_by_one(some[:CHECKED], tol)), ENERGY_ERROR, tolerances)
    mine, my_error = calibrate(lambda tol: drift(ours.motion(truth, x0, t, tol).numpy()), ENERGY_ERROR, tolerances)
    random = np.random.default_rng(0)
    found = compare(
        clock(lambda: one_by_one(random.permutation(some)[:SAMPLE], reference), SAMPLE / ORBITS),
        clock(lambda: ours.motion(truth, x0, t, mine)),
    )
    return row(
        found,
        reference=f"one SciPy RK45 per orbit, rtol = atol = {reference:.0e}, right side in NumPy; {SAMPLE} of {ORBITS} orbits "
        f"drawn anew each turn and scaled; largest energy error of {CHECKED} orbits {its_error:.1e}",
        ours=f"simulation.true_motion on all orbits at once, tolerance {mine:.0e}; largest energy error {my_error:.1e}",
        energy_error={"reference": its_error, "ours": my_error},
    )


def simulate_pendulum() -> Row:
    """50 trajectories to t = 3 at 45 times; ours as loose as the error of the reference against a tight solution allows."""
    use_all_cores()
    truth, x0, t = ours.truth("pendulum"), ours.starts("pendulum", SWINGS), torch.linspace(0, 3, 45, dtype=torch.float64)
    starts, times = x0.numpy(), t.numpy()
    tight = ours.motion(truth, x0, t, 1e-13).numpy()

    def one_by_one(which: ndarray) -> ndarray:
        return np.stack([swing.trajectory(starts[i], times) for i in which])

    its_error = float(np.abs(one_by_one(np.arange(SWING_SAMPLE)) - tight[:SWING_SAMPLE]).max())

    def error(tolerance: float) -> float:
        return float(np.abs(ours.motion(truth, x0, t, tolerance).numpy() - tight).max())

    mine, my_error = calibrate(error, its_error, ladder(1e-6, 1e-13))
    random = np.random.default_rng(0)
    found = compare(
        clock(lambda: one_by_one(random.permutation(SWINGS)[:SWING_SAMPLE]), SWING_SAMPLE / SWINGS),
        clock(lambda: ours.motion(truth, x0, t, mine)),
    )
    return row(
        found,
        reference=f"one SciPy RK45 per trajectory, rtol = atol = {swing.TOLERANCE:.0e} as published, gradient of H by "
        f"torch in the right side; {SWING_SAMPLE} of {SWINGS} drawn anew each turn and scaled; largest error {its_error:.1e}",
        ours=f"simulation.true_motion on all at once, tolerance {mine:.0e}; largest error {my_error:.1e}",
        error={"reference": its_error, "ours": my_error},
    )
