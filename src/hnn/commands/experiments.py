"""`python -m hnn experiments`: what each DVC experiment changed, and the errors of each cell in all of them, side by side.

`dvc exp show` has a column for each number of each cell, of which a terminal shows a few.
"""

import shutil
from collections.abc import Mapping
from typing import Any

from hnn.core.errors import Refused
from hnn.files import paths
from hnn.params.schema import Params
from hnn.reporting.formatting import number, text_table

__all__ = ["experiments", "parameters", "side_by_side"]

QUANTITIES = ("energy_error_pct", "coordinate_error_pct", "valid_time", "log10_test_loss")
"""The headline numbers: see `hnn.reporting.results.CellResults.headline`."""
WIDEST = 160

Row = Mapping[str, Any]
"""A row of `dvc exp show`."""


def experiments(quantity: str = QUANTITIES[0], width: int | None = None) -> str:
    """The parameters that each experiment on HEAD changed, and one headline number of each cell, a column for each experiment.

    Raises `Refused` for another number, or where there is no experiment.
    """
    if quantity not in QUANTITIES:
        raise Refused(f"given {quantity}, allowed: {', '.join(QUANTITIES)}")
    import dvc.api  # takes a second to import
    from dvc.exceptions import DvcException
    from scmrepo.exceptions import SCMError

    try:
        shown = dvc.api.exp_show()
    except (DvcException, SCMError) as error:
        raise Refused(f"experiments cannot be listed: {' '.join(str(error).split())}") from None
    rows = [row for row in shown if row.get("State") in (None, "Success")]
    named = {str(row["Experiment"] or row["rev"]): row for row in rows}
    if len(named) < 3:
        raise Refused("there is no experiment on HEAD yet: run `dvc exp run -S model.hidden=64`, say")
    head = list(named)[1]
    changed = [f"{name}: {text}" for name, row in named.items() if name != head and (text := parameters(named[head], row))]
    columns = width or min(WIDEST, shutil.get_terminal_size((WIDEST, 24)).columns)
    table = side_by_side(named, quantity, columns)
    return "\n".join(
        [f"Parameters that differ from {head}:", *(changed or ["none"]), "", f"{quantity}, held-out starts:", *table]
    )


def parameters(head: Row, row: Row) -> str:
    """The parameters in which an experiment differs from HEAD.

    >>> parameters({"model.hidden": 200, "seeds": 5, "State": None}, {"model.hidden": 64, "seeds": 5, "State": "Success"})
    'model.hidden=64'
    """
    keys = (name for name in head if name.partition(".")[0] in Params.model_fields)
    return " ".join(f"{name}={as_text(row.get(name))}" for name in keys if row.get(name) != head[name])


def as_text(value: Any) -> str:
    """A value as params.yaml has it; DVC gives whole numbers as floats.

    >>> as_text(5.0), as_text(None), as_text("tanh")
    ('5', 'null', 'tanh')
    """
    return "null" if value is None else f"{value:g}" if isinstance(value, float) else str(value)


def side_by_side(rows: Mapping[str, Row], quantity: str, width: int) -> list[str]:
    """Lines of a table of a headline number: a row for each cell, a column for each experiment, as many as fit the width."""
    prefix, suffix = f"{paths.METRICS.as_posix()}/headline/", f".json:{quantity}"
    cells = sorted({name for row in rows.values() for name in row if name.startswith(prefix) and name.endswith(suffix)})
    values = {
        experiment: {cell[len(prefix) : -len(suffix)]: number(row.get(cell)) for cell in cells}
        for experiment, row in rows.items()
    }
    return text_table(values, width)
