"""Fits of all seeds, and the files that training stages write."""

import pytest
import torch
from conftest import network

from hnn.files.artifacts import read_weights
from hnn.files.formats import read_json, read_rows
from hnn.files.paths import curve_path, results_path
from hnn.parallel.mapping import serial_map
from hnn.training.fit import Fit
from hnn.training.seeds import fit_seeds, write_fits


@pytest.mark.parametrize(("device", "groups"), [("cpu", [[0], [1], [2]]), ("cuda", [[0, 1, 2]])])
def test_fit_seeds_groups_single_seeds_on_the_cpu_and_all_seeds_on_a_gpu(device, groups):
    assert fit_seeds(lambda seeds: [list(seeds)], 3, torch.device(device), serial_map) == groups


def test_write_fits_writes_weights_curves_and_metrics(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    fits = [
        Fit(
            network("hnn", seed=seed),
            curve=[{"step": 0, "learning_rate": 0.1, "train_loss": 9.0}, {"step": 7, "learning_rate": 0.1, "train_loss": 1.0}],
            losses={"train_loss": 1.0 + seed},
        )
        for seed in (0, 1)
    ]
    write_fits("train", "t-hnn", tmp_path / "w.safetensors", fits, {"name": "hnn"}, [{"ratio": 2.0}, {"ratio": 4.0}])
    weights, about = read_weights(tmp_path / "w.safetensors")
    assert about == {"name": "hnn"}
    assert torch.equal(weights[1]["energy.layers.0.weight"], fits[1].model.energy.layers[0].weight)
    assert [row["step"] for row in read_rows(curve_path("t-hnn"))] == ["0", "7"]
    metrics = read_json(results_path("train", "t-hnn"))
    assert metrics["train_loss"]["mean"] == pytest.approx(2**0.5)  # geometric, of 1 and 2
    assert metrics["ratio"]["mean"] == pytest.approx(8**0.5)
    assert metrics["ratio"]["seeds"] == pytest.approx([2.0, 4.0])
    assert metrics["ratio"]["low"] < metrics["ratio"]["mean"] < metrics["ratio"]["high"]
    assert metrics["steps"] == 7
    assert metrics["parameters"] == sum(w.numel() for w in fits[0].model.parameters())
