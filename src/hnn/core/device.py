"""Choice of the PyTorch device."""

import torch
from torch import nn

from hnn.core.errors import Refused

__all__ = ["CPU", "choose", "of"]

CPU = torch.device("cpu")


def choose(name: str) -> torch.device:
    """The device `name`; `auto` is CUDA if available, else the CPU. Raises `Refused` for a CUDA device that does not exist.

    >>> choose("cpu")
    device(type='cpu')
    """
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    device = torch.device(name)
    if device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count():
        raise Refused(f"device: given {name}, but PyTorch sees {torch.cuda.device_count()} CUDA devices; allowed: auto, cpu")
    return device


def of(field: object) -> torch.device:
    """The device of a field's weights; the CPU for an exact field, which has none."""
    return next((weight.device for weight in field.parameters()), CPU) if isinstance(field, nn.Module) else CPU
