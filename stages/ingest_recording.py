"""A user's recording -> its trials, to learn from and held out, with momenta and as many rows as are used."""

import numpy as np

from stages import needed, run

from hnn.core.recording import About
from hnn.datasets import preparation
from hnn.datasets.columns import Columns
from hnn.datasets.smoothing import estimate_momenta, noise_of
from hnn.datasets.tables import files_of, read_tables
from hnn.datasets.trials import trials
from hnn.files import formats, paths
from hnn.files.recordings import write_trials
from hnn.params.loading import load_params


def ingest(task: str) -> None:
    """Read the files of one recording and prepare its trials."""
    params = load_params()
    p = needed(params.tasks[task].source, task)
    files = files_of(paths.RECORDINGS / task)
    columns = Columns(p.time, p.time_step, tuple(p.positions), tuple(p.velocities), tuple(p.momenta), p.trial)
    raw = [estimate_momenta(trial, p.period, p.mass) for trial in trials(read_tables(files), columns, p.mass)]
    used = preparation.cut_at_gaps([trial.part(slice(None, None, p.every)) for trial in raw], p.period)
    training, held_out = preparation.hold_out(used, p.test)
    x = np.concatenate([trial.x for trial in training])
    noise = np.array([noise_of(trial.t, trial.x, p.period) for trial in raw]) / x.std(0)
    step = np.median(np.concatenate([np.diff(trial.t) for trial in used]))
    about = About(
        files=[path.name for path in files],
        train=len(training),
        held_out=[trial.name for trial in held_out],
        rows=sum(len(trial.t) for trial in used),
        rows_per_period=float(p.period / step),
        period=p.period,
        noise=float(np.sqrt(np.nanmean(np.square(noise)))),
        estimated=not (p.velocities or p.momenta),
        mass_known=bool(p.momenta) or p.mass != 1.0,
    )
    write_trials(task, training, held_out)
    formats.write_json(paths.results_path("ingest", task), vars(about))


if __name__ == "__main__":
    run(ingest)
