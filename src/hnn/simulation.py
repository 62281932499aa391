"""Initial states to trajectories of a true system, with derivatives, noise and a certificate of their accuracy."""

from functools import partial

import numpy as np
import torch
from torch import Tensor

from hnn.chunks import Spread, one_by_one
from hnn.collocation import Gauss
from hnn.errors import Refused
from hnn.system import System
from hnn.trajectories import Observations, TrueMotion

__all__ = ["certify", "observe", "true_motion"]


def true_motion(
    system: System, x0: Tensor, t: Tensor, tolerance: float, *, chunk: int = 1000, spread: Spread = one_by_one
) -> TrueMotion:
    """The motion from x0 (starts, 2n) at the times t (time,), solved for at most `chunk` starts at once."""
    x = torch.cat(spread(partial(Gauss(tolerance), system, t=t), list(x0.split(chunk))))
    return TrueMotion(t.numpy(), x.numpy(), system.period(x0).numpy())


@torch.no_grad()
def observe(system: System, motion: TrueMotion, noise: tuple[float, float], generator: np.random.Generator) -> Observations:
    """The motion seen with Gaussian noise of standard deviations `noise` on q and p; derivatives are exact, as published."""
    dx = system.time_derivative(torch.from_numpy(motion.x)).numpy()
    sigma = np.repeat(noise, system.degrees)
    return Observations(motion.t, motion.x + sigma * generator.standard_normal(motion.x.shape), dx)


def certify(system: System, motions: list[TrueMotion], tolerance: float, bound: float) -> dict[str, float]:
    """How wrong the motions may be, each figure the largest over all of them; raises `Refused` if one exceeds `bound`.

    `energy_error`, of an ideal system: |E(t) - E(0)| over the largest |E|. `solution_error`, where there is an exact solution:
    the distance to it over the size of the motion. `reversal_error`, of a system with friction: the distance to the start
    after integrating back from the end, over the size of the motion.
    """
    found: dict[str, float] = {}
    for motion in motions:
        t, x = torch.from_numpy(motion.t), torch.from_numpy(motion.x)
        errors: dict[str, Tensor] = {}
        if system.conservative:
            energy = system.hamiltonian(x)
            errors["energy_error"] = (energy - energy[:, :1]) / energy.abs().max()
        else:
            back = Gauss(tolerance)(system, x[:, -1], t[[-1, 0]])[:, -1]
            errors["reversal_error"] = (back - x[:, 0]) / x.abs().max()
        exact = system.solution(x[:, 0], t)
        if exact is not None:
            errors["solution_error"] = (x - exact) / x.abs().max()
        for name, error in errors.items():
            found[name] = max(found.get(name, 0.0), float(error.abs().max()))
    if not all(error <= bound for error in found.values()):
        raise Refused(f"{found} of {type(system).__name__} exceed simulate.certificate, {bound}: lower simulate.tolerance")
    return found
