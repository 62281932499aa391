"""`python -m hnn law`: the formula of a cell in plain text."""

import shutil

import pytest
from conftest import ROOT
from report_fixture import METRICS, law

from hnn.commands import law as command
from hnn.core.cell import TRUTH, Cell
from hnn.core.errors import Refused
from hnn.files import formats, paths


@pytest.fixture(autouse=True)
def project(tmp_path, monkeypatch):
    """A project whose pendulum has a baseline and an HNN whose formula is known."""
    shutil.copy(ROOT / "params.yaml", tmp_path)
    monkeypatch.chdir(tmp_path)
    write(law())


def write(entry):
    """The metrics of the cells of the pendulum, with a formula for HNN's energy."""
    for cell, files in METRICS.items():
        for stage, content in files.items():
            more = {"law": entry} if cell.model == "hnn" and stage == "rollout" else {}
            formats.write_json(paths.results_path(stage, cell.key), content | more)


def test_law_shows_the_formula_its_terms_beside_the_true_ones_and_its_rollouts():
    text = command.law("pendulum", "hnn")
    assert text.startswith("pendulum, hnn: H ≈ (3.010 ± 0.012)·(1 - cos q) + ")
    lines = [line.split() for line in text.splitlines()]
    assert ["(1", "-", "cos", "q)", "3.010", "±", "0.012", "3"] in lines
    assert "R² of J∇H: 0.999" in text
    assert any(line[:1] == ["formula"] and "0.02" in line for line in lines)
    assert any(line[:1] == ["network"] and "0.1" in line for line in lines)
    assert "Library, at most 4 terms of it: (1 - cos q), 1/|q1 - q2|" in text
    assert max(map(len, text.splitlines()[1:])) <= 80


def test_law_says_that_no_short_formula_fits():
    write(law(fits=False))
    text = command.law("pendulum", "hnn")
    assert text.startswith("pendulum, hnn: no short formula fits")
    assert "Rolled out" not in text


@pytest.mark.parametrize(
    ("task", "model", "said"),
    [
        ("pendulm", "hnn", "did you mean 'pendulum'?"),
        ("pendulum", "hn", "did you mean 'hnn'?"),
        ("pendulum", "baseline", "the model learns no energy"),
        ("pixel_pendulum", "hnn", "latent states"),
        ("mass_spring", "hnn", "run `make repro`"),
    ],
)
def test_law_refuses_other_cells_with_the_reason(task, model, said):
    with pytest.raises(Refused, match=said):
        command.law(task, model)


def test_law_refuses_a_cell_whose_truth_is_missing():
    paths.results_path("rollout", Cell("pendulum", TRUTH).key).unlink()
    with pytest.raises(Refused, match="make repro"):
        command.law("pendulum", "hnn")
