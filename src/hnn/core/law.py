"""A short formula for the learned energy of a cell, as the report shows it; `hnn.evaluation.law` finds it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from hnn.core.statistics import Interval

__all__ = ["FITS", "LAW_ERRORS", "MOST_TERMS", "Law"]

FITS = 0.99
"""Least share of the mean square of the learned field that a formula must explain."""
MOST_TERMS = 4
"""Most terms of a formula."""
LAW_ERRORS = ("energy_error", "coordinate_error")
"""Errors of the rollouts of a formula."""


@dataclass(frozen=True)
class Law:
    """The formula for the learned energies of a cell, beside the true energy."""

    coefficients: Mapping[str, Interval]
    """By term, over the seeds."""
    true: Mapping[str, float] | None
    """Coefficients of the true energy by term, which may be others; None if it is no short formula, or unknown."""
    field_r2: Interval
    """Share of the mean square of the learned field that the formula explains."""
    r2: Interval
    """R² of the formula on the learned energy."""
    library: tuple[str, ...]
    """The names of the terms that it might have had."""
    errors: Mapping[str, Interval]
    """Errors of energy and coordinates of the formula's own rollouts from the held-out starts.

    Empty where no short formula fits, for a model that learns a loss beside its energy, and where no true motion is known.
    """

    @property
    def fits(self) -> bool:
        """True if the formula explains the field J∇H of the learned energy."""
        return self.field_r2.mean is not None and self.field_r2.mean >= FITS

    def to_json(self) -> dict[str, Any]:
        """{terms: [{name, coefficient}], true: {name: coefficient}, field_r2, r2, library, errors}."""
        terms = [{"name": name, "coefficient": one.to_json()} for name, one in self.coefficients.items()]
        errors = {name: one.to_json() for name, one in self.errors.items()}
        r2 = {"field_r2": self.field_r2.to_json(), "r2": self.r2.to_json()}
        true = None if self.true is None else dict(self.true)
        return {"terms": terms, "true": true, **r2, "library": list(self.library), "errors": errors}

    @classmethod
    def parse(cls, entry: Mapping[str, Any]) -> "Law":
        """The inverse of `to_json`."""
        return cls(
            {term["name"]: Interval.parse(term["coefficient"]) for term in entry["terms"]},
            entry["true"],
            Interval.parse(entry["field_r2"]),
            Interval.parse(entry["r2"]),
            tuple(entry["library"]),
            {name: Interval.parse(one) for name, one in entry["errors"].items()},
        )
