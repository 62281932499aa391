"""Files of a recorded task: its held-out trials, and the predictions of its cells."""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy import ndarray

from hnn.core.cell import Cell
from hnn.core.trajectories import Prediction, Trial
from hnn.files.array_schema import Array, Schema, flatten, unflatten
from hnn.files.arrays import read_arrays, write_arrays
from hnn.files.paths import predictions_path, trials_path
from hnn.files.reading import corrupt

__all__ = ["read_predictions", "read_trials", "write_predictions", "write_trials"]

TIMES = Array("time", increasing=True)

TRIALS = Schema(
    {"*": {"t": TIMES, "q": Array("time position"), "p": Array("time position")}},
    required=(),
    shared=("position",),
)
"""By trial."""

PREDICTIONS = Schema(
    {
        "quantity": {"*": Array("seed _", missing=True)},
        "*": {  # rollouts may diverge
            "t": TIMES,
            "x": Array("time state"),
            "rollout": Array("seed time state", missing=True),
            "recorded_energy": Array("seed time", missing=True, optional=True),
            "energy": Array("seed time", missing=True, optional=True),
        },
    },
    required=("quantity",),
    shared=("seed", "state"),
    even=("state",),
)
"""By trial; `quantity.<set of runs>.<metric>` are the metrics by seed and run."""


def write_trials(task: str, trials: Sequence[Trial]) -> None:
    """Write the held-out trials of a task, whose names may have no dot."""
    arrays = {trial.name: {"t": trial.t, "q": trial.q, "p": trial.momenta} for trial in trials}
    write_arrays(trials_path(task), flatten(arrays))


def read_trials(task: str) -> list[Trial]:
    """The held-out trials of a task."""
    path = trials_path(task)
    groups = unflatten(read_arrays(path, TRIALS).items())
    if not groups:
        raise corrupt(path, "has no trial")
    return [Trial(name, **arrays) for name, arrays in groups.items()]


def write_predictions(
    cell: Cell, predictions: Mapping[str, Prediction], quantities: Mapping[str, Mapping[str, ndarray]]
) -> None:
    """Write the predictions of a cell by trial, and the metrics (seeds, runs) by set of runs."""
    groups = {name: {k: v for k, v in vars(one).items() if v is not None} for name, one in predictions.items()}
    metrics = {f"{runs}.{name}": np.asarray(values) for runs, of_set in quantities.items() for name, values in of_set.items()}
    write_arrays(predictions_path(cell), flatten(groups | {"quantity": metrics}))


def read_predictions(cell: Cell) -> tuple[dict[str, Prediction], dict[str, dict[str, ndarray]]]:
    """The predictions of a cell by trial, and the metrics (seeds, runs) by set of runs."""
    groups = unflatten(read_arrays(predictions_path(cell), PREDICTIONS).items())
    metrics = unflatten(groups.pop("quantity").items())
    return {name: Prediction(**arrays) for name, arrays in groups.items()}, metrics
