"""Paths of artifacts, which DVC and the committed metrics rely on."""

from hnn.core.cell import Cell
from hnn.files import paths


def test_paths_of_tasks_and_cells_are_those_of_dvc_yaml():
    cell = Cell("pixel_pendulum", "hnn", "rk4")
    assert [
        path.as_posix()
        for path in (
            paths.observations_path("t"),
            paths.motions_path("t"),
            paths.frames_path("t"),
            paths.autoencoder_path("t"),
            paths.weights_path(cell),
            paths.probes_path(cell),
            paths.rollouts_path(cell),
            paths.results_path("train", cell.key),
            paths.curve_path(cell.key),
            paths.errors_path("t"),
            paths.headline_path(cell),
            paths.figure_path("t-paths.png"),
            paths.figure_path("t-film.png"),
        )
    ] == [
        "data/observations/t.npz",
        "data/motions/t.npz",
        "data/frames/t.npz",
        "data/autoencoders/t.safetensors",
        "data/models/pixel_pendulum-hnn-rk4.safetensors",
        "data/probes/pixel_pendulum-hnn-rk4.npz",
        "data/rollouts/pixel_pendulum-hnn-rk4.npz",
        "data/results/train/pixel_pendulum-hnn-rk4.json",
        "data/curves/pixel_pendulum-hnn-rk4.csv",
        "data/errors/t.csv",
        "metrics/headline/pixel_pendulum-hnn-rk4.json",
        "data/figures/t-paths.png",
        "metrics/figures/t-film.png",
    ]
