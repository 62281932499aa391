"""`python -m hnn rollout … --frames`: the motion that a pixel cell predicts from two frames of one's own, as a film."""

import sys
from pathlib import Path

import numpy as np
from numpy import ndarray
from torch import Tensor

from hnn.commands.output import check_output, is_stdout, output
from hnn.core.errors import Refused
from hnn.figures.films import side_by_side
from hnn.files import formats
from hnn.files.arrays import read_array
from hnn.params.base import hint
from hnn.params.loading import load_params
from hnn.params.schema import Params
from hnn.pixels.frame_format import channels_first
from hnn.pixels.trained import TrainedPixels, load_pixels
from hnn.systems.base import System, make_system

__all__ = ["rollout_frames"]

ARRAY = "frames"
"""The name of the array in an NPZ file that has several."""

MOST_FRAMES = 10_000
"""Longest film: 60 MB of brightness in float64 for grey frames of 28 x 28."""

WIDTH = 168
"""Least width of a frame of the film in pixels of the screen, by repeating its pixels."""

NO_FRAME = 64
"""Brightness in place of a true frame after the end of the clip."""


def rollout_frames(
    task: str,
    model: str,
    frames: Path,
    out: Path,
    *,
    until: float | None = None,
    step_map: str | None = None,
    seed: int = 0,
) -> None:
    """Write a film of the true frames and of those that a cell predicts from the first two, next to each other, as GIF.

    As long as the clip, or `until` seconds; by the trained step map, the first of params.yaml if none is given. Raises
    `Refused` for bad arguments and unsuitable frames, before anything is written.
    """
    params = load_params()
    cell = cell_of(params, task, model, step_map, seed)
    check_output(out)
    if out.suffix.lower() != ".gif" and not is_stdout(out):
        raise Refused(f"--out: given {out}, must end in .gif")
    step = cell.network.frame_step
    try:
        true = cell.format.checked(channels_first(read_array(frames, ARRAY)))
    except ValueError as error:
        raise Refused(str(error)) from None
    count = len(true) if until is None else frames_until(until, step)
    z = cell.rollout(true, count - 1)
    predicted = cell.decode(z).unflatten(-1, true.shape[1:])
    finite = predicted.isfinite().flatten(1).all(-1)
    if not finite.all():
        last = int(finite.int().argmin()) - 1
        print(f"warning: the rollout diverges after t = {last * step:g}; from there on its frames are black", file=sys.stderr)
    film = [
        padded(true.round().numpy().astype(np.uint8), count),
        (255 * predicted.nan_to_num(0.0).clamp(0, 1)).round().numpy().astype(np.uint8),
    ]
    with output(out, ".gif") as path:
        formats.write_picture(path, side_by_side(film, scale=-(-WIDTH // cell.format.size)), step)
    length = f"{out}: {count} frames, {(count - 1) * step:g} s, true ones on the left, predicted ones on the right"
    truth = make_system(**params.tasks[task].system)
    said = "; ".join([length, *states_at_ends(cell, true, z, truth)])
    print(said, file=sys.stderr if is_stdout(out) else sys.stdout)


def cell_of(params: Params, task: str, model: str, step_map: str | None, seed: int) -> TrainedPixels:
    """The trained pixel cell of this project; raises `Refused` if there is none, and for a task whose states are observed."""
    pixels = [name for name, one in params.tasks.items() if one.from_pixels]
    if task not in params.tasks:
        raise Refused(f"task: given {task!r}; {hint(task, pixels)}")
    if task not in pixels:
        raise Refused(f"{task}: its cells start from a state, not from frames; give --start and --until instead of --frames")
    if model not in params.models_of(task):
        raise Refused(f"model: given {model!r}; {hint(model, params.models_of(task))}")
    chosen = step_map or params.step_maps[0]
    if chosen not in params.step_maps:
        raise Refused(f"--step-map: given {chosen!r}; {hint(chosen, params.step_maps)}")
    try:
        return load_pixels(task, model, step_map=chosen, seed=seed)
    except (FileNotFoundError, ValueError) as error:
        raise Refused(str(error)) from None


def frames_until(until: float, step: float) -> int:
    """The number of frames from 0 to `until` seconds, `step` apart."""
    longest = (MOST_FRAMES - 1) * step
    if not step <= until <= longest * (1 + 1e-9):
        raise Refused(f"--until: given {until:g}, allowed: {step:g} to {longest:g} seconds, of frames {step:g} s apart")
    return int(until / step * (1 + 1e-9)) + 1


def padded(frames: ndarray, count: int) -> ndarray:
    """The first `count` of frames (time, channels, size, size); dark grey ones after their end."""
    missing = max(0, count - len(frames))
    return np.pad(frames[:count], [(0, missing), (0, 0), (0, 0), (0, 0)], constant_values=NO_FRAME)


def states_at_ends(cell: TrainedPixels, true: Tensor, z: Tensor, truth: System) -> list[str]:
    """In words, the states read from the first two true frames and from the last predicted latent state, with their units.

    Nothing for a project whose probes are not there, or are those of fewer seeds or other latents.
    """
    try:
        states = {"first": cell.read(true[:2])[0], "last": cell.read_latents(z[-1])}
    except (FileNotFoundError, ValueError):
        return []
    words = [f"{name} {', '.join(f'{value:.3g}' for value in state.tolist())}" for name, state in states.items()]
    return [f"states: {', '.join(words)}", truth.components]
