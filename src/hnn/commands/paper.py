"""`make paper`: what the published recipe gives here, row by row beside the published table, each with a verdict."""

import csv
import json
import sys
from collections.abc import Callable, Mapping, Sequence
from io import BytesIO, StringIO
from pathlib import Path
from typing import Any

import numpy as np
from numpy import ndarray

from hnn.commands.check import git
from hnn.core.cell import Cell
from hnn.core.errors import Refused
from hnn.core.seeding import stream
from hnn.files import formats, paths
from hnn.params.loading import parse_raw
from hnn.reporting.formatting import number
from hnn.reporting.published import ENERGY_MSE, REASONS, TEST_LOSS, Value
from hnn.reporting.templating import template

__all__ = ["WITHIN", "chance", "compare", "files", "newest", "rows", "terminal", "verdict"]

PAGE = Path("docs") / "paper.md"
REF = "refs/exps/**/paper"
TAIL = 0.2
"""The last part of a training, over which the losses of the seeds show how much chance there is in where they stop."""

WITHIN, BUT = "within the published spread", ", but not for every seed"

DRAWS = 4000

Chance = Callable[[str, str], str]
"""`chance` by task and model."""

Read = Callable[[str], str]
"""The text of a file of the experiment by its path."""


def newest() -> str:
    """The revision of the newest experiment that is called `paper`, as DVC keeps it in git."""
    found = git("for-each-ref", "--sort=-committerdate", "--format=%(objectname)", REF).split()
    if not found:
        raise Refused("there is no experiment called paper: run `make paper`")
    return found[0]


def files(revision: str) -> Read:
    """The small files of an experiment."""
    return lambda path: git("show", f"{revision}:{path}")


def errors(revision: str, task: str, model: str) -> tuple[ndarray, int]:
    """A cell's energy errors from held-out starts, (seeds, starts), from DVC's cache, and how many starts are published."""
    import dvc.api  # which takes a while

    with dvc.api.open(paths.rollouts_path(Cell.of_name(task, model)).as_posix(), rev=revision, mode="rb") as file:
        arrays = np.load(BytesIO(file.read()))
        return arrays["held_out.quantity.energy_mse"], arrays["table1.quantity.energy_mse"].shape[1]


def chance(found: ndarray, count: int, published: Value, generator: np.random.Generator) -> str:
    """Of sets of `count` starts drawn from errors (seeds, starts), how many have a mean within the published spread, by seed.

    Where the published energy is the true one and the horizon the same, held-out starts are as good as the published ones.
    """
    sets = found[:, generator.integers(found.shape[1], size=(DRAWS, count))].mean(-1)
    within = (np.abs(sets - published.mean) <= 2 * (published.spread or 0.0)).mean(-1)
    return ", ".join(f"{share:.0%}" for share in sorted(within))


def verdict(published: Value, mean: float, least: float, most: float) -> str:
    """`within the published spread`: at most twice the published "±" away. Else on which side, and whether for every seed.

    The published "±" is of starts, or of points, of one seed; that another seed is another number is not in it. Where the
    published number with twice its "±" reaches into what our seeds cover with theirs, from `least` to `most`, one of them
    agrees with it.
    """
    reach = 2 * (published.spread or 0.0)
    if abs(mean - published.mean) <= reach:
        return WITHIN
    some = least <= published.mean + reach and published.mean - reach <= most
    return ("above" if mean > published.mean else "below") + (BUT if some else "")


def parameters(read: Read) -> dict[str, Any]:
    """The parameters of the experiment."""
    return parse_raw(read("params.yaml"), "params.yaml of the experiment")


def rows(read: Read) -> list[dict[str, str]]:
    """A row for each published number whose cell the experiment has."""
    params, found = parameters(read), []
    pixels = [f"{model}-{step_map}" for model in params["models"] for step_map in params["step_maps"]]
    names = dict.fromkeys([*params["state_tasks"], *params["measured_tasks"]], params["models"])
    for task, models in (names | dict.fromkeys(params["pixel_tasks"], pixels)).items():
        for model in models:
            cell = task, model.split("-")[0]
            if cell in ENERGY_MSE:
                found.append(energy(task, model, read, ENERGY_MSE[cell]))
            if cell in TEST_LOSS:
                found.append(loss(task, model, read, TEST_LOSS[cell]))
    return sorted(found, key=lambda row: row["quantity"] != "energy_mse")


