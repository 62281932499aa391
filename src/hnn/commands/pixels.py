"""`make pixels`: docs/pixels.md, what the cells of all pixel tasks have learned as several readings show it, and why.

The results are those of a queue of DVC experiments: all pixel tasks; the parts of the training left out one at a time; and the
pretraining of many seeds. Their files are read from DVC's cache.
"""

import argparse
import json
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import chdir, contextmanager
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import torch
from numpy import ndarray

from hnn.commands import summaries
from hnn.core.cell import TRUTH, Cell
from hnn.core.errors import Refused
from hnn.core.statistics import Interval
from hnn.core.trajectories import Rollout, TrueMotion, of_seed
from hnn.evaluation.evaluate import state_metrics, summarise
from hnn.evaluation.rollouts import Reference, Scales, rollout_along
from hnn.figures.films import Film, film_strip
from hnn.figures.pixel_page import Growth, growth_figure, pretraining_figure
from hnn.files import artifacts, formats, paths
from hnn.integrators.solve import Solver, rollout
from hnn.networks.autoencoder import Autoencoder
from hnn.parallel.pool import parallel_map
from hnn.params.loading import load_params
from hnn.params.schema import Params
from hnn.pixels import probe
from hnn.pixels.collapse import latents
from hnn.pixels.evaluation import SETS, Readout
from hnn.pixels.latent_ensemble import LatentEnsemble
from hnn.pixels.probe import PENALTIES, Probe
from hnn.pixels.trained import load_latent_members
from hnn.pixels.visuals import film
from hnn.rendering.canvas import Canvas, render
from hnn.reporting.comparisons import Compared, judge
from hnn.reporting.definitions import LARGER_IS_BETTER
from hnn.reporting.formatting import NOTHING, format_interval, format_mean, number
from hnn.reporting.results import Difference
from hnn.reporting.tables import difference_text
from hnn.reporting.templating import template
from hnn.systems.base import make_system
from hnn.trained import load_networks

__all__ = ["Far", "Pretrained", "Read", "commands", "far_motion", "far_rollouts", "main", "pretrained", "readings"]

PAGE = Path("docs") / "pixels.md"
FIGURES = {name: Path("docs") / f"pixels-{name}.png" for name in ("growth", "pretraining")}
ADVICE = "run `make pixels`"

PREFIX = "pixels-"
TASKS = ("pixel_pendulum", "pixel_spring", "pixel_damped", "pixel_bodies")
WITH_FRICTION = ("pixel_damped",)
STEP_MAP = "rk4"
ABLATION = {
    "momenta encoded, single steps, weight 0.03": ("encoded", 0.03, 0),
    "momenta encoded, single steps, weight 0.3": ("encoded", 0.3, 0),
    "momenta encoded, output layer fitted to 49 steps": ("encoded", 0.1, 49),
    "momenta from differences, single steps": ("difference", 0.1, 0),
}
"""By description: autoencoder.momentum, train_pixels.dynamics and train_pixels.output_layer_segment of pixel_pendulum."""
DEFAULT = "both, the default"
OF_MODELS = f"{PREFIX}models"
"""The name of the experiment on models of latent states."""
MODELS = ("baseline", "hnn", "separable_hnn", "mechanical_hnn", "second_order")
"""The models of latent states that are compared on pixel_pendulum. The output layer of the first two alone is fitted."""
SEEDS = {"pixel_pendulum": 100, "pixel_spring": 30, "pixel_damped": 30, "pixel_bodies": 30}
"""Number of autoencoders that are pretrained to count those that collapse."""

DEGREES = {"linear": 1, "polynomial of degree 3": 3, "polynomial of degree 5": 5}
PICTURES = {"floor": "pictures_floor", "held_out": "pictures", "long": "pictures_long"}
"""By set of starts that is read from latent states: the set that is read from pictures."""
COLUMNS = (
    ("floor", "energy_error"),
    ("floor", "coordinate_error"),
    ("held_out", "energy_error"),
    ("held_out", "coordinate_error"),
    ("long", "energy_error"),
    ("long", "coordinate_error"),
    ("long", "valid_time"),
)
"""Set of starts and quantity of each column."""

FAR_TASKS = ("pixel_pendulum", "pixel_spring")
HORIZONS = (100, 1000, 10_000)
"""Frames up to which the errors of the far rollouts are averaged."""
SHOWN = (0, 10, 100, 300, 1000, 3000, 10_000)
"""Frames of the far rollouts that a film strip shows."""
JUDGED = ("energy_error", "coordinate_error", "valid_time")
"""Quantities of the far rollouts."""
BINS = 25
"""Number of intervals over which the growth of an error is averaged, of equal length on a logarithmic scale."""
TIGHT = 1e-12
"""Tolerance of the true motions, per step."""


