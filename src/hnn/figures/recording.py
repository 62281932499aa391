"""Figures of a recorded task: its held-out trials beside predictions, and the learned energies along them."""

from collections.abc import Mapping

import numpy as np
from matplotlib.figure import Figure

from hnn.core.cell import Cell
from hnn.core.trajectories import Prediction
from hnn.figures.style import BLACK, colour, dashes

__all__ = ["trial_figure"]

KEPT = 0.1
"""Range of an energy along a rollout that is kept, at most this part of its range along the recording."""


def trial_figure(name: str, predictions: Mapping[Cell, Prediction]) -> Figure:
    """One held-out trial: each position with the predictions of the first seed, then the learned H along the recording.

    H is that of models that keep it along their own rollout, and is known up to a constant and a scale: it begins at 0, in
    units of its standard deviation along the trial.
    """
    first = next(iter(predictions.values()))
    degrees = first.x.shape[-1] // 2
    figure = Figure(figsize=(9.5, 2.3 * (degrees + 1)), layout="constrained", dpi=110)
    axes = figure.subplots(degrees + 1, 1, sharex=True)
    for axis in axes:
        axis.spines[["top", "right"]].set_visible(False)
        axis.grid(color="0.92", lw=0.6)
    for i, axis in enumerate(axes[:degrees]):
        recorded = first.x[:, i]
        axis.plot(first.t, recorded, color=BLACK, lw=2.2, alpha=0.35, label="recorded")
        for cell, one in predictions.items():
            axis.plot(one.t, one.rollout[0, :, i], ls=dashes(cell), color=colour(cell), lw=1.2, label=cell.model)
        reach = 0.6 * np.ptp(recorded)
        middle = (recorded.max() + recorded.min()) / 2
        axis.set(ylabel=f"position {i + 1}" if degrees > 1 else "position", ylim=(middle - reach, middle + reach))
    for cell, one in predictions.items():
        if one.recorded_energy is not None and one.energy is not None:
            energy, kept = one.recorded_energy[0], one.energy[0]
            if not np.ptp(kept) < KEPT * np.ptp(energy):  # of a model that also learns a loss
                continue
            axes[-1].plot(one.t, (energy - energy[0]) / energy.std(), ls=dashes(cell), color=colour(cell), lw=1.2)
    axes[-1].set(xlabel="time in s", ylabel="learned H along\nthe recording, std")
    lines, labels = axes[0].get_legend_handles_labels()
    figure.legend(lines, labels, frameon=False, fontsize=9, ncols=len(lines), loc="outside lower center")
    figure.suptitle(f"{name}: recorded, and predicted from its first state")
    return figure
