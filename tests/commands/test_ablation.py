"""The sweep: every change is one of a parameter there is, and what is collected says what the numbers say."""

import json
import re

import pytest
import yaml
from conftest import parameters

from hnn.commands import ablation
from hnn.params.loading import load_params


def row(factor, value, model, mean, quantity="energy_error"):
    """A row of the table with an interval of a tenth."""
    edges = {"mean": mean, "low": 0.9 * mean, "high": 1.1 * mean}
    return {"factor": factor, "value": value, "model": model, "quantity": quantity, **edges}


TABLE = [
    *(row("noise", value, "hnn", mean) for value, mean in ((0.0, 0.01), (0.1, 0.2), (0.4, 0.9))),
    *(row("noise", value, "baseline", mean) for value, mean in ((0.0, 0.1), (0.1, 0.21), (0.4, 0.3))),
]


def changes(task="pendulum"):
    """The changes of each command of the sweep, {name: {dotted key: list of values}}."""
    found = {}
    for words in ablation.commands(task):
        pairs = [words[i + 1].split("=") for i, word in enumerate(words) if word == "-S"]
        found[words[1]] = {k: [yaml.safe_load(v)] if "[" in v else list(map(yaml.safe_load, v.split(","))) for k, v in pairs}
    return found


def test_every_experiment_is_of_valid_parameters(tmp_path):
    for name, change in changes().items():
        for i in range(max(map(len, change.values()))):
            raw = parameters()
            for key, values in change.items():
                section, (*path, last) = raw, key.split(".")
                for part in path:
                    section = section[part]
                section[last] = values[min(i, len(values) - 1)]
            (tmp_path / "params.yaml").write_text(yaml.safe_dump(raw))
            params = load_params(tmp_path / "params.yaml")
            assert (params.state_tasks, params.pixel_tasks) == (["pendulum"], []), name


def test_one_factor_is_varied_at_a_time_and_never_to_its_default():
    common = set(changes()["ablation-pendulum-default-0"])
    varied = {name: {k: v for k, v in change.items() if k not in common} for name, change in changes().items()}
    assert not varied.pop("ablation-pendulum-default-0")
    factors = {re.fullmatch(r"ablation-pendulum-([a-z]+)-\d+", name)[1] for name in varied}
    assert factors == set(ablation.LABELS)
    for change in varied.values():
        for key, values in change.items():
            default = parameters()
            for part in key.split("."):
                default = default[part]
            assert default not in values, key


def test_results_are_collected_from_git_and_the_unchanged_experiment_is_in_every_factor(monkeypatch):
    found = {"test_loss": {"mean": 0.03, "low": 0.02, "high": 0.04}}
    raw = {"default": parameters(), "wide": parameters()}
    raw["wide"]["model"]["hidden"] = 400

    def git(*words):
        if words[0] == "ls-tree":
            return "metrics/train/pendulum-hnn.json"
        revision, path = words[1].split(":")
        return yaml.safe_dump(raw[revision]) if path == "params.yaml" else json.dumps(found)

    monkeypatch.setattr(ablation, "git", git)
    table = ablation.rows("pendulum", {"ablation-pendulum-width-0-1": "wide", "ablation-pendulum-default-0": "default"})
    assert [(r["factor"], r["value"]) for r in table] == [
        ("trajectories", 25),
        ("noise", 0.1),
        ("width", 200),
        ("width", 400),
        ("derivative", "exact"),
    ]


def test_only_the_experiments_of_the_task_count(monkeypatch):
    listed = (
        "refs/exps/ab/cd/ablation-pendulum-noise-0 1\nrefs/exps/ab/cd/ablation-two_body-noise-0 2\nrefs/exps/ab/cd/paper 3"
    )
    monkeypatch.setattr(ablation, "git", lambda *words: listed)
    assert ablation.experiments("pendulum") == {"ablation-pendulum-noise-0": "1"}


@pytest.mark.parametrize("task", ["no_such_task", "real_pendulum"])
def test_only_a_simulated_task_can_be_swept(task):
    with pytest.raises(ablation.Refused, match="allowed: a simulated task"):
        ablation.queue(task)
