"""Where to compute."""

import torch

from hnn.errors import Refused

__all__ = ["choose"]


def choose(name: str) -> torch.device:
    """The device that `name` asks for; `auto` is CUDA if there is one, else the CPU."""
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    device = torch.device(name)
    if device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count():
        raise Refused(f"device: given {name}, but PyTorch sees {torch.cuda.device_count()} CUDA devices; allowed: auto, cpu")
    return device
