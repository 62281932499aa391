"""All paths of the project, relative to its root, where DVC runs the stages."""

from pathlib import Path

from hnn.core.cell import Cell

__all__ = [
    "CARDS",
    "CHECKPOINTS",
    "CODE",
    "COMPARISONS",
    "DATA",
    "EXTERNAL",
    "METRICS",
    "MODELS",
    "PAGE",
    "RECORDINGS",
    "REPORT",
    "RESOLVED_PARAMS",
    "SUMMARY",
    "TIMES",
    "VALID_PARAMS",
    "WRITTEN_PARAMS",
    "autoencoder_path",
    "curve_path",
    "errors_path",
    "figure_path",
    "frames_path",
    "headline_path",
    "in_git",
    "motions_path",
    "observations_path",
    "predicted_metrics_path",
    "predictions_path",
    "probes_path",
    "recording_figure_path",
    "recording_report_path",
    "results_path",
    "rollouts_path",
    "trials_path",
    "weights_path",
]

DATA = Path("data")
METRICS = Path("metrics")
"""What a run is compared by: in git, but for the page and the cards."""
REPORT = METRICS / "report.md"
PAGE = METRICS / "report.html"
"""The report as one file with all figures."""
SUMMARY = METRICS / "summary.csv"
"""All numbers of all cells, one row per task, model and quantity."""
COMPARISONS = METRICS / "comparisons.json"
"""The differences between each cell and its baseline, with verdicts."""
TIMES = METRICS / "times.csv"
"""The times of the stages that ran last on this machine; not in git."""
CARDS = METRICS / "cards"
"""The model card of each cell."""
MODELS = DATA / "models"
"""Weights of all cells."""
CODE = DATA / "code"
"""Listings of source code, one per stage, model and system: see `hnn.files.source_code`."""
CHECKPOINTS = DATA / "checkpoints"
"""States of running fits, deleted when their stage has ended."""
VALID_PARAMS = DATA / "params.valid"
"""A constant mark that params.yaml is valid: stages wait for it and a change of parameters does not change it."""
WRITTEN_PARAMS = DATA / "params.written.yaml"
"""The content of params.yaml without comments, for the report."""
RESOLVED_PARAMS = DATA / "params.json"
"""The parameters with each task's defaults filled in, without `compute`."""
EXTERNAL = DATA / "external"
"""Folder for measured archives, which the user provides."""

RECORDINGS = DATA / "recordings"
"""Recordings of the user, one folder for each task, each tracked by DVC."""


def observations_path(task: str) -> Path:
    """The training and test data of a task."""
    return DATA / "observations" / f"{task}.npz"


def motions_path(task: str) -> Path:
    """The true motions of a task, the reference of its rollouts."""
    return DATA / "motions" / f"{task}.npz"


def trials_path(task: str) -> Path:
    """The trials of a recording, the reference of its rollouts."""
    return DATA / "trials" / f"{task}.npz"


def predictions_path(cell: Cell) -> Path:
    """The rollouts of a cell of a recorded task beside its held-out trials."""
    return DATA / "predictions" / cell.task / f"{cell.model}.npz"


def predicted_metrics_path(cell: Cell) -> Path:
    """The metrics of these rollouts."""
    return DATA / "results" / "predict" / cell.task / f"{cell.model}.json"


def recording_report_path(task: str, suffix: str) -> Path:
    """The report of a recorded task: .md, .html, and .json with the headline numbers."""
    return METRICS / "recordings" / f"{task}{suffix}"


def recording_figure_path(task: str, trial: str) -> Path:
    """The figure of a held-out trial of a recorded task."""
    return METRICS / "recordings" / task / f"{trial}.png"


def frames_path(task: str) -> Path:
    """The rendered frames of observations and true motions."""
    return DATA / "frames" / f"{task}.npz"


def autoencoder_path(task: str) -> Path:
    """The weights of the pretrained autoencoders, all seeds."""
    return DATA / "autoencoders" / f"{task}.safetensors"


def weights_path(cell: Cell) -> Path:
    """The weights of a cell, all seeds."""
    return MODELS / f"{cell.key}.safetensors"


def probes_path(cell: Cell) -> Path:
    """The probes of a pixel cell, all seeds, which read states from its latent states."""
    return DATA / "probes" / f"{cell.key}.npz"


def rollouts_path(cell: Cell) -> Path:
    """The rollouts of a cell."""
    return DATA / "rollouts" / f"{cell.key}.npz"


def results_path(stage: str, key: str) -> Path:
    """The numbers that a stage writes about a task or a cell, by its key."""
    return DATA / "results" / stage / f"{key}.json"


def curve_path(key: str) -> Path:
    """The training curves of a cell or of a task's autoencoder, all seeds."""
    return DATA / "curves" / f"{key}.csv"


def errors_path(task: str) -> Path:
    """The errors of all cells of a task against time."""
    return DATA / "errors" / f"{task}.csv"


def headline_path(cell: Cell) -> Path:
    """The headline numbers of a cell, which DVC shows."""
    return METRICS / "headline" / f"{cell.key}.json"


def figure_path(name: str) -> Path:
    """A figure of the report, by its file name: in git if README or report.md shows it."""
    return (METRICS if in_git(name) else DATA) / "figures" / name


def in_git(figure: str) -> bool:
    """True for the name of a figure that README or report.md shows; the others are in DVC's cache and in report.html."""
    return figure.endswith(("energy-error.png", "coordinate-error.png", "-film.png", "-counterfactual.gif"))
