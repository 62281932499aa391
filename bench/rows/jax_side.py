"""The same rollouts and the same training step in JAX, warm and with its compilation."""

from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from time import perf_counter
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from bench import ours
from bench.harness import calibrate, clock, compare, ladder, per_step
from bench.machine import use_all_cores
from bench.reference import training, with_jax
from bench.row import Row, row
from bench.rows import rolling
from bench.rows import training as steps
from bench.rows.rolling import TASK, TIGHT, error, sequential, times, trained
from bench.rows.training import SEEDS, STEPS, TASKS, batch_of

__all__ = ["rollout_jax_warm", "train_step_jax_warm"]

TOLERANCE = 1e-9
STARTS, SAMPLE, CHECKED = 1000, 200, 50


def beside() -> ProcessPoolExecutor:
    """Time our side in a process of its own: forks are not safe beside JAX's threads."""
    return ProcessPoolExecutor(1, get_context("spawn"))


def rollout_jax_warm() -> Row:
    """1000 rollouts, of which both sides do a part; ours as loose as the error of the other side allows."""
    use_all_cores()
    jax.config.update("jax_enable_x64", True)
    member, x0, t = trained(), ours.starts(TASK, SAMPLE), times()
    weights = [jnp.asarray(w.numpy()) for w in sequential(member).double().state_dict().values()]
    starts, grid = jnp.asarray(x0.numpy()), jnp.asarray(t.numpy())
    compiled = with_jax.rollouts(TOLERANCE)

    def theirs() -> Any:
        return compiled(weights, starts, grid).block_until_ready()

    part = SAMPLE / STARTS
    cold = clock(theirs)()  # of which the compilation does not scale
    checked = x0[:CHECKED]
    tight = ours.rollout(member, checked, t, TIGHT)
    its_error = error(np.asarray(theirs())[:CHECKED], tight)
    mine, my_error = calibrate(lambda tol: error(ours.rollout(member, checked, t, tol), tight), its_error, ladder(1e-9, 1e-11))
    with beside() as process:
        found = compare(clock(theirs, part), lambda: process.submit(rolling.one_turn, member, x0, t, mine).result() / part)
    compiled_s = cold + (1 - part) * found.reference_s
    return row(
        found,
        reference=f"diffrax Dopri8, rtol = atol = {TOLERANCE:.0e}, float64, vmapped over {SAMPLE} starts and compiled, scaled "
        f"to {STARTS}; error {its_error:.1e} of the size of the motion",
        ours=f"integrators.rollout from as many starts, tolerance {mine:.0e}, scaled; error {my_error:.1e}",
        error={"reference": its_error, "ours": my_error},
        with_compilation={
            "what": "in the first call",
            "reference_s": compiled_s,
            "ours_s": found.ours_s,
            "ratio": compiled_s / found.ours_s,
        },
    )


def steps_of(size: int) -> tuple[Callable[[int], None], float]:
    """Some steps for all seeds, one seed after the other, and the seconds that the first step took to be compiled."""
    x, dx = (jnp.asarray(part.numpy()) for part in ours.points(steps.few(size).train))
    nets = [training.network(x.shape[-1], 1, seed) for seed in range(SEEDS)]
    states = [with_jax.fresh_state([w.detach().numpy() for w in net.parameters()]) for net in nets]
    step = with_jax.training_step(batch_of(size))

    def run(count: int) -> None:
        for seed, state in enumerate(states):
            for _ in range(count):
                state, value = step(state, x, dx)
            states[seed] = state
            value.block_until_ready()

    start = perf_counter()
    run(1)
    return run, perf_counter() - start


def step_of(size: int) -> dict[str, Any]:
    """One batch size: warm, and a whole fit of our number of steps with the compilation before it."""
    run, compilation = steps_of(size)
    with beside() as process:
        whole = per_step(run, STEPS[size])
        found = compare(lambda: whole() / SEEDS, lambda: process.submit(steps.one_turn, size).result())
    count = ours.recipe(TASKS[size]).steps * SEEDS
    cold, mine = found.reference_s + compilation / count, found.ours_s
    what = f"spread over the {count} steps of a cell"
    return {"found": found, "with_compilation": {"what": what, "reference_s": cold, "ours_s": mine, "ratio": cold / mine}}


def train_step_jax_warm() -> Row:
    """The step with 750 and with 200 points; the row is the one with the smaller ratio."""
    sizes = {size: step_of(size) for size in TASKS}
    worst = min(sizes, key=lambda size: sizes[size]["found"].ratio)
    by_batch = {
        str(size): {"reference_s": s["found"].reference_s, "ours_s": s["found"].ours_s, "ratio": s["found"].ratio}
        for size, s in sizes.items()
    }
    return row(
        sizes[worst]["found"],
        reference="value_and_grad of the loss with grad inside, Adam, all in one compiled step; "
        f"{SEEDS} seeds one after the other; of batches {' and '.join(by_batch)} the one where ours "
        f"stands worse, {worst}",
        ours="the fits of the same seeds as the stage train runs them",
        per="step and seed",
        batches=by_batch,
        with_compilation=sizes[worst]["with_compilation"],
    )
