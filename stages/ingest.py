"""A measured archive -> the same files that simulate writes."""

import numpy as np

from stages import run

from hnn import config, differences, io, measured, system


def ingest(task: str) -> None:
    """Read the recording of one task, take differences and split it in time."""
    params = config.load()
    p = params.tasks[task].ingest
    assert p is not None  # config: every task of measured_tasks has it
    path = measured.find_archive(p.archive, p.sha256, io.EXTERNAL)
    recording = measured.read_archive(path, p.member, p.trial)
    train, test, rest = measured.split(recording, p.derivative, p.test)
    truth = system.make(**params.tasks[task].system)
    io.write_observations(task, train, test)
    io.write_motions(
        task,
        {
            "held_out": measured.windows(truth, rest, p.starts, p.horizon_points),
            "table1": measured.windows(truth, rest, 1, len(rest.t)),
        },
    )
    steps = np.diff(recording.t)
    about = {
        "rows": len(recording.t),
        "train": len(train.t),
        "gaps": int(differences.gaps(recording.t).sum()),
        "step": float(np.median(steps)),
    }
    io.write_json(io.metrics_path("ingest", task), about)


if __name__ == "__main__":
    run(ingest)
