"""`python -m hnn law`: a short formula for the energy that a cell has learned, beside the true one."""

from textwrap import fill

from hnn.core.cell import TRUTH, Cell
from hnn.core.errors import Refused
from hnn.core.law import FITS, LAW_ERRORS, MOST_TERMS, Law
from hnn.files import artifacts
from hnn.params.base import hint
from hnn.params.loading import load_params
from hnn.reporting.formatting import NOTHING, format_interval, formula, number, plus_minus, text_table, true_formula
from hnn.reporting.results import CellResults

__all__ = ["law"]

WIDTH = 80


def law(task: str, model: str) -> str:
    """The formula for the learned energy of a cell of the last run, its terms, its fit, and the library of terms.

    Raises `Refused` for a cell that is not there, or that learns no energy of states.
    """
    params = load_params()
    if task not in params.tasks:
        raise Refused(f"task: given {task!r}; {hint(task, list(params.tasks))}")
    if task in params.seen:
        raise Refused(f"{task}: energies of latent states have no formula; choose a task whose states are observed")
    known = params.models_of(task)
    if model not in known:
        raise Refused(f"model: given {model!r}; {hint(model, known)}")
    result = results_of(Cell(task, model))
    if result.law is None:
        raise Refused(
            f"{task}, {model}: no formula: the model learns no energy, as hnn does, or one that is not finite, or the run is "
            "older than formulas; `make repro` computes them"
        )
    library = fill(f"Library, at most {MOST_TERMS} terms of it: {', '.join(result.law.library)}", WIDTH)
    lines = [f"{task}, {model}: {formula(result.law)}", *described(result.law, result, results_of(Cell(task, TRUTH))), library]
    return "\n".join(lines)


def results_of(cell: Cell) -> CellResults:
    """The metrics of a cell."""
    return CellResults.parse(cell, artifacts.read_cell(cell))


def described(found: Law, result: CellResults, exact: CellResults) -> list[str]:
    """Lines on the true formula, the terms, the fit and the rollouts of a formula."""
    truth = {name: NOTHING if found.true is None else number(found.true.get(name, 0.0)) for name in found.coefficients}
    learned = {name: plus_minus(one) for name, one in found.coefficients.items()}
    table = text_table({"learned": learned, "true": truth}, WIDTH)
    fit = [
        f"R² of J∇H: {format_interval(found.field_r2)}, at least {FITS} for a formula",
        f"R² of H: {format_interval(found.r2)}",
    ]
    rows = {"formula": found.errors, "network": result.held_out.quantities, "exact field": exact.held_out.quantities}
    errors = {name: {row: format_interval(values.get(name)) for row, values in rows.items()} for name in LAW_ERRORS}
    rolled = ["Rolled out from the held-out starts:", *text_table(errors, WIDTH)] if found.errors else []
    return [f"true H = {true_formula(found)}", "", *table, "", *fit, *rolled, ""]
