"""Figures of rollouts that went wrong, and of those that did not; each axis says what it is."""

from io import BytesIO

import numpy as np
import pytest

from hnn.core.cell import Cell
from hnn.core.trajectories import CellRollouts, Rollout, TrueMotion
from hnn.figures import states

T = np.linspace(0, 2, 21)
LOST = np.where(T < 1, T, np.nan)
GOOD = np.cos(T)
BASELINE, HNN = Cell("spring", "baseline"), Cell("spring", "hnn")


def draw(figure):
    """What a reader of the file sees must be drawn, not only made."""
    file = BytesIO()
    figure.savefig(file, format="png")
    assert file.tell() > 0


@pytest.mark.parametrize(("model", "learned"), [(GOOD, GOOD), (LOST, GOOD), (LOST, LOST), (LOST * 1e12, GOOD)])
def test_energies_are_drawn_beside_diverged_rollouts(model, learned):
    figure = states.energies(T, np.ones_like(T), {BASELINE: model, HNN: model}, {HNN: learned}, "title")
    draw(figure)
    low, high = figure.axes[0].get_ylim()
    assert low < 1 < high


def test_energies_shift_a_learned_energy_to_the_true_one_of_the_start():
    figure = states.energies(T, 5 * np.ones_like(T), {}, {HNN: GOOD + 100}, "title")
    assert figure.axes[1].lines[1].get_ydata() == pytest.approx(GOOD + 4)


@pytest.mark.parametrize(
    ("components", "title", "labels"),
    [
        (2, "three motions over 0.2 s", ("angle q in rad", "momentum p in J s")),
        (8, "one motion over 0.2 s", ("x in m", "y in m")),
    ],
)
def test_figures_have_paths_at_the_published_horizon_and_energy_over_the_longest(components, title, labels):
    x = np.random.default_rng(0).standard_normal((4, len(T), components))
    energy = np.ones((1, 4, len(T)))
    near, far = (Rollout(t, x[None], energy, energy[0], energy, 1.0) for t in (T / 10, T))
    models = {BASELINE: CellRollouts({"long": far, "held_out": near})}
    axes = ("angle q in rad", "momentum p in J s")
    paths = states.path_figure("spring", axes, TrueMotion(T / 10, x, np.ones(4)), models)
    assert paths.get_suptitle() == f"spring: {title}"
    assert (paths.axes[0].get_xlabel(), paths.axes[0].get_ylabel()) == labels
    energies = states.energy_figure("spring", models)
    assert energies.get_suptitle() == "spring: energy along one motion over 2 s"
    assert energies.axes[0].get_ylabel() == "energy in J"
    for figure in (paths, energies):
        draw(figure)
        assert all(axis.get_xlabel() for axis in figure.axes)


def test_energies_keep_the_scale_beside_a_diverging_one():
    flat = np.full_like(T, -1.0)
    figure = states.energies(T, flat, {BASELINE: 1e5 * T, HNN: flat}, {HNN: flat}, "title")
    draw(figure)
    assert np.ptp(figure.axes[0].get_ylim()) < 5
    assert [text.get_text() for text in figure.axes[0].texts] == ["baseline leaves this frame: 0 to 2.0e5 J"]
    assert not figure.axes[1].texts


def test_energies_name_each_line_that_leaves_the_frame_with_its_range():
    flat, lost = np.full_like(T, -1.0), np.where(T < 1, -1 - 1e3 * T, np.nan)
    figure = states.energies(
        T, flat, {BASELINE: 1e5 * T, HNN: lost, Cell("spring", "other"): np.full_like(T, np.nan)}, {}, "title"
    )
    texts = [text.get_text() for text in figure.axes[0].texts]
    assert texts == ["baseline leaves this frame: 0 to 2.0e5 J", "hnn leaves this frame: -901 to -1 J"]


def test_portraits_are_smooth_and_end_where_a_rollout_diverges():
    t = np.linspace(0, 2 * np.pi, 17)
    circle = np.stack([np.cos(t), np.sin(t)], -1)[None]
    lost = np.where(t[:, None] < 3, circle, np.nan)
    figure = states.portraits(t, circle, {HNN: lost, BASELINE: np.full_like(circle, np.nan)}, "title", ("q", "p"))
    draw(figure)
    true, kept = (np.stack(figure.axes[i].lines[0].get_data(), -1) for i in (0, 1))
    assert np.linalg.norm(true, axis=-1) == pytest.approx(1, abs=1e-3)
    assert kept[-1] == pytest.approx(circle[0, t < 3][-1], abs=0.1)
    assert len(figure.axes[2].lines) == 1  # the starts


def test_losses_show_mean_and_range_over_seeds_and_the_floor():
    step = np.arange(5.0)
    columns = {"step": step, "train_loss": np.full(5, 2.0), "test_loss": np.full(5, 3.0)}
    columns |= {f"{part}_loss.{k}": np.full(5, 1.0 + k) for part in ("train", "test") for k in range(3)}
    figure = states.losses({HNN: columns, BASELINE: columns}, 0.5, "title", "x, m²")
    draw(figure)
    train, test = figure.axes
    assert train.get_ylabel() == "loss: mean square error of\nx, m²"
    assert [axis.get_yscale() for axis in figure.axes] == ["log", "log"]
    assert [line.get_ydata()[0] for line in train.lines] == [2, 2]
    assert [line.get_ydata()[0] for line in test.lines] == [3, 3, 0.5]
    assert train.collections[0].get_datalim(train.transData).get_points()[:, 1] == pytest.approx([1, 3])
    assert [text.get_text() for text in test.get_legend().get_texts()] == ["hnn", "baseline", "truth"]