@dataclass(frozen=True)
class Read:
    """The metrics of one cell as read in one way."""

    cell: Cell
    reading: str
    sets: dict[str, dict[str, Interval]]
    """By set of starts and quantity."""

    def texts(self) -> list[str]:
        """A mean with its interval for each of `COLUMNS`."""
        return [format_interval(self.sets[starts].get(quantity)) for starts, quantity in COLUMNS]


@dataclass(frozen=True)
class Far:
    """Rollouts of one cell over many more frames than any clip has."""

    cell: Cell
    horizons: dict[int, dict[str, ndarray]]
    """By number of frames and quantity: (seeds, starts)."""
    floor: dict[str, ndarray]
    """The same of true frames, read and not rolled out."""
    growth: list[Growth]
    films: list[Film]
    """Of the first start, by the first seed: decoded frames at the times `SHOWN`."""

    @property
    def last(self) -> dict[str, ndarray]:
        """The quantities over all frames."""
        return self.horizons[max(self.horizons)]

    def rows(self) -> list[list[str]]:
        """A row for each number of frames: task, model, frames, and the mean of each of `JUDGED` with its interval."""
        found = {frames: summarise(quantities) for frames, quantities in self.horizons.items()}
        return [
            [self.cell.task, self.cell.model, str(frames), *(format_interval(means.get(name)) for name in JUDGED)]
            for frames, means in found.items()
        ]


@dataclass(frozen=True)
class Pretrained:
    """Autoencoders of one task from many seeds."""

    task: str
    restarts: tuple[float, ...]
    """Number of times that each seed was fitted again because its latent states had collapsed."""
    decoded_r2: tuple[float, ...]
    canonical_error: tuple[float, ...]

    def row(self) -> dict[str, str]:
        """A row of the table: counts, and medians with the range of nine in ten seeds."""
        counts = {n: sum(one >= n for one in self.restarts) for n in (1, 2, 3)}
        return {
            "task": self.task,
            "seeds": str(len(self.restarts)),
            "collapsed once": str(counts[1]),
            "twice": str(counts[2]),
            "three times": str(counts[3]),
            "1 - R² of decoded frames": spread([1 - one for one in self.decoded_r2]),
            "canonical error": spread(self.canonical_error),
        }


def spread(values: Sequence[float]) -> str:
    """Median, and the range in which nine in ten values are."""
    low, middle, high = np.quantile(values, [0.05, 0.5, 0.95]).tolist()
    return f"{number(middle)} ({number(low)} to {number(high)})"


def commands() -> dict[str, list[str]]:
    """The arguments of `dvc exp run --queue` by the name of the experiment."""
    always = ["state_tasks=[]", "friction_tasks=[]", "measured_tasks=[]", f"step_maps=[{STEP_MAP}]"]
    runs = {of_task(task): (alone(task), "report") for task in TASKS}
    for k, (momentum, dynamics, segment) in enumerate(ABLATION.values()):
        changes = [f"autoencoder.momentum={momentum}", f"train_pixels.dynamics={dynamics}"]
        changes += [*alone("pixel_pendulum"), f"train_pixels.output_layer_segment={segment}"]
        runs[f"{PREFIX}ablation-{k}"] = (changes, "report")
    runs[OF_MODELS] = ([*alone("pixel_pendulum"), f"pixel_models=[{','.join(MODELS)}]"], "report")
    for task, seeds in SEEDS.items():
        changes = [*alone(task), f"seeds={seeds}", "simulate.data=shared"]
        stage = "pretrain_friction" if task in WITH_FRICTION else "pretrain"
        runs[f"{PREFIX}pretrain-{task}"] = (changes, f"{stage}@{task}")
    return {
        name: [*(word for change in [*always, *changes] for word in ("-S", change)), target]
        for name, (changes, target) in runs.items()
    }


def alone(task: str) -> list[str]:
    """The lists of pixel tasks that have one task."""
    lists = {"pixel_tasks": "", "friction_pixel_tasks": ""}
    lists["friction_pixel_tasks" if task in WITH_FRICTION else "pixel_tasks"] = task
    return [f"{name}=[{tasks}]" for name, tasks in lists.items()]


def of_task(task: str) -> str:
    """The name of the experiment on a task."""
    return f"{PREFIX}task-{task}"


