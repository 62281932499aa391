"""What the report draws of one cell behind pixels: decoded films, a portrait of its energy, a counterfactual motion."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from numpy import ndarray
from torch import Tensor

from hnn.core.phase_space import join, split
from hnn.integrators.solve import Solver, rollout
from hnn.pixels.latent_model import LatentEnsemble, LatentModel

__all__ = ["counterfactual", "pictures"]

PHASES = (64, 20, 96)
"""Frames before, while and after energy is added."""


@torch.no_grad()
def pictures(
    ensemble: LatentEnsemble, rollouts: Mapping[str, Mapping[str, ndarray]], frames: Tensor
) -> dict[str, dict[str, ndarray]]:
    """What the report draws of the first seed, from the first held-out start: `film`, as bytes, the true frames and those
    decoded from the rollouts by the trained map and as a continuous motion.

    Of a model that learns an energy and has two latents, also `portrait`, the learned H on a grid, and `counterfactual`: a
    motion that is given energy midway, from the start with the least to where the data have much of it.
    """
    rolled = rollouts["held_out"]
    films = {"decoded": rolled, "continuous": rollouts["continuous"]}
    found = {"film": {name: film(ensemble, arrays["z"][0, 0], frames.shape[2:]) for name, arrays in films.items()}}
    found["film"]["true"] = frames[0].numpy()
    if "learned" not in rolled or rolled["z"].shape[-1] != 2:
        return found
    z, learned = rolled["z"][0], rolled["learned"][0]
    q, p = (np.linspace(1.3 * part.min(), 1.3 * part.max(), 60) for part in (z[..., 0], z[..., 1]))
    grid = torch.from_numpy(np.stack(np.meshgrid(q, p), axis=-1)).to(ensemble.device)
    energy = ensemble.members[0].dynamics.hamiltonian(grid)  # type: ignore[operator]
    found["portrait"] = {"q": q, "p": p, "energy": energy.cpu().numpy()}
    least = learned[:, 0].argmin()
    rise = float(np.quantile(learned[:, 0], 0.8) - learned[least, 0])
    path = counterfactual(ensemble.members[0], torch.from_numpy(z[least, 0]).to(ensemble.device), rise, PHASES)
    along = ensemble.members[0].dynamics.hamiltonian(path)  # type: ignore[operator]
    found["counterfactual"] = {
        "z": path.cpu().numpy(),
        "energy": along.cpu().numpy(),
        "decoded": film(ensemble, path.cpu().numpy(), frames.shape[2:]),
        "phases": np.array(PHASES),
    }
    return found


def film(ensemble: LatentEnsemble, z: ndarray, shape: tuple[int, ...]) -> ndarray:
    """The frames (time, channels, size, size), bytes, that the first seed decodes from its latent states (time, latent)."""
    decoded = ensemble.decode(0, torch.from_numpy(z).to(ensemble.device)).unflatten(-1, shape)
    return (255 * decoded.nan_to_num(0.0).clamp(0, 1)).round().to(torch.uint8).cpu().numpy()


@dataclass(frozen=True)
class Ascent:
    """dz/ds = ∇H/|∇H|²: where energy is added the fastest; s is the energy added (Greydanus et al. 2019, section 6)."""

    model: LatentModel

    def time_derivative(self, z: Tensor) -> Tensor:
        """Shape (*batch, 2n), per unit of the learned energy."""
        dq, dp = split(self.model.dynamics.time_derivative(z))  # (∂H/∂p, -∂H/∂q)
        gradient = join(-dp, dq)
        return gradient / gradient.square().sum(-1, keepdim=True)


@torch.no_grad()
def counterfactual(model: LatentModel, z0: Tensor, energy: float, frames: tuple[int, int, int]) -> Tensor:
    """Latent states (1 + Σ frames, latent) from z0 (latent,): the learned motion, then `energy` added evenly, then the motion.

    `energy` is in units of the learned H; the three phases last so many `frames` each.
    """
    before, adding, after = frames
    path = [z0[None]]
    for count, field, step, method in (
        (before, model.dynamics, model.step, model.step_map),
        (adding, Ascent(model), energy / adding, "rk4"),
        (after, model.dynamics, model.step, model.step_map),
    ):
        times = step * torch.arange(count + 1, dtype=torch.float64)
        path.append(rollout(field, path[-1][-1], times, Solver(method, abs(step)))[1:])
    return torch.cat(path)
