"""The integrator contract: the integration error of a rollout is at most 1 % of the model's own error.

Then metrics are the model's and not the method's. The integration error is the distance from a rollout by the same method with
half the step or a hundredth of the tolerance (`hnn.evaluation.flow_diagnostics.integrator_error`).
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy import ndarray

from hnn.core.errors import Refused

if TYPE_CHECKING:  # it imports PyTorch, which the report's readers of metrics do without
    from hnn.integrators.solve import Solver

__all__ = ["ALLOWED", "IntegratorCheck", "check_integrator"]

ALLOWED = 0.01
"""Largest integration error, relative to the model's coordinate error, that honours the contract."""

ROUNDING = 1e-10
"""Smallest coordinate error that the integration error is divided by: below it errors are rounding."""


@dataclass(frozen=True)
class IntegratorCheck:
    """The integration error of the rollouts of one set of starts."""

    method: str
    tolerance: float | None
    """The tolerance of an adaptive method."""
    step: float | None
    """The step of a fixed-step method in seconds."""
    error: float | None
    """Mean integration error, relative to the size of the motion; None if not finite."""
    share: float | None
    """`error` over the mean coordinate error at the same starts; None for the exact field, or if not finite."""
    honoured: bool
    """True if the share is at most `ALLOWED` or was not measured; always true for the exact field, whose only error is the
    integrator's."""

    @classmethod
    def parse(cls, entry: Mapping[str, Any]) -> "IntegratorCheck":
        """The check in the entry `integrator` of a metrics file."""
        return cls(**{"tolerance": None, "step": None, **entry})

    def to_json(self) -> dict[str, Any]:
        """The entry `integrator` of a metrics file."""
        unused = "step" if self.step is None else "tolerance"
        return {name: value for name, value in asdict(self).items() if name != unused}

    def enforce(self, rollouts: str, allow_mismatch: bool) -> bool:
        """True if the contract is broken and that is allowed; raises `Refused`, naming the rollouts, if it is not allowed."""
        if self.honoured or allow_mismatch:
            return not self.honoured
        key, value = ("tolerance", self.tolerance) if self.step is None else ("step", self.step)
        share = "not finite" if self.share is None else f"{self.share:.2g} of the model's own"
        raise Refused(
            f"{rollouts}: the error of {self.method} with {key} {value:g} is {share}, allowed: {ALLOWED:g}; "
            f"lower rollout.{key}, or set rollout.allow_mismatch: true to go on and mark the cell in every table"
        )


def check_integrator(solver: "Solver", error: ndarray, own: ndarray, *, fitted: bool) -> IntegratorCheck:
    """Compare integration errors with the model's coordinate errors, both (seeds, starts), NaN where not measured.

    `fitted` is false for the exact field.
    """
    measured = ~np.isnan(error)
    beside = own[measured & ~np.isnan(own)]
    mean = float(error[measured].mean()) if measured.any() else None
    share = None
    if mean is not None and fitted:
        share = mean / max(float(beside.sum()) / max(beside.size, 1), ROUNDING)
    return IntegratorCheck(
        solver.integrator,
        tolerance=solver.tolerance if solver.adaptive else None,
        step=None if solver.adaptive else solver.step,
        error=finite_or_none(mean),
        share=finite_or_none(share),
        honoured=share is None or share <= ALLOWED,
    )


def finite_or_none(value: float | None) -> float | None:
    """The value, or None where it is not finite, because JSON has no NaN or infinity."""
    return value if value is not None and np.isfinite(value) else None
