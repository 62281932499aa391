"""The arrays of each kind of NPZ file of the project; see `hnn.core.trajectories` for their meaning."""

from dataclasses import replace

from hnn.files.array_schema import Array, Schema

__all__ = ["FRAMES", "MOTIONS", "OBSERVATIONS", "PROBES", "ROLLOUTS", "frames_of"]

TIMES = Array("time", increasing=True)

OBSERVATIONS = Schema(
    {
        "train": {
            "t": TIMES,
            "x": Array("draw trajectory time state"),
            "dx": Array("draw trajectory time state", missing=True),
        },
        "test": {"t": TIMES, "x": Array("trajectory time state"), "dx": Array("trajectory time state", missing=True)},
        "layout": {"bodies": Array("", "int64", positive=True)},
    },
    required=("train", "test", "layout"),
    shared=("state",),
    even=("state",),
)

MOTIONS = Schema(
    # Beyond its own horizon a motion of the published protocol has no states; a motion may have no period.
    {"*": {"t": TIMES, "x": Array("start time state", missing=True), "period": Array("start", missing=True, positive=True)}},
    required=("held_out",),
    shared=("state",),
    even=("state",),
)

FRAMES = Schema(
    {
        "train": {"": Array("draw clip frame channel size size", "uint8")},
        "*": {"": Array("clip frame channel size size", "uint8")},
    },
    required=("train", "test"),
    shared=("channel", "size"),
    least={"frame": 3},  # a motion
)


def frames_of(size: int, channels: int) -> Schema:
    """`FRAMES` of this size and number of channels."""
    return replace(FRAMES, sizes={"channel": channels, "size": size})


PROBES = Schema(
    {
        "*": {
            "degree": Array("", "int64", positive=True),
            "mean": Array("latent"),
            "std": Array("latent", positive=True),
            "coefficients": Array("term state"),
        }
    },
    required=("0",),
    shared=("latent", "state"),
    even=("latent", "state"),
)
"""By seed."""

ROLLOUTS = Schema(
    {
        "film": {"*": Array("frame channel size size", "uint8")},
        "portrait": {"q": Array("column"), "p": Array("row"), "energy": Array("row column")},
        "counterfactual": {
            "z": Array("frame latent", missing=True),
            "energy": Array("frame", missing=True),
            "decoded": Array("frame channel size size", "uint8"),
            "phases": Array("phase", "int64"),
        },
        "*": {  # rollouts may diverge
            "t": TIMES,
            "x": Array("seed start time state", missing=True),
            "energy": Array("seed start time", missing=True),
            "true_energy": Array("start time", missing=True),
            "distance": Array("seed start time", missing=True),
            "energy_scale": Array("", positive=True),
            "learned": Array("seed start time", missing=True, optional=True),
            "z": Array("seed start time latent", missing=True, optional=True),
            "quantity.*": Array("seed _", missing=True),
        },
    },
    required=("held_out",),
    shared=("seed", "state", "latent", "channel", "size"),
    even=("state", "latent"),
)
"""By set of starts; `film`, `portrait` and `counterfactual` are the arrays of the figures of a pixel cell."""