def queue() -> None:
    """Put the experiments into DVC's queue and remove earlier ones."""
    runs = commands()
    if old := [name for name in runs if summaries.experiment(name)]:
        summaries.dvc("exp", "remove", "--quiet", *old)
    for name, words in runs.items():
        summaries.dvc("exp", "run", "--queue", "--quiet", "--name", name, *words)


def revision_of(name: str) -> str:
    """The revision of an experiment; raises `Refused` if there is none."""
    if not (revision := summaries.experiment(name)):
        raise Refused(f"there is no experiment called {name}: {ADVICE}")
    return revision


@contextmanager
def files_of(revision: str, files: Sequence[Path]) -> Iterator[Params]:
    """Work in a temporary folder with some files of an experiment and its parameters, which are returned."""
    with TemporaryDirectory(prefix="hnn-pixels-") as folder:
        for path in files:
            target = Path(folder) / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(summaries.cached(revision, path.as_posix(), ADVICE))
        (Path(folder) / "params.yaml").write_text(summaries.git("show", f"{revision}:params.yaml"), encoding="utf-8")
        with chdir(folder):
            yield load_params()


@dataclass(frozen=True)
class Task:
    """What the cells of one task are measured with: system, training data, frames and true motions."""

    params: Params
    name: str

    @property
    def system(self) -> Any:
        """The exact system."""
        return make_system(**self.params.tasks[self.name].system)

    def frames(self) -> dict[str, ndarray]:
        """The frames by set."""
        task = self.params.tasks[self.name]
        assert task.render is not None  # hnn.params.schema: every pixel task has it
        return artifacts.read_frames(self.name, task.render.pixels, task.render.channels)


@torch.no_grad()
def fitted_readouts(task: Task, ensemble: LatentEnsemble) -> dict[str, Readout]:
    """A readout with probes of each of `DEGREES`, fitted on the training clips with the encoder of each seed."""
    clips = list(torch.from_numpy(task.frames()["train"]))
    x = [draw.x[:, :-1] for draw in artifacts.read_observations(task.name)[0]]
    z = [ensemble.encode_by(seed, of_seed(clips, seed)).numpy() for seed in range(len(ensemble.members))]
    scales = Scales.of(task.system, torch.from_numpy(np.stack(x)), None)
    found = {}
    for reading, degree in DEGREES.items():
        probes = [Probe.fit(part, of_seed(x, seed), [degree], PENALTIES) for seed, part in enumerate(z)]
        found[reading] = Readout(probes, probes, scales)
    return found


@torch.no_grad()
def readings(task: Task, cell: Cell, readouts: dict[str, Readout]) -> list[Read]:
    """The metrics of a cell, its latent rollouts read by each readout, and from pictures."""
    found = []
    for reading, readout in readouts.items():
        sets = {starts: summarise(read_set(task, cell, readout, starts)) for starts in PICTURES}
        found.append(Read(cell, reading, sets))
    rollouts = artifacts.read_rollouts(cell).sets
    pictures = {starts: summarise(rollouts[name].quantities) for starts, name in PICTURES.items() if name in rollouts}
    return found + ([Read(cell, "decoded pictures", pictures)] if len(pictures) == len(PICTURES) else [])


@torch.no_grad()
def read_set(task: Task, cell: Cell, readout: Readout, starts: str) -> dict[str, ndarray]:
    """The quantities (seeds, starts) of a cell's latent states from a set of starts."""
    z, motions = artifacts.read_rollouts(cell).sets[starts].z, artifacts.read_motions(cell.task)
    assert z is not None
    reference = Reference(task.system, motions[SETS[starts].motion].first(z.shape[2]), readout.scales)
    return state_metrics(rollout_along(readout.states(z), reference), reference)


def far_motion(task: Task, frames: int = HORIZONS[-1]) -> TrueMotion:
    """The exact motion from the held-out starts over many frames."""
    motion = artifacts.read_motions(task.name)["held_out"]
    t = (motion.t[1] - motion.t[0]) * np.arange(frames + 1)
    x = rollout(task.system, torch.from_numpy(motion.x[:, 0]), torch.from_numpy(t), Solver(tolerance=TIGHT))
    return TrueMotion(t, x.numpy(), motion.period)


