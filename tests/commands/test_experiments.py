"""`python -m hnn experiments`: experiments of DVC side by side."""

import dvc.api
import pytest

from hnn.commands.experiments import experiments
from hnn.core.errors import Refused

HEADLINE = "metrics/headline/pendulum-hnn.json"


def row(rev, name=None, state=None, hidden=200.0, energy=2.5):
    """A row as DVC's API gives it."""
    numbers = {f"{HEADLINE}:energy_error_pct": energy, f"{HEADLINE}:valid_time": 1.0}
    return {"Experiment": name, "rev": rev, "State": state, **numbers, "model.hidden": hidden, "stages": rev, "src/hnn": rev}


ROWS = [row("workspace"), row("main"), row("abc", "narrow", "Success", 64.0, 12.0), row("def", "broken", "Failed")]


def test_experiments_show_what_changed_and_a_number_of_each_cell(monkeypatch):
    monkeypatch.setattr(dvc.api, "exp_show", lambda: ROWS)
    assert experiments(width=160).splitlines() == [
        "Parameters that differ from main:",
        "narrow: model.hidden=64",
        "",
        "energy_error_pct, held-out starts:",
        "             workspace main narrow",
        "pendulum-hnn       2.5  2.5     12",
    ]
    assert "pendulum-hnn         1    1      1" in experiments("valid_time", width=160)


def test_experiments_fit_the_width_of_the_terminal(monkeypatch):
    many = [row(f"r{i}", f"experiment-{i}", "Success") for i in range(20)]
    monkeypatch.setattr(dvc.api, "exp_show", lambda: ROWS[:2] + many)
    table = experiments(width=80).split("starts:\n")[1]
    assert max(map(len, table.splitlines())) <= 80
    assert "experiment-19" in table


def test_experiments_refuse_an_unknown_number_and_an_empty_list(monkeypatch):
    monkeypatch.setattr(dvc.api, "exp_show", lambda: ROWS[:2])
    with pytest.raises(Refused, match="there is no experiment on HEAD yet"):
        experiments()
    with pytest.raises(Refused, match="given speed, allowed: energy_error_pct, "):
        experiments("speed")
