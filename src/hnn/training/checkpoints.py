"""States of running fits on disk, from which an interrupted stage goes on.

Within `kept` every fit writes its state at most every `SECONDS`. A state is named by a hash of all that the fit depends on, so
that it is never read for other parameters, data, code, arithmetic or kind of device, and it is deleted when the stage has
written its files.
"""

import hashlib
import json
import shutil
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic
from typing import Any

import safetensors.torch
import torch
from torch import Tensor

from hnn.core.device import CPU
from hnn.files.formats import writing
from hnn.files.paths import CHECKPOINTS

__all__ = ["Checkpoint", "FitState", "kept"]

SECONDS = 10.0
"""Least time between two checkpoints of a fit."""

PACKAGE, PARAMS = Path(__file__).parents[1], Path("params.yaml")
DIGEST = hashlib.sha256().digest_size
ABOUT = "about"
"""Name of the array with the values of a state, and with the names of the tensors that were not on the CPU."""


@dataclass(frozen=True)
class FitState:
    """All that a fit needs to go on as if it had not been interrupted."""

    tensors: dict[str, Tensor]
    values: dict[str, Any] = field(default_factory=dict)
    """Numbers and tables, as JSON has them."""

    def group(self, prefix: str) -> dict[str, Tensor]:
        """The tensors whose names begin with the prefix and a dot, by the rest of their names."""
        return {name.removeprefix(f"{prefix}."): one for name, one in self.tensors.items() if name.startswith(f"{prefix}.")}


@dataclass(frozen=True)
class Stage:
    """A stage whose fits write checkpoints."""

    folder: Path
    identity: bytes
    """A hash of parameters, code and arithmetic."""


stage: Stage | None = None
"""The stage that this process, or the process that it was forked from, is running; None: no checkpoints are written."""


@contextmanager
def kept(name: str) -> Iterator[None]:
    """Fits within the context write checkpoints and go on from those they find; at its end these are deleted.

    After an exception they stay. `name` tells the stages of the pipeline apart; the last of them to end removes the folder.
    """
    global stage
    stage = Stage(CHECKPOINTS / name, identity())
    try:
        yield
        shutil.rmtree(stage.folder, ignore_errors=True)
        with suppress(OSError):  # not there, or another stage has its own in it
            CHECKPOINTS.rmdir()
    finally:
        stage = None


def identity() -> bytes:
    """A hash of params.yaml, the package's code, and the arithmetic of PyTorch in this process."""
    digest = hashlib.sha256(f"{torch.__version__} {torch.backends.cpu.get_cpu_capability()}".encode())
    for file in [PARAMS, *sorted(PACKAGE.rglob("*.py"))]:
        digest.update(file.read_bytes() if file.exists() else b"")
    return digest.digest()


class Checkpoint:
    """The file with the state of one fit; outside of `kept` nothing is read or written.

    `about` and `tensors` are what the fit depends on beside parameters and code: its first weights, data and random numbers.
    """

    def __init__(self, about: object, tensors: Sequence[Tensor]) -> None:
        self.path: Path | None = None
        self.saved = monotonic()
        self.device = next((one.device for one in tensors if one.device != CPU), CPU)
        if stage:
            digest = hashlib.sha256(stage.identity + f"{about!r} {torch.get_num_threads()}".encode())
            for one in tensors:
                digest.update(f"{one.dtype} {tuple(one.shape)} {one.device.type}".encode())
                digest.update(one.detach().cpu().contiguous().numpy().data)
            self.path = stage.folder / f"{digest.hexdigest()}.checkpoint"

    def read(self) -> FitState | None:
        """The saved state, each tensor on the device that it was on; None if there is none.

        A damaged file is deleted, and a line on stderr says so.
        """
        if not self.path or not self.path.is_file():
            return None
        content = self.path.read_bytes()
        if hashlib.sha256(content[DIGEST:]).digest() != content[:DIGEST]:
            print(f"{self.path}: is damaged; the fit begins anew", file=sys.stderr)
            self.path.unlink()
            return None
        tensors = safetensors.torch.load(content[DIGEST:])
        about = json.loads(bytes(tensors.pop(ABOUT).tolist()))
        placed = {name: one.to(self.device if name in about["on_device"] else CPU) for name, one in tensors.items()}
        return FitState(placed, about["values"])

    def write(self, state: Callable[[], FitState]) -> None:
        """Save the state if the last one that was saved is `SECONDS` old; else it is not asked for."""
        if self.path and monotonic() - self.saved >= SECONDS:
            present = state()
            on_device = [name for name, one in present.tensors.items() if one.device != CPU]
            about = json.dumps({"values": present.values, "on_device": on_device}).encode()
            tensors = {**present.tensors, ABOUT: torch.frombuffer(bytearray(about), dtype=torch.uint8)}
            content = safetensors.torch.save({name: one.detach().cpu().contiguous().clone() for name, one in tensors.items()})
            with writing(self.path) as temporary:
                temporary.write_bytes(hashlib.sha256(content).digest() + content)
            self.saved = monotonic()
