"""Weights in safetensors files: with the cell and the network that they are of, and a checksum of all numbers.

The format itself has no checksum: a flipped bit of a weight would be another weight.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from math import isfinite, prod
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hnn.core.errors import Refused
from hnn.files.formats import writing
from hnn.files.reading import corrupt, opened

if TYPE_CHECKING:  # torch takes a second to import and most readers of files need none
    from torch import Tensor

__all__ = ["read_weights", "write_weights"]

METADATA = "hnn"
"""The only key of the file's metadata, since the order of several, and so the bytes, would vary."""

KEY, SEEDS, CHECKSUM = "key", "seeds", "sha256"
"""Entries beside the arguments of the network: the key of the cell or task, the number of seeds, and the checksum."""

DTYPES = ("F32", "F64")

WIDEST, DEEPEST = 10**7, 10**4
"""Largest width of a network, in units or pixels, and largest number of layers."""

SMALL = 10**7
"""Number of weights up to which a network is built whatever the number of weights in the file."""


def write_weights(path: Path, members: Sequence[Mapping[str, "Tensor"]], about: Mapping[str, Any]) -> None:
    """Write the weights of all seeds, with the arguments `about` that build the networks again.

    The file says what it is of by its own name, the key of the cell or task. Raises `Refused` for weights that are not finite.
    """
    import safetensors.torch

    tensors = {f"{seed}.{name}": w.detach().cpu().contiguous() for seed, m in enumerate(members) for name, w in m.items()}
    if problem := not_finite(tensors):
        raise Refused(f"{path} is not written: {problem}; the fit has diverged: lower its learning rate")
    about = {**about, KEY: path.stem, SEEDS: len(members)}
    with writing(path) as temporary:
        metadata = json.dumps({**about, CHECKSUM: checksum(about, tensors)}, sort_keys=True)
        safetensors.torch.save_file(tensors, temporary, {METADATA: metadata})


def read_weights(path: Path) -> tuple[list[dict[str, "Tensor"]], dict[str, Any]]:
    """The weights of each seed, and the arguments that build the networks again.

    Raises `CorruptFile` for a file that is damaged, is of another cell than its name says, or claims an impossible network.
    """
    import safetensors

    with opened(path, "a safetensors file"), safetensors.safe_open(path, "pt") as file:
        about = metadata(path, file.metadata())
        headers = {name: file.get_slice(name) for name in file.keys()}  # noqa: SIM118 (not a dict)
        shapes = {name: tuple(one.get_shape()) for name, one in headers.items()}
        if wrong := [name for name, one in headers.items() if one.get_dtype() not in DTYPES or 0 in shapes[name]]:
            raise corrupt(path, f"{wrong[0]} is not an array of float32 or float64")
        of_first = [name.removeprefix("0.") for name in headers if name.startswith("0.")]
        if len(of_first) * about[SEEDS] != len(headers) or not all(
            f"{i}.{n}" in headers for i in range(about[SEEDS]) for n in of_first
        ):
            raise corrupt(path, f"says that it has {about[SEEDS]} seeds; its {len(headers)} arrays are not theirs")
        if largest_network(about) > max(SMALL, sum(map(prod, shapes.values())) // about[SEEDS]):
            raise corrupt(path, "says that its networks are larger than its weights")
        tensors = {name: file.get_tensor(name) for name in headers}
    given = about.pop(CHECKSUM)
    if given != checksum(about, tensors):
        raise corrupt(path, "has other content than its checksum says")
    if problem := not_finite(tensors):
        raise corrupt(path, problem)
    seeds, key = about.pop(SEEDS), about.pop(KEY)
    if key != path.stem:
        raise corrupt(path, f"has the weights of {key}")
    return [{name: tensors[f"{seed}.{name}"] for name in of_first} for seed in range(seeds)], about


def metadata(path: Path, given: Mapping[str, str] | None) -> dict[str, Any]:
    """The arguments of the network, the key, the number of seeds and the checksum; each is there and plausible."""
    if not given or METADATA not in given:
        raise corrupt(path, "does not say what network it is of")
    about = json.loads(given[METADATA])
    if not isinstance(about, dict) or not {KEY, SEEDS, CHECKSUM} <= set(about):
        raise corrupt(path, "has no checksum: it was written by an older version")
    for name, value in about.items():
        whole = isinstance(value, int) and not isinstance(value, bool)
        most = DEEPEST if name.endswith("layers") else WIDEST
        if (
            not isinstance(value, str)
            and not (whole and 0 <= value <= most)
            and not (isinstance(value, float) and isfinite(value))
        ):
            raise corrupt(path, f"says {name} {value!r}, must be a text, a number up to {most}, or finite")
    if not isinstance(about[SEEDS], int) or about[SEEDS] < 1:
        raise corrupt(path, f"says {SEEDS} {about[SEEDS]!r}, must be a positive whole number")
    return about


def largest_network(about: Mapping[str, Any]) -> int:
    """The least number of weights of a network of these arguments: those between its layers of `hidden` units and pixels."""

    def size(name: str) -> int:
        """A whole number of the arguments; 0 where it is not there."""
        return value if isinstance(value := about.get(name, 0), int) else 0

    between = size("hidden") ** 2 * max(size("layers") - 1, 0) + size("model_hidden") ** 2 * max(size("model_layers") - 1, 0)
    encoder = size("hidden") * (size("pixels") + size("hidden")) if "pixels" in about else 0
    return between + encoder + size("hidden") + size("degrees")


def not_finite(tensors: Mapping[str, "Tensor"]) -> str | None:
    """The first array that has a value that is not finite, in words; None if there is none."""
    return next((f"{name} has values that are not finite" for name, w in tensors.items() if not w.isfinite().all()), None)


def checksum(about: Mapping[str, Any], tensors: Mapping[str, "Tensor"]) -> str:
    """SHA-256 of the entries of the metadata and of names, types, shapes and numbers of all arrays."""
    digest = hashlib.sha256(json.dumps(dict(about), sort_keys=True).encode())
    for name in sorted(tensors):
        array = tensors[name].numpy()
        digest.update(f"{name} {array.dtype.str} {array.shape}\n".encode())
        digest.update(array.data)
    return digest.hexdigest()
