"""`make paper`: its verdicts, its page and its parameters."""

import re
import subprocess
from pathlib import Path

import numpy as np
import pytest
import yaml
from conftest import PARAMS, ROOT, parameters

from hnn.commands import paper, summaries
from hnn.core.cell import Cell
from hnn.core.errors import Refused
from hnn.core.statistics import Interval
from hnn.params.loading import load_params
from hnn.reporting.published import ENERGY_MSE, REASONS, TEST_LOSS, Value

PUBLISHED = Value(1.0, 0.1)


@pytest.mark.parametrize(
    ("mean", "least", "most", "text"),
    [
        (1.19, 1.1, 1.2, "within twice the published ±"),
        (0.81, 0.8, 0.9, "within twice the published ±"),
        (1.5, 1.21, 1.6, "above"),
        (0.5, 0.4, 0.6, "below"),
        (2.0, 1.19, 3.0, "above, but not for every seed"),
        (0.5, 0.1, 0.81, "below, but not for every seed"),
    ],
)
def test_verdict_beside_published_is_within_up_to_twice_the_plus_minus_and_else_the_side(mean, least, most, text):
    assert paper.verdict_beside_published(PUBLISHED, mean, least, most) == text


def experiment(energy, loss, tasks=("mass_spring",)):
    """The files of an experiment with these results in every cell, as `paper.rows` reads them."""
    params = {"state_tasks": list(tasks), "measured_tasks": [], "pixel_tasks": [], "models": ["baseline", "hnn"]}
    files = {"params.yaml": yaml.safe_dump(params | {"step_maps": ["euler"], "seeds": 2})}
    rows = ["task,model,quantity,mean,low,high,scale,seeds"]
    for task, model in ((task, model) for task in tasks for model in ("baseline", "hnn")):
        table1 = {"energy_mse": energy, "median_start": energy / 2, "block_error": energy / 10}
        numbers = {f"table1.{name}": value for name, value in table1.items()}
        rows += [f"{task},{model},{name},{value},,,linear,{value / 2} {value * 1.5}" for name, value in numbers.items()]
        rows.append(f"{task},{model},test_loss,{loss / 2},,,log,{loss / 2} {loss * 1.5}")  # a geometric mean is not published
        lines = [f"{step},{loss},{loss * (100 if step < 40 else 2)},{loss / 2}" for step in range(50)]
        files[f"data/curves/{task}-{model}.csv"] = "\n".join(["step,test_loss,test_loss.0,test_loss.1", *lines])
    files["metrics/summary.csv"] = "\n".join(rows)
    return files.__getitem__


def test_rows_are_the_published_numbers_of_the_trained_cells():
    published = ENERGY_MSE["mass_spring", "hnn"].mean
    found = {(r.model, r.quantity): r for r in paper.rows(experiment(published, 0.02))}
    assert sorted(found) == [(m, q) for m in ("baseline", "hnn") for q in ("energy_mse", "test_loss")]
    assert found["hnn", "energy_mse"].verdict == paper.WITHIN
    assert found["baseline", "energy_mse"].verdict == "below"
    assert found["hnn", "test_loss"].verdict == "below, but not for every seed"
    assert found["hnn", "test_loss"].seeds == "0.01 to 0.04"  # at the end of the training only
    assert found["hnn", "test_loss"].ours == "0.02"


@pytest.mark.parametrize(("seeds", "verdict"), [((1.0, 1.3), "above, but not for every seed"), ((1.25, 1.3), "above")])
def test_energy_row_compares_each_seed_with_twice_its_own_block_error(seeds, verdict):
    """The least seed 1.25 with its ± 0.01 stays above 1 ± 2 · 0.1; the mean over the seeds is the same in both cases."""
    entries = {
        "table1.energy_mse": Interval(1.275, seeds=seeds),
        "table1.block_error": Interval(0.01, seeds=(0.01, 0.01)),
        "table1.median_start": Interval(1.0),
    }
    row = paper.energy_row(Cell("mass_spring", "hnn"), entries, PUBLISHED)
    assert row.verdict == verdict
    assert row.seeds == f"{seeds[0]:g} to {seeds[1]:g}"


def test_compare_with_paper_gives_a_reason_for_each_row_that_is_not_within(monkeypatch):
    monkeypatch.setitem(REASONS, ("mass_spring", "baseline", "energy_mse"), "Seeds {seeds}; {chance}.")
    energy, loss = (table["mass_spring", "hnn"].mean for table in (ENERGY_MSE, TEST_LOSS))
    found, text = paper.compare_with_paper(experiment(energy, loss), lambda cell: "0%, 44%")
    assert "**mass_spring baseline, energy_mse.** Seeds 1.9e-4 to 5.8e-4; 0%, 44%." in text
    assert "mass_spring hnn, " not in text
    assert text.count(" | within twice the published ± |") == sum(row.verdict == paper.WITHIN for row in found) == 3


def test_rows_refuse_an_error_without_a_finite_value():
    with pytest.raises(Refused, match=r"table1\.energy_mse .* has no finite value"):
        paper.mean_of({"table1.energy_mse": Interval()}, "table1.energy_mse")


