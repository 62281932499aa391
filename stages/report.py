"""Metrics, true motions and rollouts -> tables, sentences, figures and rows for plots: report.md and report.html."""

from collections.abc import Mapping
from functools import partial
from pathlib import Path

import torch

from stages import run

from hnn.core.cell import TRUTH, Cell
from hnn.core.trajectories import CellRollouts
from hnn.evaluation.metrics import energy_change
from hnn.figures import catalogue, error_curves, films
from hnn.files import artifacts, formats, paths, reading
from hnn.params.loading import load_params
from hnn.params.schema import Params
from hnn.rendering.canvas import make_canvas, render
from hnn.reporting import model_cards, provenance, tables
from hnn.reporting.comparisons import compare
from hnn.reporting.report import Report
from hnn.reporting.results import Results
from hnn.systems.base import make_system


def write_report() -> None:
    """Report on exactly the cells that the parameters name; files of older runs are not read."""
    params = load_params()
    cells = {task: [*params.cells(task), Cell(task, TRUTH)] for task in params.active}
    cells |= {task: params.cells(task) for task in params.seen}
    rollouts = {task: {cell: artifacts.read_rollouts(cell) for cell in group} for task, group in cells.items()}
    metrics = {cell: artifacts.read_cell(cell) for group in cells.values() for cell in group}
    r2 = {cell: files["rollout"]["probe_r2"]["mean"] for cell, files in metrics.items() if cell.from_pixels}
    compared = compare({cell: one for of_task in rollouts.values() for cell, one in of_task.items()}, r2)
    results = Results.parse(metrics, compared)
    groups = figures(params, results, rollouts)
    uris = {name: formats.write_picture(paths.figure_path(name), one) for name, one in catalogue.drawn(groups).items()}
    decay = {task: energy_change(next(iter(rollouts[task].values())).sets["held_out"].true_energy) for task in rollouts}
    report = Report.of(results, decay, catalogue.captions(groups), params.tasks, params.seeds)
    written = reading.read_text(paths.WRITTEN_PARAMS)
    origin = provenance.origin(
        [Path("src/hnn"), Path("stages"), Path("systems")], map(paths.observations_path, cells), written
    )
    artifacts.write_cards(model_cards.model_cards(results, decay, params.tasks, params.seeds))
    for cell, result in results.cells.items():
        if not cell.is_truth:
            formats.write_json(paths.headline_path(cell), result.headline())
    formats.write_json(paths.COMPARISONS, results.comparisons_json())
    formats.write_rows(paths.SUMMARY, tables.summary_rows(metrics))
    formats.write_text(paths.REPORT, report.markdown(paths.in_git))
    formats.write_text(paths.PAGE, report.page(uris, origin))


def figures(
    params: Params, results: Results, rollouts: Mapping[str, Mapping[Cell, CellRollouts]]
) -> dict[str, catalogue.Group]:
    """The figures of all tasks together and of each task, and the rows of data/errors written beside them."""
    groups = {catalogue.OVERVIEW: catalogue.overview(rollouts)}
    for task, of_task in rollouts.items():
        constants, canvas = params.tasks[task].system, params.tasks[task].render
        curves = {cell: formats.read_columns(paths.curve_path(cell.key)) for cell in params.cells(task)}
        shown = catalogue.Shown(task, artifacts.read_motions(task), of_task, curves)
        if task in params.seen:
            groups[task] = catalogue.of_pixels(shown, formats.read_columns(paths.curve_path(task)))
        else:
            first = torch.from_numpy(shown.motions["held_out"].x[0])
            draw = None
            if canvas:
                draw = partial(render, make_canvas(canvas.model_dump() | films.CANVAS, first, **constants), **constants)
            groups[task] = catalogue.of_states(shown, make_system(**constants).axes, draw, results.loss_floor(task))
        formats.write_rows(paths.errors_path(task), error_curves.rows(of_task))
    return groups


if __name__ == "__main__":
    run(write_report)
