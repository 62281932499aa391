"""Hamiltonian neural networks: learn conserved dynamics from data, and know how far to trust them.

    import hnn

    model = hnn.load("two_body", "hnn")
    model.time_derivative(x), model.hamiltonian(x), model.rollout(x0, t)

Nothing is imported before it is asked for, so that each stage pays for what it uses.
"""

import importlib
from typing import Any

__all__ = ["load", "load_pixels"]


def __getattr__(name: str) -> Any:
    if name == "load":
        return importlib.import_module("hnn.trained").load
    if name == "load_pixels":
        return importlib.import_module("hnn.pixels.trained").load_pixels
    raise AttributeError(f"module 'hnn' has no attribute {name!r}")
