"""States of a pixel task -> frames."""

import numpy as np
import torch

from stages import run

from hnn.files import artifacts
from hnn.params.loading import load_params
from hnn.rendering.canvas import Canvas, render


def render_frames(task: str) -> None:
    """Render the observed states and the true motions of one task; frames and states have the same indices."""
    params = load_params()
    p = params.tasks[task].render
    assert p is not None  # hnn.params.schema: every task of pixel_tasks has it
    canvas, system = Canvas(**p.model_dump()), params.tasks[task].system
    train, test = artifacts.read_observations(task)
    states = {"train": np.stack([draw.x for draw in train]), "test": test.x} | {
        name: motion.x for name, motion in artifacts.read_motions(task).items()
    }
    frames = {name: render(canvas, torch.from_numpy(x), **system) for name, x in states.items()}
    artifacts.write_frames(task, {name: images.numpy() for name, images in frames.items()})


if __name__ == "__main__":
    run(render_frames)
