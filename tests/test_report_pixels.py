import pytest

from hnn import report, report_pixels


def about(mean, width=0.1):
    return {"mean": mean, "low": mean * (1 - width), "high": mean * (1 + width)}


def result(energy, valid=5.0, horizons=("10", "100", "200")):
    found = {name: about(energy) for name in ("energy_error", "energy_mse", "coordinate_error")}
    found |= {f"pixel_mse_{name}": about(energy / 10) for name in horizons}
    return found | {"valid_time": about(valid), "diverged": about(0.0, 0)}


def cell(energy, mismatch, learned=False):
    found = result(energy) | {"long": result(2 * energy, 20.0, ("10", "100", "200", "1000")), "floor": result(0.001, 6.0)}
    found |= {
        "continuous": result(mismatch, 0.2) | {"mismatch": mismatch != energy},
        "table1": {"energy_mse": about(mismatch)},
    }
    found |= {"probe_r2": about(0.999, 0), "canonical_error": about(0.03), "reconstruction_error": about(0.001)}
    return {"train": {"test_loss": about(0.01)}, "rollout": found | ({"conserved_error": about(1e-4)} if learned else {})}


def cells(baseline=0.1):
    return {
        ("pixel_pendulum", "baseline-rk4"): cell(baseline, baseline),
        ("pixel_pendulum", "baseline-euler"): cell(0.1, 3.0),
        ("pixel_pendulum", "hnn-rk4"): cell(0.1, 0.1, learned=True),
        ("pixel_pendulum", "hnn-euler"): cell(0.5, 0.2, learned=True),
    }


@pytest.mark.parametrize(
    ("baseline", "said"),
    [(0.1, "nothing of the gap remains"), (1.0, "a gap remains"), (0.01, "the gap is reversed")],
)
def test_the_finding_is_what_the_numbers_of_the_matched_baseline_say(baseline, said):
    (text,) = report_pixels.findings(cells(baseline))
    assert text.startswith("**pixel_pendulum**: HNN's energy error over 200 frames is 0.1 [0.09, 0.11]")
    assert "30 times smaller than that of the baseline as published, 3 [2.7, 3.3]" in text
    assert said in text


def test_only_what_was_run_is_spoken_of():
    some = {key: found for key, found in cells().items() if key[1] != "baseline-euler"}
    (text,) = report_pixels.findings(some)
    assert "as published" not in text
    assert report_pixels.findings({}) == []
    assert report_pixels.findings({("pixel_pendulum", "hnn-euler"): cell(1.0, 1.0)}) == []


def test_every_way_of_rolling_out_has_a_row_and_mismatches_are_marked():
    rows = report_pixels.rollouts(cells())
    assert len(rows) == 4 * 3
    marked = {(row["model"], row["trained with"]) for row in rows if "mismatch" in row["rolled out by"]}
    assert marked == {("baseline", "euler"), ("hnn", "euler")}
    (row,) = [row for row in rows if "mismatch" in row["rolled out by"] and row["model"] == "baseline"]
    assert row["energy_error"] == "3 [2.7, 3.3]"
    assert row["pixel_mse_100"] == "0.3 [0.27, 0.33]"


def test_encoders_show_their_scores_and_the_long_horizon():
    rows = {row["model"]: row for row in report_pixels.encoders(cells())}
    assert rows["hnn-rk4"]["probe_r2"] == "0.999"
    assert rows["hnn-rk4"]["valid_time.long"] == "20 [18, 22]"
    assert rows["baseline-rk4"]["conserved_error"] == "–"
    assert rows["hnn-rk4"]["pixel_mse_1000"] == "0.02 [0.018, 0.022]"


def test_the_report_of_pixels_alone_has_their_section_and_no_other():
    about_it = {"seeds": 3, "long": "10", "starts": 50}
    text = report.render(cells(), {}, {"pixel_pendulum": ["film.gif"]}, about_it, report_pixels.describe(cells()))
    assert "## From pixels" in text
    assert "![film.gif](figures/film.gif)" in text
    assert "continuous (mismatch)" in text
    assert "| pixel_pendulum | baseline-euler | energy_mse | 0.00927 ± 0.00114 | 3 [2.7, 3.3] |" in text
    assert "**pixel_pendulum**" in report.extract(text)
    assert "| task | model | energy_error |" not in text  # the table of tasks whose states are observed
