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
    {"*": {"train": Array("", "int64"), "t": TIMES, "q": Array("time position"), "p": Array("time position")}},
    required=(),
    shared=("position",),
)
"""By trial; `train` is 1 for those to learn from, 0 for held-out ones."""

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


def write_trials(task: str, train: Sequence[Trial], held_out: Sequence[Trial]) -> None:
    """Write the trials of a task, whose names are different and have no dot."""
    groups = {
        trial.name: {"train": np.array(int(trains)), "t": trial.t, "q": trial.q, "p": trial.momenta}
        for trials, trains in ((train, True), (held_out, False))
        for trial in trials
    }
    write_arrays(trials_path(task), flatten(groups))


def read_trials(task: str) -> tuple[list[Trial], list[Trial]]:
    """The trials of a task to learn from, and the held-out ones."""
    path = trials_path(task)
    groups = unflatten(read_arrays(path, TRIALS).items())
    trials: dict[int, list[Trial]] = {1: [], 0: []}  # by `train`
    for name, arrays in groups.items():
        trains = int(arrays.pop("train"))
        if trains not in trials:
            raise corrupt(path, f"{name}.train is {trains}, must be 0 or 1")
        trials[trains].append(Trial(name, **arrays))
    if not all(trials.values()):
        raise corrupt(path, "has no trial to learn from, or none that is held out")
    return trials[1], trials[0]


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
