import pytest
from report_fixture import about, contract

from hnn.params.loading import load_params
from hnn.reporting import model_cards

LIMITS = {"energy_error": about(0.02), "valid_time": about(3.0), "conserved_error": about(1e-6), "diverged": about(0.0)}
GOOD = {"coordinate_error": about(0.05)} | LIMITS


def cell(rollout):
    return {"train": {"test_loss": about(0.03), "parameters": 10, "steps": 100}, "rollout": rollout}


def card(rollout, task="pendulum", model="hnn", change=0.0, floor=None):
    """The card of one cell, beside the floor if there is one."""
    cells = {(task, model): cell(rollout)} | ({(task, "truth"): floor} if floor else {})
    found = model_cards.render(cells, {task: change}, load_params().tasks, 3)
    assert list(found) == [f"{task}-{model}"]
    return found[f"{task}-{model}"]


def section(text, title):
    return text.split(f"## {title}\n")[1].split("\n## ")[0]


def test_a_card_says_what_the_cell_was_trained_on_and_how_to_load_it():
    text = card(GOOD)
    assert "25 trajectories of 45 points over 3.0 s" in text
    assert "gravity 6.0" in text
    assert 'hnn.load("pendulum", "hnn", seed=0)' in text
    assert "data/models/pendulum-hnn.safetensors" in text
    assert "{{" not in text


def test_floors_stand_beside_the_numbers_when_they_are_there():
    assert "| held out | energy_error | 0.02 [0.018, 0.022] | – |" in card(GOOD)
    floor = {"rollout": {"energy_error": about(1e-9), "test_loss": about(0.029)}}
    text = card(GOOD, floor=floor)
    assert "| held out | energy_error | 0.02 [0.018, 0.022] | 1.0e-9 [9.0e-10, 1.1e-9] |" in text
    assert "of the exact field: 0.029" in text


@pytest.mark.parametrize("name", ["energy_error", "valid_time", "conserved_error"])
def test_what_a_cell_does_badly_is_not_among_what_it_is_good_for(name):
    bad = GOOD | {name: about(0.3)}
    assert section(card(GOOD), "Good for").count("\n- ") == 3
    assert section(card(bad), "Good for").count("\n- ") == 2
    assert "0.3 [" in section(card(bad), "Where it fails")
    assert "0.3 [" not in section(card(bad), "Good for")


def test_a_cell_of_which_nothing_is_defined_is_good_for_nothing():
    none = {"mean": None, "low": None, "high": None}
    text = card(
        {name: none for name in GOOD} | {"diverged": about(1.0), "long": {"energy_error": none, "diverged": about(1.0)}}
    )
    assert "Nothing that was measured" in section(text, "Good for")
    assert "100% of the rollouts diverged" in text


def test_friction_mismatch_and_growing_errors_are_said_where_they_are():
    fails = section(
        card(GOOD | {"mismatch": True, "long": GOOD | {"energy_error": about(0.2)}}, change=-0.2), "Where it fails"
    )
    assert "it has no friction" in fails
    assert "integrator contract" in fails
    assert "10 times as large" in fails
    assert "was not measured from starts outside" in fails
    quiet = section(card(GOOD | {"long": GOOD, "outside": GOOD}), "Where it fails")
    assert "friction" not in quiet
    assert "contract" not in quiet
    assert "not measured" not in quiet


def test_a_contract_that_is_broken_over_the_long_horizon_alone_is_said_of_it_alone():
    text = card(GOOD | contract() | {"long": GOOD | contract(honoured=False), "outside": GOOD | contract()})
    assert "(mismatch; starts: long horizon)" in section(text, "Where it fails")
    assert "| long horizon (mismatch) | energy_error |" in text
    assert "| held out | energy_error |" in text


def test_the_median_and_the_quartiles_of_valid_times_stand_below_their_mean():
    times = about(3.0) | {"median": 2.5, "q1": 1.0, "q3": 5.0}
    assert "| held out | valid_time, median and quartiles | 2.5 (1 to 5) | – |" in card(GOOD | {"valid_time": times})
    assert "median" not in card(GOOD)


def test_pixel_cells_and_recordings_have_cards_too():
    pixels = card(GOOD | {"continuous": GOOD | {"energy_error": about(5.0)}}, "pixel_pendulum", "baseline-euler")
    assert 'hnn.load_pixels("pixel_pendulum", "baseline", step_map="euler", seed=0)' in pixels
    assert "The floor of a pixel cell" in pixels
    assert "rolled out as a differential equation its energy error is 5 [" in pixels
    assert "its last 20 % kept for testing" in card(GOOD, "real_pendulum")
