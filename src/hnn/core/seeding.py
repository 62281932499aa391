"""Random streams by name: each draw has its own, so that adding a task or a seed never shifts another's."""

import hashlib

import numpy as np
import torch

__all__ = ["stream", "torch_stream"]


def stream(*names: str | int) -> np.random.Generator:
    """The NumPy stream with these names: their SHA-256 seeds a SeedSequence, the same on every machine."""
    digest = hashlib.sha256("/".join(map(str, names)).encode()).digest()
    return np.random.default_rng(np.frombuffer(digest, dtype=np.uint32).tolist())


def torch_stream(*names: str | int) -> torch.Generator:
    """The same on PyTorch's side, on the CPU, whose draws do not depend on the device that trains."""
    return torch.Generator().manual_seed(int(stream(*names).integers(2**63)))
