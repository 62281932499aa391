"""Metrics, true motions and rollouts -> tables, pictures and rows for plots: the report in Markdown and as a page."""

from functools import partial
from pathlib import Path

from stages import run

from hnn.core.cell import Cell
from hnn.evaluation.metrics import energy_change
from hnn.figures import catalogue, error_curves, films
from hnn.files import artifacts, formats, paths
from hnn.params.loading import load_params, params_as_written
from hnn.rendering.canvas import Canvas, render
from hnn.reporting import comparisons, model_cards, provenance, report, tables
from hnn.reporting.results import TRUTH, loss_floor
from hnn.systems.base import make_system


def write_report() -> None:
    """Report on exactly the cells that the parameters name; what older runs left behind is not read."""
    params = load_params()
    models = {task: [cell.name for cell in params.cells(task)] for task in params.active + params.pixel_tasks}
    rolled = models | {task: [*params.models, TRUTH] for task in params.active}
    cells = {(task, name): artifacts.read_cell(Cell.of_name(task, name)) for task, names in rolled.items() for name in names}
    rollouts = {
        task: {name: artifacts.unflatten(formats.read_arrays(paths.rollouts_path(Cell.of_name(task, name)))) for name in names}
        for task, names in rolled.items()
    }
    samples = {task: params.tasks[task].rollout.bootstrap_samples for task in models}
    compared = {t: comparisons.compare(t, rollouts[t], samples[t], t in params.pixel_tasks) for t in models}
    groups = {catalogue.OVERVIEW: catalogue.overview(rollouts)}
    for task, names in models.items():
        constants, canvas = params.tasks[task].system, params.tasks[task].render
        curves = {model: formats.read_columns(paths.curve_path(f"{task}-{model}")) for model in names}
        shown = catalogue.Shown(task, artifacts.read_motions(task), rollouts[task], curves)
        if task in params.pixel_tasks:
            groups[task] = catalogue.of_pixels(shown, formats.read_columns(paths.curve_path(task)))
        else:
            draw = partial(render, Canvas(**canvas.model_dump() | films.CANVAS), **constants) if canvas else None
            groups[task] = catalogue.of_states(shown, make_system(**constants).axes, draw, loss_floor(cells, task))
        formats.write_rows(paths.errors_path(task), error_curves.rows(rollouts[task]))
    uris = {name: formats.write_picture(paths.figure_path(name), picture) for name, picture in catalogue.drawn(groups).items()}
    decay = {task: energy_change(next(iter(rollouts[task].values()))["held_out"]["true_energy"]) for task in params.active}
    said = report.content(cells, compared, decay, catalogue.captions(groups), params.tasks, params.seeds)
    origin = provenance.origin([Path("src/hnn"), Path("stages")], map(paths.observations_path, models), params_as_written())
    artifacts.write_cards(model_cards.render(cells, decay, params.tasks, params.seeds))
    formats.write_json(paths.METRICS / "comparisons.json", compared)
    formats.write_rows(paths.METRICS / "summary.csv", tables.summary_rows(cells))
    formats.write_text(paths.METRICS / "report.md", report.markdown(said))
    formats.write_text(paths.METRICS / "report.html", report.page(said, uris, origin))


if __name__ == "__main__":
    run(write_report)
