"""Where to compute."""

import torch
from torch import nn

from hnn.core.errors import Refused

__all__ = ["choose", "of"]

CPU = torch.device("cpu")


def choose(name: str) -> torch.device:
    """The device that `name` asks for; `auto` is CUDA if there is one, else the CPU."""
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    device = torch.device(name)
    if device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count():
        raise Refused(f"device: given {name}, but PyTorch sees {torch.cuda.device_count()} CUDA devices; allowed: auto, cpu")
    return device


def of(field: object) -> torch.device:
    """Where the weights of a field are; an exact one has none, and is computed on the CPU."""
    return next((weight.device for weight in field.parameters()), CPU) if isinstance(field, nn.Module) else CPU
