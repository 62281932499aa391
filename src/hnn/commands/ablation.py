"""`make ablation`: HNN and baseline against amount, noise and derivatives of the data and against width, one at a time.

The sweep is a queue of DVC experiments; afterwards their metrics are collected from git into docs/ablations.
"""

import argparse
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from hnn.commands import summaries
from hnn.core.cell import TRUTH
from hnn.core.errors import Refused
from hnn.figures.ablation import SweepPoint, sweep_figure, sweep_sentences
from hnn.files import formats, paths
from hnn.params.loading import parse_raw, read_raw
from hnn.reporting.templating import template

__all__ = ["FOLDER", "collect", "commands", "experiments", "queue", "sweep_points"]

PREFIX = "ablation-"
FOLDER = Path("docs") / "ablations"
LABELS = {
    "trajectories": "training trajectories",
    "noise": "noise on states, standard deviation",
    "width": "hidden units in each layer",
    "derivative": "derivatives of the training data",
}
"""The factors, and the labels of their axes."""

QUANTITIES = ("test_loss", "energy_error", "coordinate_error")
ORDER = ("exact", "central", "forward")


def commands(task: str) -> list[list[str]]:
    """The arguments of each `dvc exp run --queue`; DVC makes an experiment of each value of a key."""
    data = f"tasks.{task}.simulate"
    of_task, other = "state_tasks", "friction_tasks"
    if task in read_raw(Path("params.yaml"))["friction_tasks"]:
        of_task, other = other, of_task
    groups: dict[str, list[list[str]]] = {
        "default": [[]],
        "trajectories": [[f"{data}.train=3,6,12,50,100"]],
        "noise": [[f"{data}.noise_q={s}", f"{data}.noise_p={s}"] for s in (0.0, 0.05, 0.2, 0.4)],
        "width": [["model.hidden=12,25,50,100,400"]],
        "derivative": [["simulate.derivative=central,forward"]],
    }
    only = [f"{of_task}=[{task}]", f"{other}=[]", "pixel_tasks=[]", "measured_tasks=[]"]
    always = [*only, "models=[baseline,hnn]", "friction_models=[baseline,hnn]", "simulate.long_horizon_factor=1"]
    return [
        [
            "--name",
            f"{PREFIX}{task}-{factor}-{k}",
            *(word for change in [*always, *changes] for word in ("-S", change)),
            "report",
        ]
        for factor, group in groups.items()
        for k, changes in enumerate(group)
    ]


def queue(task: str) -> None:
    """Put the sweep into DVC's queue and remove an earlier one."""
    params = read_raw(Path("params.yaml"))
    if task not in params["tasks"] or "simulate" not in params["tasks"][task]:
        raise Refused(f"ablation: given task {task!r}, allowed: a simulated task of params.yaml")
    if old := list(experiments(task)):
        summaries.dvc("exp", "remove", "--quiet", *old)
    for words in commands(task):
        summaries.dvc("exp", "run", "--queue", "--quiet", *words)


def experiments(task: str) -> dict[str, str]:
    """The experiments of the sweep on a task, {name: revision}, of the current commit or of earlier ones."""
    refs = summaries.git("for-each-ref", "--format=%(refname) %(objectname)", "refs/exps")
    listed = (line.split() for line in refs.splitlines())
    return {name: revision for ref, revision in listed if (name := ref.rsplit("/", 1)[-1]).startswith(f"{PREFIX}{task}-")}


def parameters(revision: str) -> dict[str, Any]:
    """The parameters of an experiment."""
    return parse_raw(summaries.git("show", f"{revision}:params.yaml"), f"{revision}:params.yaml")


def sweep_points(task: str, names: Mapping[str, str]) -> list[SweepPoint]:
    """The points of all experiments {name: revision}, sorted; the experiment without a change belongs to every factor."""
    points = []
    for name, revision in names.items():
        params = parameters(revision)
        data = params["tasks"][task]["simulate"]
        values = {"trajectories": data["train"], "noise": data["noise_q"], "width": params["model"]["hidden"]}
        values["derivative"] = params["simulate"]["derivative"]
        varied = name.removeprefix(f"{PREFIX}{task}-").partition("-")[0]
        summary = experiment_summary(task, name, revision)
        for model in ("baseline", "hnn", TRUTH):
            entries = summary.get((task, model), {})
            for quantity in (name for name in QUANTITIES if name in entries):
                for factor in LABELS if varied == "default" else [varied]:
                    points.append(SweepPoint(factor, values[factor], model, quantity, entries[quantity]))
    return sorted(points, key=sort_key)


def sort_key(point: SweepPoint) -> tuple[Any, ...]:
    """Factors in their order, then values from small to large."""
    value = ORDER.index(str(point.value)) if point.value in ORDER else float(point.value)
    return list(LABELS).index(point.factor), value, point.model, QUANTITIES.index(point.quantity)


def experiment_summary(task: str, name: str, revision: str) -> summaries.Summary:
    """The summary of an experiment; raises `Refused` if it has other tasks, as that of the commit where the sweep began."""
    advice = f"run `make ablation TASK={task}`"
    summary = summaries.committed(revision, advice)
    if {cell_task for cell_task, _ in summary} != {task}:
        raise Refused(f"the experiment {name} has no {paths.SUMMARY} of its own: {advice}")
    return summary


def collect(task: str) -> None:
    """Write docs/ablations: a table of all results and a figure for each factor; and docs/ablations.md."""
    names = experiments(task)
    if not names:
        raise Refused(f"there are no experiments called {PREFIX}{task}-…: run `make ablation TASK={task}`")
    points = sweep_points(task, names)
    formats.write_rows(FOLDER / f"{task}.csv", [csv_row(point) for point in points])
    factors = [factor for factor in LABELS if len({point.value for point in points if point.factor == factor}) > 1]
    for factor in factors:
        figure = sweep_figure([point for point in points if point.factor == factor], QUANTITIES, LABELS[factor])
        formats.write_picture(FOLDER / f"{task}-{factor}.png", figure)
    sections = {factor: {"label": LABELS[factor], "lines": sweep_sentences(factor, points)} for factor in factors}
    seeds = parameters(next(iter(names.values())))["seeds"]
    page = template("ablations.md").render(task=task, factors=sections, seeds=seeds)
    formats.write_text(FOLDER.with_suffix(".md"), page)


def csv_row(point: SweepPoint) -> dict[str, Any]:
    """A row of the table of all results."""
    row = point._asdict() | point.interval._asdict()
    return {name: row[name] for name in ("factor", "value", "model", "quantity", "mean", "low", "high")}


def main() -> None:
    """Run `queue TASK` or `collect TASK`."""
    parser = argparse.ArgumentParser(prog="python -m hnn.commands.ablation", description="The sweep of `make ablation`.")
    parser.add_argument("step", choices=["queue", "collect"], help="put it into DVC's queue, or collect its results")
    parser.add_argument("task", help="a simulated task of params.yaml")
    given = parser.parse_args()
    try:
        {"queue": queue, "collect": collect}[given.step](given.task)
    except Refused as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
