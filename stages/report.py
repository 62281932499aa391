"""Metrics, true motions and rollouts -> tables, sentences, figures and rows for plots: report.md and report.html."""

from functools import partial
from pathlib import Path

from stages import run

from hnn.core.cell import TRUTH, Cell
from hnn.evaluation.metrics import energy_change
from hnn.figures import catalogue, error_curves, films
from hnn.files.artifacts import read_cell, read_motions, read_rollouts, write_cards
from hnn.files.formats import read_columns, write_json, write_picture, write_rows, write_text
from hnn.files.paths import METRICS, curve_path, errors_path, figure_path, observations_path
from hnn.params.loading import load_params, params_as_written
from hnn.rendering.canvas import Canvas, render
from hnn.reporting import provenance, tables
from hnn.reporting.comparisons import compare_with_baseline
from hnn.reporting.model_cards import model_cards
from hnn.reporting.report import Report
from hnn.reporting.results import CellResults, Results
from hnn.systems.base import make_system


def write_report() -> None:
    """Report on exactly the cells that the parameters name; files of older runs are not read."""
    params = load_params()
    tasks = params.active + params.pixel_tasks
    cells = {task: params.cells(task) + [Cell(task, TRUTH)] * (task in params.active) for task in tasks}
    metrics = {cell: read_cell(cell) for task in tasks for cell in cells[task]}
    rollouts = {task: {cell: read_rollouts(cell) for cell in cells[task]} for task in tasks}
    samples = {task: params.tasks[task].rollout.bootstrap_samples for task in tasks}
    compared = {task: compare_with_baseline(rollouts[task], samples[task]) for task in tasks}
    results = Results(
        {cell: CellResults.parse(cell, entry) for cell, entry in metrics.items()},
        {comparison.cell: comparison for task in tasks for comparison in compared[task]},
    )
    by_name = {task: {cell.name: found for cell, found in rollouts[task].items()} for task in tasks}
    groups = {catalogue.OVERVIEW: catalogue.overview(by_name)}
    for task in tasks:
        constants, canvas = params.tasks[task].system, params.tasks[task].render
        curves = {cell.name: read_columns(curve_path(cell.key)) for cell in params.cells(task)}
        shown = catalogue.Shown(task, read_motions(task), by_name[task], curves)
        if task in params.pixel_tasks:
            groups[task] = catalogue.of_pixels(shown, read_columns(curve_path(task)))
        else:
            draw = partial(render, Canvas(**canvas.model_dump() | films.CANVAS), **constants) if canvas else None
            floor = results.loss_floor(task)
            groups[task] = catalogue.of_states(shown, make_system(**constants).axes, draw, floor.mean if floor else None)
        write_rows(errors_path(task), error_curves.rows(by_name[task]))
    pictures = {name: write_picture(figure_path(name), picture) for name, picture in catalogue.drawn(groups).items()}
    decay = {t: energy_change(next(iter(rollouts[t].values())).sets["held_out"].true_energy) for t in params.active}
    report = Report.of(results, decay, catalogue.captions(groups), params.tasks, params.seeds)
    origin = provenance.origin([Path("src/hnn"), Path("stages")], map(observations_path, tasks), params_as_written())
    write_cards(model_cards(results, decay, params.tasks, params.seeds))
    write_json(METRICS / "comparisons.json", {task: {c.title: c.to_json() for c in compared[task]} for task in tasks})
    write_rows(METRICS / "summary.csv", tables.summary_rows(metrics))
    write_text(METRICS / "report.md", report.markdown())
    write_text(METRICS / "report.html", report.page(pictures, origin))


if __name__ == "__main__":
    run(write_report)