def energy(task: str, model: str, read: Read, published: Value) -> dict[str, str]:
    """The row of an energy error, from the rollouts of the published protocol."""
    found = json.loads(read(paths.metrics_path("rollout", f"{task}-{model}").as_posix()))["table1"]
    mean, error, median = (found[name]["mean"] for name in ("energy_mse", "block_error", "median_start"))
    seeds, edges = ((found[f"least_{of}"]["mean"], found[f"most_{of}"]["mean"]) for of in ("seed", "edge"))
    return row(task, model, "energy_mse", published, mean, seeds, edges) | {
        "error": f" ± {number(error)}",
        "median": number(median),
    }


def loss(task: str, model: str, read: Read, published: Value) -> dict[str, str]:
    """The row of a loss; the seeds range over the end of their training, on the sample of points that the curve watches."""
    found = json.loads(read(paths.metrics_path("train", f"{task}-{model}").as_posix()))
    curve = list(csv.DictReader(StringIO(read(paths.curve_path(f"{task}-{model}").as_posix()))))
    tail = curve[-max(1, round(TAIL * len(curve))) :]
    seen = [float(value) for step in tail for name, value in step.items() if name.startswith("test_loss.")]
    return row(task, model, "test_loss", published, found["test_loss"]["mean"], (min(seen), max(seen)), (min(seen), max(seen)))


def row(
    task: str,
    model: str,
    quantity: str,
    published: Value,
    mean: float,
    seeds: tuple[float, float],
    edges: tuple[float, float],
) -> dict[str, str]:
    """One row as text."""
    return {
        "task": task,
        "model": model,
        "quantity": quantity,
        "published": f"{number(published.mean)} ± {number(published.spread)}",
        "ours": number(mean),
        "error": "",
        "median": "–",
        "seeds": f"{number(seeds[0])} to {number(seeds[1])}",
        "verdict": verdict(published, mean, *edges),
    }


def reasons(found: Sequence[Mapping[str, str]], chance_of: Chance) -> list[dict[str, Any]]:
    """Why rows are not within the published spread: each reason once, with the rows that it is for."""
    grouped: dict[str, list[Mapping[str, str]]] = {}
    for line in found:
        if line["verdict"] != WITHIN:
            why = REASONS.get((line["task"], line["model"].split("-")[0], line["quantity"]), "Not known.")
            drawn = {"chance": chance_of(line["task"], line["model"])} if "{chance}" in why else {}
            grouped.setdefault(why.format(**line, **drawn), []).append(line)
    return [{"text": text, "rows": lines} for text, lines in grouped.items()]


def compare(read: Read, chance_of: Chance) -> tuple[list[dict[str, str]], str]:
    """(the rows, docs/paper.md): the table, and the reason for each row that is not within the published spread."""
    found = rows(read)
    seeds, within = parameters(read)["seeds"], sum(line["verdict"] == WITHIN for line in found)
    return found, template("paper.md").render(rows=found, reasons=reasons(found, chance_of), seeds=seeds, within=within)


def terminal(found: Sequence[Mapping[str, str]]) -> str:
    """The table in plain text."""
    lines = [{**line, "ours": line["ours"] + line["error"]} for line in found]
    columns = ["task", "model", "quantity", "published", "ours", "seeds", "verdict"]
    widths = {name: max(len(name), *(len(line[name]) for line in lines)) for name in columns}
    return "\n".join(
        "  ".join(line[name].ljust(widths[name]) for name in columns).rstrip()
        for line in [dict(zip(columns, columns, strict=True)), *lines]
    )


def main() -> None:
    """Put what `make paper` found beside the published table into docs/paper.md, and print that table."""
    try:
        revision = newest()

        def chance_of(task: str, model: str) -> str:
            draws = stream("paper", task, model)
            return chance(*errors(revision, task, model), ENERGY_MSE[task, model], draws)

        found, text = compare(files(revision), chance_of)
    except Refused as error:
        sys.exit(str(error))
    formats.write_text(PAGE, text)
    print(terminal(found))
    print(f"\nReasons and readings: {PAGE}")


if __name__ == "__main__":
    main()
