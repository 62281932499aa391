"""Arrays for the figures of a pixel cell: decoded films, a portrait of the learned energy, a counterfactual motion."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import torch
from numpy import ndarray
from torch import Tensor

from hnn.core.phase_space import join, split
from hnn.core.trajectories import Counterfactual, Portrait, Rollout, Visuals
from hnn.integrators.solve import Solver, rollout
from hnn.pixels.latent_ensemble import LatentEnsemble
from hnn.pixels.latent_model import LatentModel

__all__ = ["counterfactual", "visuals"]

PHASES = (64, 20, 96)
"""Frames before, while and after energy is added."""


@torch.no_grad()
def visuals(ensemble: LatentEnsemble, rollouts: Mapping[str, Rollout], frames: Tensor) -> Visuals:
    """Decoded films, energy portrait and counterfactual motion of the first seed, for the report.

    The films begin at the first held-out start, whose true frames are in `frames` (starts, time, channels, size, size). The
    portrait is the learned H on a grid around the rollouts; the counterfactual starts where the learned H is least and is
    given energy up to the 80th percentile of the starts. Both need a learned energy and two latents.
    """
    held_out, model = rollouts["held_out"], ensemble.members[0]
    assert held_out.z is not None
    shape = frames.shape[2:]
    films = {name: film(ensemble, first_path(rollouts[starts]), shape) for name, starts in FILMS.items()}
    films["true"] = frames[0].numpy()
    if held_out.learned is None or held_out.z.shape[-1] != 2:
        return Visuals(films)
    z, learned = held_out.z[0], held_out.learned[0]
    hamiltonian: Callable[[Tensor], Tensor] = model.dynamics.hamiltonian  # type: ignore[assignment]
    q, p = (np.linspace(1.3 * part.min(), 1.3 * part.max(), 60) for part in (z[..., 0], z[..., 1]))
    grid = torch.from_numpy(np.stack(np.meshgrid(q, p), axis=-1)).to(ensemble.device)
    portrait = Portrait(q, p, hamiltonian(grid).cpu().numpy())
    least = learned[:, 0].argmin()
    added = float(np.quantile(learned[:, 0], 0.8) - learned[least, 0])
    path = counterfactual(model, torch.from_numpy(z[least, 0]).to(ensemble.device), added, PHASES)
    states, energy = path.cpu().numpy(), hamiltonian(path).cpu().numpy()
    return Visuals(films, portrait, Counterfactual(states, energy, film(ensemble, states, shape), np.array(PHASES)))


FILMS = {"decoded": "held_out", "continuous": "continuous"}
"""Decoded films: their name, and the set of starts whose rollouts they show."""


def first_path(rollout: Rollout) -> ndarray:
    """The latent states (time, latent) of the first seed from the first start."""
    assert rollout.z is not None
    return rollout.z[0, 0]


def film(ensemble: LatentEnsemble, z: ndarray, shape: tuple[int, ...]) -> ndarray:
    """The frames (time, channels, size, size), bytes, that the first seed decodes from latent states (time, latent)."""
    decoded = ensemble.decode(0, torch.from_numpy(z).to(ensemble.device)).unflatten(-1, shape)
    return (255 * decoded.nan_to_num(0.0).clamp(0, 1)).round().to(torch.uint8).cpu().numpy()


@dataclass(frozen=True)
class Ascent:
    """dz/ds = ∇H/|∇H|², the steepest ascent of H; s is the energy added (Greydanus et al. 2019, section 6)."""

    model: LatentModel

    def time_derivative(self, z: Tensor) -> Tensor:
        """dz/ds, shape (*batch, 2n)."""
        dq, dp = split(self.model.dynamics.time_derivative(z))  # (∂H/∂p, -∂H/∂q)
        gradient = join(-dp, dq)
        return gradient / gradient.square().sum(-1, keepdim=True)


@torch.no_grad()
def counterfactual(model: LatentModel, z0: Tensor, energy: float, frames: tuple[int, int, int]) -> Tensor:
    """Latent states (1 + Σ frames, latent) from z0 (latent,): the learned motion, energy added evenly, the motion again.

    The added `energy` is in units of the learned H; `frames` are the lengths of the three phases.
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