def test_files_of_an_experiment_come_from_git_and_below_data_from_the_cache(monkeypatch):
    monkeypatch.setattr(summaries, "git", lambda *words: " ".join(words))
    monkeypatch.setattr(summaries, "cached", lambda revision, path, advice: f"cached {revision} {path}".encode())
    read = paper.files_of("rev")
    assert read("metrics/summary.csv") == "show rev:metrics/summary.csv"
    assert read("data/curves/pendulum-hnn.csv") == "cached rev data/curves/pendulum-hnn.csv"


def test_terminal_has_a_line_for_each_row():
    found = paper.rows(experiment(1.0, 1.0, ("mass_spring", "pendulum", "damped_pendulum")))
    assert len(paper.terminal(found).splitlines()) == 1 + 8


def recipe(**variables):
    """The changes that `make paper` makes to params.yaml, as {dotted key: value}."""
    words = [f"{name}={value}" for name, value in variables.items()]
    run = subprocess.run(["make", "--dry-run", "--always-make", "paper", *words], cwd=ROOT, capture_output=True, text=True)
    (line,) = [line for line in run.stdout.splitlines() if line.startswith("dvc exp run")]
    pairs = re.findall(r"-S '?\+*([\w.]+)=(\[.*?\]|[^\s']*)", line)
    return {key: yaml.safe_load(value) for key, value in pairs}


@pytest.mark.parametrize("variables", [{}, {"MEASURED": "real_pendulum", "PIXELS": "pixel_pendulum", "SEEDS": "2"}])
def test_recipe_of_make_paper_is_made_of_valid_parameters(tmp_path, variables):
    raw, changes = parameters(), recipe(**variables)
    for key, value in changes.items():
        section = raw
        *path, last = key.split(".")
        for part in path:
            section = section[part]
        section[last] = value
    (tmp_path / "params.yaml").write_text(yaml.safe_dump(raw))
    params = load_params(Path(tmp_path / "params.yaml"))
    published = {
        "mass_spring": (2000, "full", 1e-4),
        "pendulum": (2000, "full", 1e-4),
        "two_body": (10000, 200, 0.0),
        "real_pendulum": (2000, "full", 1e-5),
        "pixel_pendulum": (10000, 200, 1e-5),
    }
    for task, recipe_of_task in published.items():
        p = params.tasks[task].train or params.tasks[task].train_pixels
        assert (p.steps, p.batch, p.weight_decay) == recipe_of_task, task
        assert (p.schedule, p.learning_rate, p.beta1, p.beta2) == ("constant", 1e-3, 0.9, 0.999), task
    assert params.tasks["pixel_pendulum"].train_pixels.dynamics_only_steps == 0
    assert params.tasks["pixel_pendulum"].train_pixels.output_layer_segment == 0
    assert params.autoencoder.momentum == "encoded"
    assert params.tasks["real_pendulum"].ingest.derivative == "published"
    if variables:
        assert (params.measured_tasks, params.pixel_tasks, params.seeds) == (["real_pendulum"], ["pixel_pendulum"], 2)


def test_committed_published_horizons_of_the_spring_grow():
    assert PARAMS["tasks"]["mass_spring"]["simulate"]["published_horizon_growth"] == 1.09


def test_share_of_sets_counts_means_within_twice_the_published_spread():
    """A seed that always is, one that never is, and one with a tenth of its starts far off, which 0.9¹⁵ of all sets miss."""
    found = np.stack([np.full(50, 1.1), np.full(50, 2.0), np.where(np.arange(50) < 5, 1e6, 1.0)])
    assert paper.share_of_sets(found, 15, Value(1.0, 0.1), np.random.default_rng(0)).split(", ")[::2] == ["0%", "100%"]
    share = float(paper.share_of_sets(found[2:], 15, Value(1.0, 0.1), np.random.default_rng(0)).rstrip("%")) / 100
    assert share == pytest.approx(0.9**15, abs=0.03)


def test_newest_is_the_first_listed_experiment_and_refused_without_one(monkeypatch):
    monkeypatch.setattr(summaries, "git", lambda *words: "b2\na1\n")
    assert paper.newest() == "b2"
    monkeypatch.setattr(summaries, "git", lambda *words: "")
    with pytest.raises(Refused, match="run `make paper`"):
        paper.newest()


def test_main_writes_the_page_and_prints_the_table(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    read = experiment(1.0, 1.0, ("two_body",))
    git = {"params.yaml": read("params.yaml"), "metrics/summary.csv": read("metrics/summary.csv")}
    monkeypatch.setattr(summaries, "git", lambda word, path, *_: git[path.partition(":")[2]] if word == "show" else "rev")
    monkeypatch.setattr(summaries, "cached", lambda revision, path, advice: read(path).encode())
    monkeypatch.setattr(paper, "energy_errors", lambda revision, cell: (np.full((2, 50), 1.0), 15))
    paper.main()
    assert paper.PAGE.read_text(encoding="utf-8").startswith("# The published recipe")
    printed = capsys.readouterr().out
    assert printed.count("two_body") == 4
    assert f"Reasons and readings: {paper.PAGE}" in printed


def test_main_without_an_experiment_exits_with_one_line(monkeypatch):
    monkeypatch.setattr(summaries, "git", lambda *words: "")
    with pytest.raises(SystemExit, match="there is no experiment called paper"):
        paper.main()


def test_numbers_of_an_experiment_without_seeds_are_refused():
    with pytest.raises(Refused, match="test_loss of the experiment paper has no finite value of any seed: run `make paper`"):
        paper.seeds_of({"test_loss": Interval(0.1)}, "test_loss")
