"""Metrics to sentences: every judgement in the report is computed from its numbers."""

from collections.abc import Mapping
from typing import Any

from hnn.reporting.formatting import against, format_interval, listed, number, ratio
from hnn.reporting.results import Cells, Comparisons, Pair, found_in, pairs, verdict_on

__all__ = ["elsewhere", "findings", "headline", "sureness"]


def headline(cells: Cells, comparisons: Comparisons, quantity: str = "energy_error") -> str:
    """On which tasks HNN's error is smaller than the baseline's, on which larger, and where that cannot be told."""
    told: dict[str | None, list[str]] = {}
    for pair in pairs(cells):
        a, b = (cells[pair.task, model]["rollout"][quantity] for model in (pair.hnn, pair.baseline))
        said = verdict_on(comparisons, pair, "held_out", quantity)
        times = f"{ratio(a, b)} {'smaller' if said == 'better' else 'larger'}"
        first = f"error {times}" if said not in told else times
        told.setdefault(said, []).append(f"{pair.task} ({first})" if said in ("better", "worse") else pair.task)
    parts = [f"{words} {listed(told[said])}" for said, words in VERDICTS.items() if said in told]
    return f"{SUBJECTS[quantity]} {listed(parts)}." if parts else ""


SUBJECTS = {
    "energy_error": "In energy, the Hamiltonian network (HNN)",
    "coordinate_error": "In coordinates, it",
}

VERDICTS = {
    "better": "beats the baseline on",
    "worse": "loses on",
    "not distinguishable": "cannot be told from it on",
    None: "is not compared on",
}


def sureness(seeds: int, starts: Mapping[str, int]) -> str:
    """What a verdict rests on: `starts` are the numbers of held-out ones by task."""
    by_number: dict[int, list[str]] = {}
    for task, count in starts.items():
        by_number.setdefault(count, []).append(task)
    counts = [f"{count}" + f" ({listed(tasks)})" * (len(by_number) > 1) for count, tasks in by_number.items()]
    return (
        f"A verdict needs a 95 % interval of the paired difference, over {seeds} training seeds and {listed(counts)} initial "
        "states that were not trained on, which leaves out zero; beside it stands the ratio of the mean errors. All seeds "
        "share one set of training data, whose own chance is in no interval, and intervals over few seeds are rather too "
        "narrow: `-S seeds=10` has more, `-S seed=1` other data."
    )


def findings(cells: Cells, comparisons: Comparisons, decay: Mapping[str, float]) -> dict[str, str]:
    """For each task a few sentences on the claims that its numbers bear on, comparing HNN with baseline.

    `decay[task]` is the mean relative change of the true energy over the horizon: beyond 1 % a system has friction.
    """
    sentences = {}
    for pair in pairs(cells):
        if pair.task in decay:
            hnn, baseline = (cells[pair.task, model]["rollout"] for model in (pair.hnn, pair.baseline))
            said = f"{compare(comparisons, pair, hnn, baseline)}{elsewhere(comparisons, pair, cells)}"
            sentences[pair.task] = f"{said} {conservation(hnn, decay[pair.task])}"
    return sentences


def compare(comparisons: Comparisons, pair: Pair, hnn: Mapping[str, Any], baseline: Mapping[str, Any]) -> str:
    """The energy and coordinate errors of the two models at the published horizon."""
    a, b = hnn["energy_error"], baseline["energy_error"]
    leads = against(verdict_on(comparisons, pair, "held_out", "energy_error"), a, b)
    text = f"HNN's energy error is {format_interval(a)} of the spread of energies in the data, "
    text += f"{leads} the baseline's {format_interval(b)}"
    a, b = hnn["coordinate_error"], baseline["coordinate_error"]
    leads = against(verdict_on(comparisons, pair, "held_out", "coordinate_error"), a, b)
    return f"{text}; its coordinate error is {format_interval(a)}, {leads} {format_interval(b)}."


def elsewhere(comparisons: Comparisons, pair: Pair, cells: Cells) -> str:
    """What becomes of both errors over the long horizon and outside the training distribution, where that is measured."""
    text = ""
    for name, where in (("long", "Over the long horizon"), ("outside", "From starts outside the training distribution")):
        hnn, baseline = (found_in(cells[pair.task, model], name) for model in (pair.hnn, pair.baseline))
        if hnn is None or baseline is None:
            continue
        text += f" {where} the energy error is {opposed(comparisons, pair, name, 'energy_error', hnn, baseline)}"
        text += f" and the coordinate error {opposed(comparisons, pair, name, 'coordinate_error', hnn, baseline)}"
        lost = [model["diverged"]["mean"] for model in (hnn, baseline)]
        text += f", with {lost[0]:.0%} and {lost[1]:.0%} of the rollouts diverged." if any(lost) else "."
    return text


def opposed(
    comparisons: Comparisons,
    pair: Pair,
    name: str,
    quantity: str,
    hnn: Mapping[str, Any],
    baseline: Mapping[str, Any],
) -> str:
    """HNN's number and the baseline's on one set of starts, with the verdict between them."""
    a, b = hnn[quantity], baseline[quantity]
    return f"{format_interval(a)}, {against(verdict_on(comparisons, pair, name, quantity), a, b)} {format_interval(b)}"


def conservation(hnn: Mapping[str, Any], change: float) -> str:
    """Whether HNN should conserve what it conserves."""
    kept = hnn["conserved_error"]["mean"]
    if abs(change) > 0.01:
        return (
            f"The true energy changes by {change:+.0%} over the horizon, yet HNN holds its own H to {number(kept)} of its "
            "spread: it cannot learn friction, and this is its limit."
        )
    return f"HNN holds its own H to {number(kept)} of its spread."
