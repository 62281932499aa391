"""Metrics, true motions and rollouts -> tables, pictures and rows for plots: the report in Markdown and as a page."""

from functools import partial
from pathlib import Path

from stages import run

from hnn import bands, cards, comparisons, config, films, gallery, io, provenance, report, system, tables
from hnn.metrics import energy_change
from hnn.rendering import Canvas, render
from hnn.results import TRUTH, loss_floor


def write_report() -> None:
    """Report on exactly the cells that the parameters name; what older runs left behind is not read."""
    params = config.load()
    models = dict.fromkeys(params.active, params.models) | dict.fromkeys(params.pixel_tasks, params.latent_models)
    rolled = models | {task: [*params.models, TRUTH] for task in params.active}
    cells = {(task, model): io.read_cell(task, model) for task, names in rolled.items() for model in names}
    rollouts = {task: {model: io.read_rollouts(task, model) for model in names} for task, names in rolled.items()}
    compared = {t: comparisons.compare(t, rollouts[t], params.tasks[t].rollout.draws, t in params.pixel_tasks) for t in models}
    groups = {gallery.OVERVIEW: gallery.overview(rollouts)}
    for task, names in models.items():
        constants, canvas = params.tasks[task].system, params.tasks[task].render
        curves = {model: io.read_columns(io.curve_path(f"{task}-{model}")) for model in names}
        shown = gallery.Shown(task, io.read_motions(task), rollouts[task], curves)
        if task in params.pixel_tasks:
            groups[task] = gallery.of_pixels(shown, io.read_columns(io.curve_path(task)))
        else:
            draw = partial(render, Canvas(**canvas.model_dump() | films.CANVAS), **constants) if canvas else None
            groups[task] = gallery.of_states(shown, system.make(**constants).axes, draw, loss_floor(cells, task))
        io.write_rows(io.errors_path(task), bands.rows(rollouts[task]))
    uris = {name: io.write_picture(io.figure_path(name), picture) for name, picture in gallery.drawn(groups).items()}
    decay = {task: energy_change(next(iter(rollouts[task].values()))["held_out"]["true_energy"]) for task in params.active}
    said = report.content(cells, compared, decay, gallery.captions(groups), params.tasks, params.seeds)
    origin = provenance.origin([Path("src/hnn"), Path("stages")], map(io.observations_path, models), config.as_written())
    io.write_cards(cards.render(cells, decay, params.tasks, params.seeds))
    io.write_json(io.METRICS / "comparisons.json", compared)
    io.write_rows(io.METRICS / "summary.csv", tables.summary_rows(cells))
    io.write_text(io.METRICS / "report.md", report.markdown(said))
    io.write_text(io.METRICS / "report.html", report.page(said, uris, origin))


if __name__ == "__main__":
    run(write_report)
