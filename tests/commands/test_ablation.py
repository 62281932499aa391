"""The sweep of `make ablation`: its experiments, and their collection."""

import re

import pytest
import yaml
from conftest import ROOT, parameters

from hnn.commands import ablation, summaries
from hnn.core.statistics import Interval
from hnn.figures.ablation import SweepPoint
from hnn.params.loading import load_params


def point(factor, value, model, mean, quantity="energy_error"):
    """A point with an interval of a tenth."""
    return SweepPoint(factor, value, model, quantity, Interval(mean, 0.9 * mean, 1.1 * mean))


POINTS = [
    *(point("noise", value, "hnn", mean) for value, mean in ((0.0, 0.01), (0.1, 0.2), (0.4, 0.9))),
    *(point("noise", value, "baseline", mean) for value, mean in ((0.0, 0.1), (0.1, 0.21), (0.4, 0.3))),
]


SUMMARY = """task,model,quantity,mean,low,high,scale,seeds
pendulum,hnn,test_loss,0.03,0.02,0.04,log,0.02 0.04
pendulum,hnn,steps,5,,,,
"""


def changes(task="pendulum"):
    """The changes of each command of the sweep, {name: {dotted key: list of values}}."""
    found = {}
    for words in ablation.commands(task):
        pairs = [words[i + 1].split("=") for i, word in enumerate(words) if word == "-S"]
        found[words[1]] = {k: [yaml.safe_load(v)] if "[" in v else list(map(yaml.safe_load, v.split(","))) for k, v in pairs}
    return found


def test_commands_have_valid_parameters(tmp_path):
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
            assert (params.active, params.seen) == (["pendulum"], []), name


def test_commands_of_a_task_with_friction_name_it_in_its_own_list():
    for words in ablation.commands("damped_pendulum"):
        assert {"friction_tasks=[damped_pendulum]", "state_tasks=[]"} <= set(words)


def test_commands_run_the_report_which_writes_the_summary():
    assert {words[-1] for words in ablation.commands("pendulum")} == {"report"}


def test_commands_vary_one_factor_at_a_time_and_never_to_its_default():
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


def test_sweep_points_come_from_git_with_the_unchanged_experiment_in_every_factor(monkeypatch):
    raw = {"default": parameters(), "wide": parameters()}
    raw["wide"]["model"]["hidden"] = 400

    def git(*words):
        revision, path = words[1].split(":")
        return yaml.safe_dump(raw[revision]) if path == "params.yaml" else {"metrics/summary.csv": SUMMARY}[path]

    monkeypatch.setattr(summaries, "git", git)
    points = ablation.sweep_points(
        "pendulum", {"ablation-pendulum-width-0-1": "wide", "ablation-pendulum-default-0": "default"}
    )
    assert [(point.factor, point.value) for point in points] == [
        ("trajectories", 25),
        ("noise", 0.1),
        ("width", 200),
        ("width", 400),
        ("derivative", "exact"),
    ]
    assert {point[2:] for point in points} == {
        ("hnn", "test_loss", Interval(0.03, 0.02, 0.04, geometric=True, seeds=(0.02, 0.04)))
    }


def test_sweep_points_refuse_an_experiment_with_the_summary_of_the_commit_where_it_began(monkeypatch):
    whole = SUMMARY + "two_body,hnn,test_loss,1,1,1,log,1\n"
    monkeypatch.setattr(summaries, "git", lambda _, path: whole if path.endswith(".csv") else yaml.safe_dump(parameters()))
    with pytest.raises(
        ablation.Refused, match=r"width-0-1 has no metrics/summary\.csv of its own: run `make ablation TASK=pen"
    ):
        ablation.sweep_points("pendulum", {"ablation-pendulum-width-0-1": "wide"})


def test_experiments_are_those_of_the_task(monkeypatch):
    listed = (
        "refs/exps/ab/cd/ablation-pendulum-noise-0 1\nrefs/exps/ab/cd/ablation-two_body-noise-0 2\nrefs/exps/ab/cd/paper 3"
    )
    monkeypatch.setattr(summaries, "git", lambda *words: listed)
    assert ablation.experiments("pendulum") == {"ablation-pendulum-noise-0": "1"}


@pytest.mark.parametrize("task", ["no_such_task", "real_pendulum"])
def test_queue_refuses_a_task_that_is_not_simulated(task):
    with pytest.raises(ablation.Refused, match="allowed: a simulated task"):
        ablation.queue(task)


def test_queue_removes_an_earlier_sweep_and_queues_every_command(monkeypatch):
    calls = []
    monkeypatch.setattr(ablation.summaries, "dvc", lambda *words: calls.append(words))
    monkeypatch.setattr(summaries, "git", lambda *words: "refs/exps/ab/cd/ablation-pendulum-noise-0 1")
    monkeypatch.chdir(ROOT)
    ablation.queue("pendulum")
    assert calls[0] == ("exp", "remove", "--quiet", "ablation-pendulum-noise-0")
    assert [words[:3] for words in calls[1:]] == [("exp", "run", "--queue")] * len(ablation.commands("pendulum"))


def test_collect_writes_a_table_a_figure_for_each_varied_factor_and_a_page(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(ablation, "experiments", lambda task: {"ablation-pendulum-default-0": "default"})
    monkeypatch.setattr(ablation, "sweep_points", lambda task, names: POINTS)
    monkeypatch.setattr(summaries, "git", lambda *words: "seeds: 3\n")
    ablation.collect("pendulum")
    table = (ablation.FOLDER / "pendulum.csv").read_text().splitlines()
    assert table[0] == "factor,value,model,quantity,mean,low,high"
    assert len(table) == 1 + len(POINTS)
    assert [path.name for path in ablation.FOLDER.glob("*.png")] == ["pendulum-noise.png"]
    assert "## Noise" in ablation.FOLDER.with_suffix(".md").read_text(encoding="utf-8")


def test_main_of_collect_without_experiments_names_the_command_to_run(monkeypatch):
    monkeypatch.setattr(summaries, "git", lambda *words: "")
    monkeypatch.setattr("sys.argv", ["ablation", "collect", "pendulum"])
    with pytest.raises(SystemExit, match="run `make ablation TASK=pendulum`"):
        ablation.main()
