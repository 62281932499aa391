"""Time to quality: the published recipe against ours, until the published level is reached; three tasks, three seeds.

The published recipe fits one seed after the other, so one seed is measured and counts for all three: it takes minutes.
"""

from collections.abc import Sequence
from statistics import fmean
from time import perf_counter
from typing import Any

from bench import ours
from bench.harness import Comparison
from bench.machine import use_all_cores
from bench.reference import training
from bench.row import Row, row
from hnn.models.base import Model
from hnn.reporting.published import ENERGY_MSE, TEST_LOSS

__all__ = ["RECIPES", "compare_task", "level", "quality_baseline", "quality_hnn"]

TASKS = ("mass_spring", "pendulum", "two_body")
SEEDS = 3
SLACK = 1.02
"""On the reference's own value, where the published one is of other data."""
OF_OTHER_DATA = {("mass_spring", "test_loss"), ("pendulum", "test_loss"), ("pendulum", "energy_mse")}
"""Losses there are floors set by that draw of the noise; the pendulum's published energy measures the phase it causes."""
QUANTITIES = {"hnn": ("test_loss", "energy_mse"), "baseline": ("test_loss",)}

RECIPES: dict[tuple[str, str], dict[str, Any]] = {
    ("mass_spring", "hnn"): {"steps": 500},
    ("pendulum", "hnn"): {"steps": 500},  # which also overfits less: the published energy shows the phase
    ("two_body", "hnn"): {"steps": 2500},  # the baseline is what needs more, and both have one recipe there
}
"""Differences from tasks.<task>.train of params.yaml for training to the published level only, by task and model."""


def level(task: str, name: str, quantity: str, reference: float) -> tuple[float, str]:
    """The level to reach, and its source."""
    if (task, quantity) in OF_OTHER_DATA:
        return SLACK * reference, f"{SLACK:g} × the reference's on the same data"
    published = {"test_loss": TEST_LOSS, "energy_mse": ENERGY_MSE}[quantity]
    return published[task, name].mean, "published"


def published_fit(task: str, name: str, found: ours.Data, steps: int | None) -> Model:
    """The published recipe on our data; `steps` instead of its own, unless None."""
    use_all_cores()
    sets = ours.points(found.train), ours.points(found.test)
    inputs, recipe = found.train.x.shape[-1], training.RECIPES[task]
    if steps is not None:
        recipe = training.Recipe(steps, recipe.batch, recipe.weight_decay)
    net = training.network(inputs, 1 if name == "hnn" else inputs, seed=0)
    training.train(net, *sets, recipe)
    return ours.published_network(name, net)


def measure(members: Sequence[Model], task: str, found: ours.Data) -> dict[str, list[float]]:
    """The test loss and the published energy error of each seed, by the same code for both sides."""
    test_losses = [ours.test_loss(member, found.test) for member in members]
    return {"test_loss": test_losses, "energy_mse": ours.energy_mse(members, task, found)}


def held(task: str, name: str, quantity: str, reference: Sequence[float], mine: Sequence[float]) -> dict[str, Any]:
    """One quantity of both sides against its level."""
    bound, whose = level(task, name, quantity, fmean(reference))
    return {
        "level": bound,
        "whose": whose,
        "reference": fmean(reference),
        "ours": fmean(mine),
        "reference_reached": fmean(reference) <= bound,
        "reached": fmean(mine) <= bound,
        "seeds": {"reference": list(reference), "ours": list(mine)},
    }


def compare_task(task: str, name: str, steps: int | None = None) -> dict[str, Any]:
    """Both sides of one task: their seconds for all seeds, and each quantity against its level.

    `steps` shortens both recipes, to try the row out.
    """
    found = ours.data(task)
    how = ours.recipe(task, **RECIPES.get((task, name), {}) | ({} if steps is None else {"steps": steps}))
    start = perf_counter()
    published = published_fit(task, name, found, steps)
    middle = perf_counter()
    mine = ours.fit(task, name, found.train, found.test, how, SEEDS)
    reference_s, ours_s = SEEDS * (middle - start), perf_counter() - middle
    theirs_found, mine_found = measure([published], task, found), measure(mine, task, found)
    quantities = {q: held(task, name, q, theirs_found[q], mine_found[q]) for q in QUANTITIES[name]}
    print(f"quality_{name}, {task}: {reference_s:.1f} s against {ours_s:.1f} s", flush=True)
    sides = {"reference_s": reference_s, "ours_s": ours_s, "ratio": reference_s / ours_s}
    return {**sides, "steps": {"reference": steps or training.RECIPES[task].steps, "ours": how.steps}, **quantities}


def quality(name: str) -> Row:
    """All tasks, once."""
    tasks = {task: compare_task(task, name) for task in TASKS}
    total = Comparison(*((sum(found[side] for found in tasks.values()),) for side in ("reference_s", "ours_s")))
    reached = all(found[quantity]["reached"] for found in tasks.values() for quantity in QUANTITIES[name])
    return row(
        total,
        reference="the published recipe: Adam at 1e-3, weight decay 1e-4 (none for two_body), test loss at every step, "
        f"one seed, its time counted {SEEDS} times: seeds are fitted one after the other",
        ours=f"the fits of {SEEDS} seeds as the stage train runs them, by the recipes of params.yaml"
        + (" and bench/rows/quality.py" if RECIPES else ""),
        reached=reached,
        tasks=tasks,
    )


def quality_hnn() -> Row:
    """Time until test loss and energy error reach their levels."""
    return quality("hnn")


def quality_baseline() -> Row:
    """Time until the test loss reaches its level."""
    return quality("baseline")
