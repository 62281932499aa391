"""States of a pixel task -> frames."""

from dataclasses import asdict

import numpy as np
import torch

from stages import needed, run

from hnn.files import artifacts
from hnn.params.loading import load_params
from hnn.rendering.canvas import check, make_canvas, render
from hnn.rendering.frame_spacing import check_spacing


def render_frames(task: str) -> None:
    """Render the observed states and the true motions of one task; frames and states have the same indices.

    Before, refuse a canvas that is too small for any of them, and frames that are too close or too far apart to learn from.
    """
    params = load_params()
    p = needed(params.tasks[task].render, task)
    system = params.tasks[task].system
    train, test = artifacts.read_observations(task)
    motions = artifacts.read_motions(task)
    states = {"train": np.stack([draw.x for draw in train]), "test": test.x}
    states |= {name: motion.x for name, motion in motions.items()}
    every = torch.from_numpy(np.concatenate([x.reshape(-1, x.shape[-1]) for x in states.values()]))
    every = every[every.isfinite().all(-1)]  # beyond its own horizon a motion of the published protocol has no states
    canvas = make_canvas(p.model_dump(), every, **system)
    check(canvas, every, **system)
    check_spacing(task, canvas, motions["held_out"], **system)
    frames = {name: render(canvas, torch.from_numpy(x), strict=False, **system) for name, x in states.items()}
    artifacts.write_frames(task, {name: images.numpy() for name, images in frames.items()})
    artifacts.write_canvas(task, asdict(canvas), system)


if __name__ == "__main__":
    run(render_frames)
