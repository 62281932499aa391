"""Predictions and metrics of a recorded task -> its report: Markdown, one page with figures, and headline numbers."""

from stages import run

from hnn.core.cell import Cell
from hnn.figures.recording import trial_figure
from hnn.files import artifacts, formats, paths
from hnn.files.recordings import read_predictions
from hnn.params.loading import load_params
from hnn.reporting.recording import RecordedCell, RecordingReport, verdicts

SHOWN = 3
"""Largest number of held-out trials that are drawn."""


def report_recording(task: str) -> None:
    """Report on the cells of one recorded task."""
    params = load_params()
    cells = [Cell(task, model) for model in params.recorded_models]
    read = {cell: read_predictions(cell) for cell in cells}
    judged = verdicts({cell: metrics["windows"]["prediction_error"] for cell, (_, metrics) in read.items()})
    found = [RecordedCell.parse(cell, artifacts.read_predicted_metrics(cell), judged[cell]) for cell in cells]
    about = artifacts.read_about(task)
    report = RecordingReport(task, about, found, params.seeds)
    uris, links = {}, {}
    for name in about.held_out[:SHOWN]:
        caption = (
            f"{name}: recorded and predicted by the first seed of each model, cut off at the frame; below, the learned H."
        )
        path = paths.recording_figure_path(task, name)
        uris[caption] = formats.write_picture(path, trial_figure(name, {cell: of[name] for cell, (of, _) in read.items()}))
        links[caption] = f"{path.parent.name}/{path.name}"
    formats.write_text(paths.recording_report_path(task, ".md"), report.markdown(links))
    formats.write_text(paths.recording_report_path(task, ".html"), report.page(uris))
    formats.write_json(paths.recording_report_path(task, ".json"), {one.cell.model: one.headline() for one in found})


if __name__ == "__main__":
    run(report_recording)
