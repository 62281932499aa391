"""Multiple shooting by descent: segments of trajectories whose initial states are trained with the weights of a model.

Rolled out over a few observations at a time, segments are independent, so that all of a batch are computed at once and errors
of a model that knows nothing yet do not grow (Bock, Plitt 1984). The end of a segment is drawn to the start of the next.
"""

import torch
from torch import Tensor, nn

from hnn.integrators.fixed_step import Step
from hnn.models.base import Model
from hnn.training.noisy_trajectories import NoisyTrajectories, weighted_square

__all__ = ["Shooting", "interval_loss", "segment_starts", "shooting_loss"]


def segment_starts(count: int, segment: int) -> tuple[list[int], int]:
    """First observations of the segments that cover `count` observations, and the intervals of each; the last may overlap.

    >>> segment_starts(12, 5)
    ([0, 5, 6], 5)
    >>> segment_starts(12, 20)
    ([0], 11)
    """
    length = min(segment, count - 1)
    return [min(i, count - 1 - length) for i in range(0, count - 1, length)], length


class Shooting(nn.Module):
    """A model with the free initial states of all segments of its trajectories."""

    def __init__(self, model: Model, data: NoisyTrajectories, segment: int) -> None:
        super().__init__()
        firsts, length = segment_starts(data.x.shape[1], segment)
        first = torch.tensor(firsts, device=data.x.device)
        within = first[:, None] + torch.arange(length + 1, device=data.x.device)  # (segments of a trajectory, length + 1)
        trajectories = len(data.x)
        self.model = model
        self.starts = nn.Parameter(data.x[:, first].flatten(0, 1))
        """Initial states, (segments, 2n)."""
        for name in ("x", "dx", "weight"):
            self.register_buffer(name, getattr(data, name)[:, within].flatten(0, 1))  # (segments, length + 1, …)
        self.register_buffer("intervals", data.intervals[within[:, :-1]].repeat(trajectories, 1, 1))  # (segments, length, 1)
        following = torch.cat([first.diff(), first.new_zeros(1)])  # the observation of a segment at which the next begins
        self.register_buffer("following", following.repeat(trajectories))  # (segments,); 0 for the last of a trajectory

    def states(self, method: Step, i: Tensor) -> Tensor:
        """Trajectories of the model over the segments i (batch,): (batch, length + 1, 2n)."""
        states = [self.starts[i]]
        for dt in self.get_buffer("intervals")[i].unbind(1):
            states.append(method(self.model, states[-1], dt))
        return torch.stack(states, 1)


def shooting_loss(shooting: Shooting, method: Step, i: Tensor) -> Tensor:
    """Loss of the segments i (batch,), a scalar in squared units of x.

    The mean of |x̂ - x|², of w |f(x̂) - dx|² where derivatives have a weight, and of |x̂ - s|² where the next segment starts from
    s.
    """
    states = shooting.states(method, i)
    loss = (states - shooting.get_buffer("x")[i]).square().mean()
    following = shooting.get_buffer("following")[i]
    end = states.take_along_dim(following[:, None, None], 1).squeeze(1)
    after = shooting.starts[torch.where(following > 0, i + 1, i)]  # of the last of a trajectory itself, from which it is 0
    loss = loss + (end - after).square().mean()
    weight = shooting.get_buffer("weight")[i]
    return loss + weighted_square(shooting.model.time_derivative(states) - shooting.get_buffer("dx")[i], weight)


@torch.no_grad()
def interval_loss(model: Model, method: Step, data: NoisyTrajectories) -> float:
    """Mean of |Φ(xₙ) - xₙ₊₁|² over all observed intervals, in squared units of x; with noise the true field has a floor."""
    return float((method(model, data.x[:, :-1], data.intervals) - data.x[:, 1:]).square().mean())
