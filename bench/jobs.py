"""The rows of the table: their titles, targets and the modules that measure them."""

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from typing import Any

from bench.row import Row

__all__ = ["JOBS", "Job", "measure", "missing"]


@dataclass(frozen=True)
class Job:
    """One row, measured by a function of bench/rows/<module>.py, which is imported in a process of its own."""

    title: str
    target: float
    """Smallest ratio, or, if `limit`, largest number of seconds."""
    module: str
    needs: tuple[str, ...] = ()
    limit: bool = False
    function: str = ""
    """The function that measures it with other rows; by default that of the row's own name."""

    def met(self, row: Row) -> bool:
        """True if a measured row reaches the target."""
        if self.limit:
            return bool(row["ours_s"] <= self.target)
        compiled = row.get("with_compilation")
        reached = row.get("reached", True) and (compiled is None or compiled["ratio"] >= WITH_COMPILATION)
        return bool(row["ratio"] >= self.target and reached)


WITH_COMPILATION = 1.5
"""The target of the ratio to JAX with its compilation."""
JAX = ("jax", "diffrax")

JOBS: dict[str, Job] = {
    "simulate_two_body": Job("simulate 1000 two-body orbits, energy error ≤ 1e-9", 40, "simulating"),
    "simulate_pendulum": Job("simulate 50 pendulum trajectories", 40, "simulating"),
    "quality_hnn": Job("HNN to published quality, 3 tasks × 3 seeds", 8, "quality"),
    "quality_baseline": Job("baseline to published quality, 3 tasks × 3 seeds", 3, "quality"),
    "train_step_750": Job("training step of an HNN, 750 points, per seed", 1.2, "training", function="full_batch"),
    "train_step_200": Job("training step of an HNN, 200 points, per seed", 1.6, "training"),
    "train_peak_fraction": Job(
        "the step of 750 points as a fraction of the matrix product's rate", 0.5, "training", function="full_batch"
    ),
    "rollout_1000": Job("roll out an HNN to t = 20 from 1000 starts", 100, "rolling"),
    "rollout_15": Job("roll out an HNN to t = 20 from 15 starts", 15, "rolling"),
    "rollout_jax_warm": Job("the 1000 rollouts against JAX, compiled before", 0.8, "jax_side", JAX),
    "train_step_jax_warm": Job("the training step against JAX, compiled before", 0.8, "jax_side", JAX),
    "render": Job("draw 20 000 frames of 28 × 28", 200, "drawing", ("gymnasium", "pygame")),
    "repro_cold_s": Job("dvc repro from nothing", 360, "reproducing", limit=True, function="repro"),
    "repro_noop_s": Job("dvc repro with nothing changed", 3, "reproducing", limit=True, function="repro"),
}


def missing(job: Job) -> list[str]:
    """The libraries that a job needs and that are not installed."""
    return [name for name in job.needs if find_spec(name) is None]


def measure(name: str) -> dict[str, Row]:
    """The row of one job by its name, and those that are measured with it."""
    job = JOBS[name]
    function: Callable[[], Any] = getattr(import_module(f"bench.rows.{job.module}"), job.function or name)
    found = function()
    return dict(found) if job.function else {name: found}
