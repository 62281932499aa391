"""Hamiltonian neural networks: vector fields learned from data, with measured errors of their rollouts.

    import hnn

    model = hnn.load("two_body", "hnn")
    model.time_derivative(x), model.hamiltonian(x), model.rollout(x0, t)
    own = hnn.fit(x, t, "dissipative_hnn")  # of one's own arrays

Submodules are imported on first use, so that a stage loads only what it needs.
"""

import importlib
from typing import Any

__all__ = ["fit", "load", "load_pixels"]


def __getattr__(name: str) -> Any:
    if name == "fit":
        return importlib.import_module("hnn.fitting").fit
    if name == "load":
        return importlib.import_module("hnn.trained").load
    if name == "load_pixels":
        return importlib.import_module("hnn.pixels.trained").load_pixels
    raise AttributeError(f"module 'hnn' has no attribute {name!r}")
