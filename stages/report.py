"""Metrics, true motions and rollouts -> metrics/report.md, metrics/summary.csv and figures."""

from stages import run

from hnn import config, io, plotting, report
from hnn.metrics import energy_change


def write_report() -> None:
    """Report on exactly the cells that the parameters name; what older runs left behind is not read."""
    params = config.load()
    pairs = [(task, model) for task in params.active for model in params.models]
    cells = {
        (t, m): {stage: io.read_json(io.metrics_path(stage, f"{t}-{m}")) for stage in ("train", "rollout")} for t, m in pairs
    }
    motions = {task: io.read_motions(task) for task in params.active}
    rollouts = {task: {model: io.read_rollouts(task, model) for model in params.models} for task in params.active}

    figures = {"Errors against time": plotting.overview(rollouts)} if rollouts else {}
    figures |= {task: plotting.task_figures(task, motions[task], models) for task, models in rollouts.items()}
    for group in figures.values():
        for name, figure in group.items():
            io.write_figure(io.figure_path(name), figure)
    decay = {task: energy_change(next(iter(models.values()))["held_out"]["true_energy"]) for task, models in rollouts.items()}
    about = {"seeds": params.seeds, "long": f"{params.simulate.long:g}"}
    io.write_rows(io.METRICS / "summary.csv", report.summary_rows(cells))
    io.write_text(
        io.METRICS / "report.md", report.render(cells, decay, {title: list(group) for title, group in figures.items()}, about)
    )


if __name__ == "__main__":
    run(write_report)
