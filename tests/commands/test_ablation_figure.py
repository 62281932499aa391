"""What is said and drawn of a sweep is what its rows say."""

from test_ablation import TABLE, row

from hnn.figures import ablation


def test_two_lines_say_how_far_the_errors_go_and_where_which_model_is_better():
    first, second = ablation.said("noise", TABLE)
    ways = ["hnn's from 0.01 [0.009, 0.011] to 0.9 [0.81, 0.99]", "baseline's from 0.1 [0.09, 0.11] to 0.3 [0.27, 0.33]"]
    assert first == f"From 0.0 to 0.4, energy errors go: {', '.join(ways)}."
    assert second == "hnn's energy error is below the baseline's at 0.0; above it at 0.4; not distinguishable at 0.1."


def test_the_picture_has_a_panel_for_each_quantity_and_the_floor_only_where_there_is_one():
    table = [*TABLE, *(row("noise", 0.1, model, 0.03, "test_loss") for model in ("baseline", "hnn", "truth"))]
    loss, error = ablation.picture(table, ("test_loss", "energy_error"), "noise").axes
    assert [text.get_text() for text in loss.get_xticklabels()] == ["0.0", "0.1", "0.4"]
    assert "truth" in loss.get_legend_handles_labels()[1]
    assert "truth" not in error.get_legend_handles_labels()[1]
