"""`make ablation`: HNN and baseline against the amount, noise and derivatives of the data and against width, one at a time.

The sweep is a queue of DVC experiments; afterwards their metrics are collected from git into docs/ablations.
"""

import argparse
import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from hnn.commands.check import git
from hnn.core.errors import Refused
from hnn.figures import ablation
from hnn.files import formats, paths
from hnn.params.loading import parse_raw, read_raw
from hnn.reporting.templating import template

__all__ = ["FOLDER", "collect", "commands", "experiments", "queue", "rows"]

PREFIX = "ablation-"
FOLDER = Path("docs") / "ablations"
LABELS = {
    "trajectories": "training trajectories",
    "noise": "noise on states, standard deviation",
    "width": "hidden units in each layer",
    "derivative": "derivatives of the training data",
}
"""What is varied, one at a time, and what its axis is called."""

QUANTITIES = ("test_loss", "energy_error", "coordinate_error")
ORDER = ("exact", "central", "forward")

Row = Mapping[str, Any]


def commands(task: str) -> list[list[str]]:
    """The words after `dvc exp run --queue`, by name; of several values for one key DVC makes as many experiments."""
    data = f"tasks.{task}.simulate"
    groups: dict[str, list[list[str]]] = {
        "default": [[]],
        "trajectories": [[f"{data}.train=3,6,12,50,100"]],
        "noise": [[f"{data}.noise_q={s}", f"{data}.noise_p={s}"] for s in (0.0, 0.05, 0.2, 0.4)],
        "width": [["model.hidden=12,25,50,100,400"]],
        "derivative": [["simulate.derivative=central,forward"]],
    }
    always = [f"state_tasks=[{task}]", "pixel_tasks=[]", "measured_tasks=[]", "simulate.long_horizon_factor=1"]
    return [
        [
            "--name",
            f"{PREFIX}{task}-{factor}-{k}",
            *(word for change in [*always, *changes] for word in ("-S", change)),
            *("rollout", "truth"),
        ]
        for factor, group in groups.items()
        for k, changes in enumerate(group)
    ]


def queue(task: str) -> None:
    """Put the sweep into DVC's queue, in the place of an earlier one."""
    params = read_raw(Path("params.yaml"))
    if task not in params["tasks"] or "simulate" not in params["tasks"][task]:
        raise Refused(f"ablation: given task {task!r}, allowed: a simulated task of params.yaml")
    if old := list(experiments(task)):
        dvc("exp", "remove", "--quiet", *old)
    for words in commands(task):
        dvc("exp", "run", "--queue", "--quiet", *words)


def dvc(*words: str) -> None:
    """Run DVC."""
    subprocess.run([sys.executable, "-m", "dvc", *words], check=True)


def experiments(task: str) -> dict[str, str]:
    """The experiments of the sweep on a task, {name: revision}, of the current commit or of earlier ones."""
    listed = (line.split() for line in git("for-each-ref", "--format=%(refname) %(objectname)", "refs/exps").splitlines())
    return {name: revision for ref, revision in listed if (name := ref.rsplit("/", 1)[-1]).startswith(f"{PREFIX}{task}-")}


def parameters(revision: str) -> dict[str, Any]:
    """The parameters of an experiment."""
    return parse_raw(git("show", f"{revision}:params.yaml"), f"{revision}:params.yaml")


def rows(task: str, names: Mapping[str, str]) -> list[dict[str, Any]]:
    """For each factor, value, model and quantity its {mean, low, high}; the experiment without a change is in every factor."""
    found = []
    for name, revision in names.items():
        params = parameters(revision)
        data = params["tasks"][task]["simulate"]
        now = {"trajectories": data["train"], "noise": data["noise_q"], "width": params["model"]["hidden"]}
        now["derivative"] = params["simulate"]["derivative"]
        factor = name.removeprefix(f"{PREFIX}{task}-").split("-")[0]
        factors = list(LABELS) if factor == "default" else [factor]
        there = git("ls-tree", "-r", "--name-only", revision, "metrics").split()
        for model in ("baseline", "hnn", "truth"):
            for quantity, value in metrics(task, model, revision, there).items():
                place = [{"factor": factor, "value": now[factor], "model": model, "quantity": quantity} for factor in factors]
                found += [{**one, **{edge: value[edge] for edge in ("mean", "low", "high")}} for one in place]
    return sorted(found, key=key)


def key(row: Row) -> tuple[Any, ...]:
    """Factors in their order, then values from small to large."""
    value = ORDER.index(row["value"]) if row["value"] in ORDER else float(row["value"])
    return list(LABELS).index(row["factor"]), value, row["model"], QUANTITIES.index(row["quantity"])


def metrics(task: str, model: str, revision: str, there: Sequence[str]) -> dict[str, Any]:
    """The quantities of one cell of an experiment, as far as it has them."""
    found: dict[str, Any] = {}
    for stage in ("train", "rollout"):
        path = paths.metrics_path(stage, f"{task}-{model}").as_posix()
        if path in there:
            found |= json.loads(git("show", f"{revision}:{path}"))
    return {name: found[name] for name in QUANTITIES if found.get(name)}


def collect(task: str) -> None:
    """Write docs/ablations: a table of all results, a picture for each factor; and docs/ablations.md."""
    names = experiments(task)
    if not names:
        raise Refused(f"there are no experiments called {PREFIX}{task}-…: run `make ablation TASK={task}`")
    table = rows(task, names)
    formats.write_rows(FOLDER / f"{task}.csv", table)
    factors = [factor for factor in LABELS if len({row["value"] for row in table if row["factor"] == factor}) > 1]
    for factor in factors:
        figure = ablation.picture([row for row in table if row["factor"] == factor], QUANTITIES, LABELS[factor])
        formats.write_picture(FOLDER / f"{task}-{factor}.png", figure)
    seen = {factor: {"label": LABELS[factor], "lines": ablation.said(factor, table)} for factor in factors}
    seeds = parameters(next(iter(names.values())))["seeds"]
    page = template("ablations.md").render(task=task, factors=seen, seeds=seeds)
    formats.write_text(FOLDER.with_suffix(".md"), page)


def main() -> None:
    """`queue TASK` or `collect TASK`."""
    parser = argparse.ArgumentParser(prog="python -m hnn.ablation", description="The sweep of `make ablation`.")
    parser.add_argument("step", choices=["queue", "collect"], help="put it into DVC's queue, or collect what came of it")
    parser.add_argument("task", help="a simulated task of params.yaml")
    given = parser.parse_args()
    try:
        {"queue": queue, "collect": collect}[given.step](given.task)
    except Refused as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
