"""Named random streams: each use has its own, so that adding a task or a seed leaves the draws of all others unchanged."""

import hashlib

import numpy as np
import torch

__all__ = ["stream", "torch_stream"]


def stream(*names: str | int) -> np.random.Generator:
    """NumPy generator seeded by the SHA-256 of its names, the same on every machine.

    >>> stream(0, "train", "pendulum").integers(2**32, size=2).tolist()
    [59791819, 4065261727]
    """
    digest = hashlib.sha256("/".join(map(str, names)).encode()).digest()
    return np.random.default_rng(np.frombuffer(digest, dtype=np.uint32).tolist())


def torch_stream(*names: str | int) -> torch.Generator:
    """PyTorch generator seeded from `stream(*names)`, on the CPU, so that draws do not depend on the training device."""
    return torch.Generator().manual_seed(int(stream(*names).integers(2**63)))
