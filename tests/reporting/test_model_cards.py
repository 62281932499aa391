"""Model cards: the logic of strengths and limits; the text of one is in tests/golden."""

import pytest
from report_fixture import METRICS, PIXEL_METRICS, about, contract, metrics, of_states, results

from hnn.core.cell import Cell
from hnn.core.statistics import FEW_SEEDS
from hnn.params.loading import load_params
from hnn.reporting import model_cards
from hnn.reporting.results import CellResults

HNN = Cell("pendulum", "hnn")


def cell(energy=0.05, valid=5.0, conserved=1e-7, cell=HNN, seeds=5, **entries):
    files = metrics(energy, 0.1, conserved, seeds=seeds)
    files["rollout"] |= {"valid_time": about(valid, seeds=seeds)} | entries
    return CellResults.parse(cell, files)


@pytest.mark.parametrize(("energy", "good"), [(0.07, True), (0.09, False), (0.2, False)])
def test_strengths_need_the_whole_interval_of_the_energy_error_below_a_tenth(energy, good):
    assert any("energy error" in text for text in model_cards.strengths(cell(energy))) is good


def test_strengths_of_a_useless_cell_say_that_there_are_none():
    assert model_cards.strengths(cell(3.0, 0.1, 0.5)) == ["Nothing that was measured: see below."]


def test_failures_name_a_broken_contract_friction_and_missing_sets():
    text = " ".join(model_cards.failures(cell(**contract(honoured=False)), -0.19))
    assert "break the integrator contract (mismatch; starts: held out, long horizon and outside)" in text
    assert "changes by -19% over the horizon" in text
    files = metrics(0.1, 0.1, long=None)
    text = " ".join(model_cards.failures(CellResults.parse(HNN, files), 0.0))
    assert "It was not evaluated over the long horizon." in text
    assert "It learns no energy" in text


def test_failures_of_a_model_with_a_loss_do_not_say_that_it_conserves_or_learns_no_energy():
    lossy = cell(conserved=None, learned_energy_change=about(0.4), friction_error=about(0.3))
    text = " ".join(model_cards.failures(lossy, -0.19))
    assert "conserves" not in text
    assert "learns no energy" not in text
    assert "The relative error of its friction is 0.3 [0.225, 0.375]" in text
    good = cell(conserved=None, learned_energy_change=about(0.4), friction_error=about(0.01))
    assert any("friction" in sentence for sentence in model_cards.strengths(good))


def test_measured_has_the_floor_of_each_quantity_that_the_exact_field_has_too():
    found = results()
    rows = model_cards.measured(found.cells[HNN], found.truth("pendulum"))
    assert next(row for row in rows if row["quantity"] == "energy_error")["floor"] == "1.0e-6"
    assert {row["floor"] for row in model_cards.measured(found.cells[HNN], None)} == {"–"}


def test_model_cards_are_of_every_trained_cell_and_say_how_to_load_it(golden):
    cards = model_cards.model_cards(results(METRICS | PIXEL_METRICS), {"pendulum": 0.0}, load_params().tasks, 5)
    assert set(cards) == {cell.key for cell in METRICS | PIXEL_METRICS if not cell.is_truth}
    assert 'hnn.load_pixels("pixel_pendulum", "hnn", step_map="rk4", seed=0)' in cards["pixel_pendulum-hnn-rk4"]
    golden("card.md", cards["pendulum-hnn"])


def test_measured_has_a_row_of_quartiles_where_they_are_known():
    found = cell(valid_time=about(3.0) | {"median": 2.5, "q1": 1.0, "q3": 5.0})
    rows = {row["quantity"]: row for row in model_cards.measured(found, None) if row["set"] == "held out"}
    assert rows["valid_time, median and quartiles"]["cell"] == "2.5 (1 to 5)"
    assert rows["valid_time, median and quartiles"]["floor"] == "–"
    assert "energy_error, median and quartiles" not in rows


def test_model_cards_of_one_seed_have_no_interval_no_strength_and_say_why():
    """No bound is known, so nothing is known to be below its limit."""
    card = model_cards.model_cards(results(of_states(seeds=1), verdict=FEW_SEEDS), {}, load_params().tasks, 1)["pendulum-hnn"]
    assert "- 1 fit from independent weights; " in card
    assert "Means without intervals, which need at least 2 seeds" in card
    assert "| held out | energy_error | 0.1 | 1.0e-6 |" in card
    assert " [" not in card.replace("The [report]", "")
    assert model_cards.strengths(cell(0.001, seeds=1)) == ["A judgement needs at least 2 seeds."]
    assert not any("energy error is" in text for text in model_cards.failures(cell(0.3, seeds=1, cell=HNN), 0.0))