@torch.no_grad()
def far_rollouts(task: Task, cell: Cell, ensemble: LatentEnsemble, readout: Readout, true: TrueMotion) -> Far:
    """Rollouts from the held-out starts by the map of training, as far as the exact motion."""
    frames, pictures = len(true.t) - 1, torch.from_numpy(task.frames()["held_out"])
    workers = partial(parallel_map, threads=task.params.threads, compute=task.params.compute)
    z0 = ensemble.encode(pictures[:, :2]).squeeze(-2)
    z = ensemble.roll(z0, torch.from_numpy(true.t), continuous=False, tolerance=TIGHT, parallel_map=workers).numpy()
    read, horizons = readout.states(z), {}
    for count in (one for one in HORIZONS if one <= frames):
        reference = Reference(task.system, true.first(count + 1), readout.scales)
        rolled = rollout_along(read[:, :, : count + 1], reference)
        horizons[count] = state_metrics(rolled, reference)
    fields, system = artifacts.read_canvas(cell.task)
    shown = [one for one in SHOWN if one <= frames]
    exact = render(Canvas(**fields), torch.from_numpy(true.x[0, shown]), **system).numpy()
    decoded = film(ensemble, z[0, 0, shown], pictures.shape[2:])
    films = [Film(Cell(cell.task, TRUTH), exact), Film(cell, decoded)]
    return Far(cell, horizons, read_set(task, cell, readout, "floor"), growth(cell, rolled), films)


def growth(cell: Cell, rolled: Rollout) -> list[Growth]:
    """Errors of energy and coordinates of each seed in each of `BINS` intervals of time, (seeds, bins).

    They are root mean squares over time and geometric means over starts, so that no single motion that escapes decides them.
    """
    energy = (rolled.energy - rolled.true_energy) / rolled.energy_scale
    edges = np.unique(np.geomspace(1, len(rolled.t), BINS).astype(int))
    frames = np.sqrt(edges[:-1] * (edges[1:] - 1))
    return [
        Growth(cell, name, frames, np.stack([typical(values[..., a:b]) for a, b in pairwise(edges)], -1))
        for name, values in {"energy_error": energy, "coordinate_error": rolled.distance}.items()
    ]


def typical(values: ndarray) -> ndarray:
    """Geometric mean over starts of the root mean square over time of values (seeds, starts, time): (seeds,)."""
    return np.exp(np.log(np.sqrt(np.square(values).mean(2))).mean(1))


def far_verdicts(groups: Iterable[Sequence[Far]]) -> list[list[str]]:
    """A row for each task, whose cells are the baseline and the HNN: the HNN beside the baseline over all frames."""
    pairs = [(hnn, baseline) for baseline, hnn in groups]
    columns = [[hnn.cell.task for hnn, _ in pairs]]
    for name in JUDGED:
        family = [
            Compared(
                one.cell,
                other.cell,
                "far",
                name,
                one.last[name],
                other.last[name],
                () if name in LARGER_IS_BETTER else (one.floor[name], other.floor[name]),
            )
            for one, other in pairs
        ]
        columns.append([difference_text(judged, name) for judged in judge(family)])
    return [list(row) for row in zip(*columns, strict=True)]


@torch.no_grad()
def pretrained(task: str, revision: str) -> Pretrained:
    """The autoencoders of a task in an experiment, with the canonical error of each on the test clips."""
    files = (paths.autoencoder_path(task), paths.results_path("pretrain", task), paths.frames_path(task))
    with files_of(revision, [*files, paths.observations_path(task)]) as params:
        found = {name: Interval.parse(entry) for name, entry in formats.read_json(files[1]).items() if isinstance(entry, dict)}
        test = torch.from_numpy(Task(params, task).frames()["test"])
        x = artifacts.read_observations(task)[1].x[:, :-1]
        networks = load_networks(files[0], Autoencoder)
        errors = [probe.canonical_error(x, latents(network.float(), test).double().numpy()) for network in networks]
    return Pretrained(task, found["restarts"].seeds, found["decoded_r2"].seeds, tuple(map(float, errors)))


def verdicts(task: str, revision: str) -> list[dict[str, str]]:
    """A row for each comparison of two models of an experiment on a task: the verdict on each of `COLUMNS` that has one."""
    rows = []
    for title, sets in json.loads(summaries.git("show", f"{revision}:{paths.COMPARISONS.as_posix()}"))[task].items():
        found = {f"{starts} {quantity}": sets.get(starts, {}).get(quantity) for starts, quantity in COLUMNS[2:]}
        texts = {name: verdict_text(entry, name.split()[-1]) if entry else NOTHING for name, entry in found.items()}
        rows.append({"task": task, "models": title.replace(f"-{STEP_MAP}", "").replace(" vs ", " beside ")} | texts)
    return rows


def verdict_text(entry: dict[str, Any], quantity: str) -> str:
    """An entry of metrics/comparisons.json as text."""
    kind = "ratio" if "ratio" in entry else "difference"
    interval = Interval(entry[kind], entry["low"], entry["high"], geometric=kind == "ratio")
    return difference_text(Difference(interval, entry["p"], entry["verdict"]), quantity)


