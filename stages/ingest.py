"""A measured archive -> the same files that simulate writes."""

import numpy as np

from stages import run

from hnn import config, io, measured, system


def ingest(task: str) -> None:
    """Read the recording of one task and split it in time: differences are taken after the split, so none spans it."""
    params = config.load()
    p = params.tasks[task].ingest
    assert p is not None  # config: every task of measured_tasks has it
    path = measured.find_archive(p.archive, p.sha256, io.EXTERNAL)
    recording = measured.read_archive(path, p.member, p.trial)
    cut = round((1 - p.test) * len(recording.t))
    train, test = recording.part(slice(cut)), recording.part(slice(cut, None))
    truth = system.make(**params.tasks[task].system)
    io.write_observations(task, measured.observe(train, p.derivative), measured.observe(test, p.derivative))
    io.write_motions(
        task,
        {
            "held_out": measured.windows(truth, test, p.starts, p.horizon_points),
            "table1": measured.windows(truth, test, 1, len(test.t)),
        },
    )
    steps = np.diff(recording.t)
    about = {"rows": len(recording.t), "train": cut, "gaps": int(recording.gaps().sum()), "step": float(np.median(steps))}
    io.write_json(io.metrics_path("ingest", task), about)


if __name__ == "__main__":
    run(ingest)
