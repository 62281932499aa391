"""A measured archive -> observations and true motions, the files that simulate writes."""

import numpy as np

from stages import needed, run

from hnn.datasets import finite_differences, recordings
from hnn.files import artifacts, formats, paths
from hnn.params.loading import load_params
from hnn.systems.base import make_system


def ingest(task: str) -> None:
    """Read the recording of one task, take differences and split it in time."""
    params = load_params()
    p = needed(params.tasks[task].ingest, task)
    path = recordings.find_archive(p.archive, p.sha256, paths.EXTERNAL)
    recording = recordings.read_archive(path, p.member, p.trial)
    train, test, rest = recordings.train_test_split(recording, p.derivative, p.test)
    truth = make_system(**params.tasks[task].system)
    artifacts.write_observations(task, [train], test, bodies=truth.equal_bodies)
    artifacts.write_motions(
        task,
        {
            "held_out": recordings.windows(truth, rest, p.starts, p.horizon_points),
            "table1": recordings.windows(truth, rest, 1, len(rest.t)),
        },
    )
    steps = np.diff(recording.t)
    about = {
        "rows": len(recording.t),
        "train": len(train.t),
        "gaps": int(finite_differences.gaps(recording.t).sum()),
        "step": float(np.median(steps)),
    }
    formats.write_json(paths.results_path("ingest", task), about)


if __name__ == "__main__":
    run(ingest)