def ablation_rows() -> list[list[str]]:
    """A row for each step of the ablation and each model: the canonical error, and the errors of `COLUMNS`."""
    names = {about: f"{PREFIX}ablation-{k}" for k, about in enumerate(ABLATION)} | {DEFAULT: of_task("pixel_pendulum")}
    return [
        [about, *row]
        for about, name in names.items()
        if summaries.experiment(name)
        for row in model_rows(revision_of(name), ("baseline", "hnn"))
    ]


def model_rows(revision: str, models: Sequence[str]) -> list[list[str]]:
    """A row for each model of pixel_pendulum in an experiment: its name, its canonical error, and the errors of `COLUMNS`."""
    summary = summaries.committed(revision, ADVICE)
    keys = [quantity if starts == "held_out" else f"{starts}.{quantity}" for starts, quantity in COLUMNS[1:]]
    rows = []
    for model in models:
        entries = summary["pixel_pendulum", Cell("pixel_pendulum", model, STEP_MAP).name]
        rows.append([model, *(format_mean(entries.get(key)) for key in ["canonical_error", *keys])])
    return rows


def collect() -> None:
    """Write docs/pixels.md and its figures from the experiments that are there; raises `Refused` if those on tasks are not."""
    found: dict[str, list[Read]] = {}
    far: dict[str, list[Far]] = {}
    for name in TASKS:
        models = ("baseline", "hnn", *(["dissipative_hnn"] if name in WITH_FRICTION else []))
        cells = [Cell(name, model, STEP_MAP) for model in models]
        files = [paths.frames_path(name), paths.observations_path(name), paths.motions_path(name)]
        files += [paths.results_path("render", name)]
        files += [path for cell in cells for path in (paths.weights_path(cell), paths.rollouts_path(cell))]
        with files_of(revision_of(of_task(name)), files) as params:
            task = Task(params, name)
            motion = far_motion(task) if name in FAR_TASKS else None
            for cell in cells:
                ensemble = LatentEnsemble(load_latent_members(paths.weights_path(cell)))
                readouts = fitted_readouts(task, ensemble)
                found.setdefault(name, []).extend(readings(task, cell, readouts))
                if motion:
                    sharpest = list(readouts.values())[-1]
                    far.setdefault(name, []).append(far_rollouts(task, cell, ensemble, sharpest, motion))
    growths = [growth for group in far.values() for one in group for growth in one.growth]
    formats.write_picture(FIGURES["growth"], growth_figure(growths))
    names = {task: f"{PREFIX}pretrain-{task}" for task in TASKS}
    many = [pretrained(task, revision_of(name)) for task, name in names.items() if summaries.experiment(name)]
    if many:
        spreads = {one.task: (one.decoded_r2, one.canonical_error) for one in many}
        formats.write_picture(FIGURES["pretraining"], pretraining_figure(spreads))
    other = summaries.experiment(OF_MODELS)
    values = {
        "found": found,
        "far": [row for group in far.values() for one in group for row in one.rows()],
        "far_verdicts": far_verdicts(far.values()),
        "strips": {name: write_strip(name, group) for name, group in far.items()},
        "figures": {name: path.name for name, path in FIGURES.items()},
        "verdicts": [row for task in TASKS for row in verdicts(task, revision_of(of_task(task)))],
        "ablation": ablation_rows(),
        "models": model_rows(other, MODELS) if other else [],
        "model_verdicts": verdicts("pixel_pendulum", other) if other else [],
        "pretrained": [one.row() for one in many],
        "seeds": params.seeds,
    }
    formats.write_text(PAGE, template("pixels.md").render(values))
    print(PAGE)


def write_strip(task: str, group: Sequence[Far]) -> str:
    """Write the true and the decoded frames of the far rollouts of a task; return the name of the file."""
    path = Path("docs") / f"pixels-{task}-far.png"
    films = [group[0].films[0], *(one.films[1] for one in group)]
    labels = [f"frame {count}" for count in SHOWN]
    title = f"{task}: one motion, predicted from its first two frames"
    formats.write_picture(path, film_strip(films, range(len(SHOWN)), labels, title))
    return path.name


def main() -> None:
    """Run `queue` or `collect`."""
    parser = argparse.ArgumentParser(prog="python -m hnn.commands.pixels", description="The experiments of `make pixels`.")
    parser.add_argument("step", choices=["queue", "collect"], help="put them into DVC's queue, or collect their results")
    try:
        {"queue": queue, "collect": collect}[parser.parse_args().step]()
    except Refused as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
