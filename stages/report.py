"""Metrics, true motions and rollouts -> metrics/report.md, metrics/summary.csv and figures."""

from functools import partial

from stages import run

from hnn import cards, config, io, pictures, plotting, report, report_pixels
from hnn.metrics import energy_change
from hnn.rendering import Canvas, render


def write_report() -> None:
    """Report on exactly the cells that the parameters name; what older runs left behind is not read."""
    params = config.load()
    models = dict.fromkeys(params.active, params.models) | dict.fromkeys(params.pixel_tasks, params.latent_models)
    cells = {
        (task, model): {stage: io.read_json(io.metrics_path(stage, f"{task}-{model}")) for stage in ("train", "rollout")}
        for task, names in models.items()
        for model in names
    }
    motions = {task: io.read_motions(task) for task in models}
    rollouts = {task: {model: io.read_rollouts(task, model) for model in names} for task, names in models.items()}
    figures = {"Errors against time": plotting.overview(rollouts)}
    for task in params.active:
        figures[task] = plotting.task_figures(task, motions[task], rollouts[task])
        if canvas := params.tasks[task].render:
            drawing = partial(render, Canvas(**canvas.model_dump() | pictures.CANVAS), **params.tasks[task].system)
            figures[task] |= pictures.drawn(task, drawing, motions[task], rollouts[task])
    for task in params.pixel_tasks:
        figures[task] = pictures.task_figures(task, motions[task], rollouts[task])
    names = {title: [io.write_figure(name, figure) for name, figure in group.items()] for title, group in figures.items()}
    for task in params.pixel_tasks:
        names[task] += [
            io.write_animation(name, film, 0.1) for name, film in pictures.animations(task, rollouts[task]).items()
        ]
    decay = {task: energy_change(next(iter(rollouts[task].values()))["held_out"]["true_energy"]) for task in params.active}
    io.write_cards(cards.render(cells, decay, params.tasks, params.seeds))
    pixels = report_pixels.describe({cell: found for cell, found in cells.items() if cell[0] in params.pixel_tasks})
    about = {"seeds": params.seeds, "long": f"{params.simulate.long:g}", "starts": params.simulate.starts}
    io.write_rows(io.METRICS / "summary.csv", report.summary_rows(cells))
    io.write_text(io.METRICS / "report.md", report.render(cells, decay, names, about, pixels))


if __name__ == "__main__":
    run(write_report)
