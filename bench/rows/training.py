"""One training step of an HNN with 2 × 200 units, for each of three seeds."""

from dataclasses import replace

import torch

from bench import ours
from bench.harness import Comparison, Timed, clock, compare, compare_all, per_step
from bench.machine import matrix_product, use_all_cores
from bench.reference import training
from bench.row import Row, row

__all__ = [
    "batch_of",
    "few",
    "full_batch",
    "one_turn",
    "ours_per_step",
    "train_step_200",
    "useful_operations",
]

SEEDS = 3
TASKS = {750: "mass_spring", 200: "two_body"}
"""The task of each batch size: 25 × 30 points at once, as published, and 200 of 25 × 50 drawn anew."""
TRAJECTORIES = 25
"""Trajectories of each task: on all of two_body the losses of the training curve take longer than the measured steps."""
STEPS = {750: 40, 200: 100}
PRODUCTS = 20


def batch_of(size: int) -> int | None:
    """The points drawn for a step; None: all of them."""
    return None if TASKS[size] == "mass_spring" else size


def useful_operations(batch: int, inputs: int, hidden: int = ours.NETWORK["hidden"]) -> float:  # type: ignore[assignment]
    """Floating-point operations of the matrix products in one HNN step with two hidden layers.

    Hidden layer (B × h by h × h): forward 2Bh², gradient 2Bh², and for each of the two 2Bh² toward the weights and 2Bh² toward
    what came before: 12Bh². Input layer (B × d by d × h): the same without the derivative toward x in the forward pass: 10Bdh.
    Products with the output's single row, activations and the optimiser are left out.
    """
    return 12.0 * batch * hidden**2 + 10.0 * batch * inputs * hidden


def few(size: int) -> ours.Data:
    """The first trajectories of the task that the batch size comes from."""
    found = ours.data(TASKS[size])
    train, test = (replace(o, x=o.x[:TRAJECTORIES], dx=o.dx[:TRAJECTORIES]) for o in (found.train, found.test))
    return replace(found, train=train, test=test)


def ours_per_step(size: int, seeds: int = SEEDS, steps: int | None = None) -> Timed:
    """The seconds of one step of our training, per seed, as the stage train runs it."""
    task, found = TASKS[size], few(size)
    how = ours.recipe(task, batch="full" if batch_of(size) is None else size)

    def run(count: int) -> None:
        ours.fit(task, "hnn", found.train, found.test, how.model_copy(update={"steps": count}), seeds)

    whole = per_step(run, steps or STEPS[size])
    return lambda: whole() / seeds


def one_turn(size: int) -> float:
    """One timing, for a process of its own."""
    return ours_per_step(size)()


def reference_per_step(size: int) -> Timed:
    """The seconds of one published step, per seed, one seed after the other."""
    x, dx = ours.points(few(size).train)
    recipe = training.Recipe(steps=STEPS[size], batch=batch_of(size), weight_decay=0.0)
    trainers = [training.Trainer(training.network(x.shape[-1], 1, seed), x, dx, recipe) for seed in range(SEEDS)]

    def all_seeds(count: int) -> None:
        use_all_cores()  # the fits of the other side may leave another number behind
        for trainer in trainers:
            trainer.steps(count)

    whole = per_step(all_seeds, STEPS[size])
    return lambda: whole() / SEEDS


def step(size: int, found: Comparison) -> Row:
    """Both sides with `size` points a step."""
    steps = STEPS[size]
    return row(
        found,
        reference=f"eager double backward and PyTorch's default Adam, {SEEDS} seeds one after the other, "
        f"{torch.get_num_threads()} threads: the time of {3 * steps} steps of each less that of {steps}",
        ours=f"the fits of {SEEDS} seeds as the stage train runs them: the same difference",
        per="step and seed",
    )


def full_batch() -> dict[str, Row]:
    """750 points, the full batch of mass_spring: against the published step, and against a matrix product."""
    inputs, hidden = 2 * ours.degrees_of(TASKS[750]), ours.NETWORK["hidden"]
    operations = useful_operations(750, inputs)
    product, of_product = matrix_product()

    def products() -> None:
        use_all_cores()
        for _ in range(PRODUCTS):
            product()

    clocked = clock(products, PRODUCTS * of_product / operations)
    published, peak = compare_all([reference_per_step(750), clocked], ours_per_step(750))
    fraction = row(
        peak,
        reference="the time in which a float32 product of two matrices does the useful operations of the step, "
        f"{operations / 1e6:.0f} MFLOP = 12Bh² + 10Bdh with B = 750, h = {hidden}, d = {inputs}",
        ours="the step of 750 points, per seed, in the same turns",
        per="step and seed",
        useful_flop=operations,
    )
    return {"train_step_750": step(750, published), "train_peak_fraction": fraction}


def train_step_200() -> Row:
    """Batches of two_body."""
    return step(200, compare(reference_per_step(200), ours_per_step(200)))
