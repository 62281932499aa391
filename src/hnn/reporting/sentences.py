"""Sentences of the report: every judgement in them is computed from the metrics."""

from collections.abc import Mapping

from hnn.core.statistics import FEW_SEEDS, NO_VALUES
from hnn.reporting.definitions import AT_FLOOR, FRICTION, UNREADABLE
from hnn.reporting.formatting import format_interval, formula, listed, number, times, true_formula
from hnn.reporting.results import ELSEWHERE, CellResults, Pair, Results

__all__ = ["elsewhere", "findings", "further_headline", "further_outcomes", "headline", "outcome", "statistical_method"]

SUBJECTS = {"energy_error": "In energy, the Hamiltonian network (HNN)", "coordinate_error": "In coordinates, it"}

VERDICTS = {
    "better": "beats the baseline on",
    "worse": "loses on",
    "not distinguishable": "shows no significant difference on",
    AT_FLOOR: "is at the floor of the reading on",
    UNREADABLE: "cannot be read on",
    FEW_SEEDS: "needs at least 2 seeds for a verdict on",
    NO_VALUES: "has no finite values to compare on",
    None: "is not compared on",
}
"""Phrases of the headline by verdict."""

PHRASES = {"not distinguishable": "not distinguishable from", AT_FLOOR: f"{AT_FLOOR}, like"}
"""Phrases between two numbers by verdict."""


def headline(results: Results, quantity: str = "energy_error") -> str:
    """One sentence with the tasks grouped by the verdict on HNN's error."""
    tasks: dict[str | None, list[str]] = {}
    pairs = {pair.task: pair for pair in results.pairs()}
    for task in results.tasks:
        difference, text = pairs[task].difference("held_out", quantity) if task in pairs else None, task
        verdict = difference.verdict if difference else None
        if difference and verdict in ("better", "worse"):
            text += f" ({'' if verdict in tasks else 'error '}{times(difference.interval)})"
        tasks.setdefault(verdict, []).append(text)
    parts = [f"{phrase} {listed(tasks[verdict])}" for verdict, phrase in VERDICTS.items() if verdict in tasks]
    return f"{SUBJECTS[quantity]} {listed(parts)}." if parts else ""


def further_headline(results: Results, starts: str = "held_out") -> str:
    """A sentence for each further model: the tasks on which its errors differ from HNN's; empty without such models."""
    found: dict[str, dict[tuple[str, str], list[str]]] = {}
    for result in (result for task in results.tasks for result in results.further(task)):
        of_model = found.setdefault(result.cell.name, {})
        for quantity in NAMES:
            for other, difference in results.beside(result.cell, starts, quantity):
                if other.model == "hnn" and difference.verdict in BESIDE_HNN:
                    tasks = of_model.setdefault((difference.verdict, quantity), [])
                    tasks.append(f"{result.cell.task} ({times(difference.interval)})")
    text = []
    for model, differing in found.items():
        parts = [
            f"{phrase} " + listed([f"in {NAMES[quantity]} on {listed(differing[one, quantity])}" for quantity in quantities])
            for one, phrase in BESIDE_HNN.items()
            if (quantities := [quantity for quantity in NAMES if (one, quantity) in differing])
        ]
        text.append(f"{model} {listed(parts)}." if parts else f"{model} is not distinguishable from HNN on any task.")
    return " ".join(text)


BESIDE_HNN = {"better": "beats HNN", "worse": "loses to HNN"}
"""Phrases of a further model's headline by verdict."""

NAMES = {"energy_error": "energy", "coordinate_error": "coordinates"}
"""The quantities of the headline in words."""


def further_outcomes(results: Results) -> dict[str, str]:
    """By task and model: a sentence on each further model's errors from held-out starts beside those of its references."""
    cells = (result for task in results.tasks for result in results.further(task))
    return {
        f"{one.cell.task}, {one.cell.name}": f"Its {against_references(results, one, 'held_out')}.{learned(one)}"
        for one in cells
    }


def against_references(results: Results, result: CellResults, starts: str) -> str:
    """The energy and coordinate errors of a further model, each beside the baseline's and HNN's, and its friction."""
    measured, parts = result.sets[starts], []
    for quantity, name in (("energy_error", "energy error"), ("coordinate_error", "coordinate error")):
        beside = []
        for other, difference in results.beside(result.cell, starts, quantity):
            whose = "HNN's" if other.model == "hnn" else "the baseline's"
            if difference.verdict in ("better", "worse"):
                beside.append(f"{times(difference.interval)} than {whose}")
            else:
                beside.append(f"{PHRASES.get(difference.verdict, 'beside')} {whose}")
        parts.append(f"{name} is {', '.join([format_interval(measured.get(quantity)), listed(beside)])}")
    if friction := measured.get("friction_error"):
        parts.append(f"error of the friction is {format_interval(friction)}")
    return "; its ".join(parts)


def statistical_method(seeds: int, starts: Mapping[str, int], *, shared: bool) -> str:
    """The basis of a verdict; `starts` are the numbers of held-out ones by task, `shared` that of the training data."""
    if seeds < 2:
        return "Each model was trained once: intervals and verdicts need at least 2 seeds (`-S seeds=5`)."
    by_number: dict[int, list[str]] = {}
    for task, count in starts.items():
        by_number.setdefault(count, []).append(task)
    counts = [f"{count}" + f" ({listed(tasks)})" * (len(by_number) > 1) for count, tasks in by_number.items()]
    return (
        f"Errors are geometric means over {seeds} training seeds and {listed(counts)} held-out initial states. Their 95 % "
        "intervals include the chance of seeds"
        + (
            " and initial states, but not that of the training data, which all seeds share"
            if shared
            else ", initial states and, where data are simulated, training data"
        )
        + ". A verdict needs an interval of the ratio of two errors that excludes 1, corrected for the number of comparisons "
        "in its column (Holm); the bracket after a ratio is that corrected interval."
    )


def outcome(pair: Pair) -> str:
    """One sentence on a task: HNN's energy and coordinate errors from held-out starts beside the baseline's."""
    energy, coordinates = (opposed(pair, "held_out", name) for name in ("energy_error", "coordinate_error"))
    return f"HNN's energy error is {energy}; its coordinate error is {coordinates}.{learned(pair.hnn)}"


def learned(result: CellResults) -> str:
    """The formula for the energy that a cell has learned, beside the true one; empty for a cell without one."""
    if (law := result.law) is None:
        return ""
    return f" Its learned energy: {formula(law)}" + (f"; the true one: {true_formula(law)}." if law.fits else ".")


def findings(results: Results, decay: Mapping[str, float]) -> dict[str, str]:
    """A paragraph for each task on the claims that its numbers bear on.

    `decay[task]` is the mean relative change of the true energy over the horizon, for tasks whose states are observed.
    """
    paragraphs = {}
    for pair in results.pairs():
        if pair.hnn.cell.from_pixels:
            paragraphs[pair.task] = pixel_findings(results, pair.task)
        elif pair.task in decay:
            paragraphs[pair.task] = f"{outcome(pair)}{elsewhere(pair)} {conservation(pair, decay[pair.task])}"
    return paragraphs


def opposed(pair: Pair, starts: str, quantity: str) -> str:
    """HNN's number and the baseline's on one set of starts, with the verdict between them."""
    sets = pair.both(starts)
    assert sets is not None  # callers ask for sets that both were measured on
    a, b = (format_interval(one[quantity]) for one in sets)
    difference = pair.difference(starts, quantity)
    if difference and difference.verdict in ("better", "worse"):
        return f"{a}, {times(difference.interval)} than the baseline's {b}"
    phrase = PHRASES.get(difference.verdict, "beside") if difference else "beside"
    return f"{a}, {phrase} the baseline's {b}"


def elsewhere(pair: Pair) -> str:
    """Both errors over the long horizon and from starts outside the training data, where they were measured."""
    text = ""
    for starts, where in ELSEWHERE.items():
        if (sets := pair.both(starts)) is None:
            continue
        energy, coordinates = (opposed(pair, starts, name) for name in ("energy_error", "coordinate_error"))
        text += f" {where[0].upper()}{where[1:]} the energy error is {energy} and the coordinate error {coordinates}"
        lost = [one["diverged"].mean or 0.0 for one in sets]
        text += f", with {lost[0]:.0%} and {lost[1]:.0%} of the rollouts diverged." if any(lost) else "."
    return text


def conservation(pair: Pair, change: float) -> str:
    """HNN's conservation of its learned energy, and the limit that this is where the true energy changes."""
    kept = number(pair.hnn.held_out["conserved_error"].mean)
    if abs(change) > FRICTION:
        return (
            f"The true energy changes by {change:+.0%} over the horizon, yet HNN conserves its learned energy to {kept} of "
            "its standard deviation: it cannot learn friction, and this is its limit."
        )
    return f"HNN conserves its learned energy to {kept} of its standard deviation."


def pixel_findings(results: Results, task: str) -> str:
    """The comparison of a pixel task as published, and with matched maps, as far as they were trained."""
    published, matched = results.pair(task, "euler"), results.pair(task, "rk4")
    parts = [as_published(published)] if published else []
    return " ".join([*parts, with_matched_maps(matched)] if matched else parts)


def as_published(pair: Pair) -> str:
    """The published comparison: both trained through an Euler map and rolled out as solutions of an ODE."""
    hnn, baseline = valid_times(pair, "continuous")
    return (
        f"As published, trained through an Euler map and rolled out {pair.mark('as an ODE', 'continuous')}, HNN's energy "
        f"error over the published horizon is {opposed(pair, 'continuous', 'energy_error')}; HNN is valid for {hnn} "
        f"periods, the baseline for {baseline}."
    )


def with_matched_maps(pair: Pair) -> str:
    """The comparison when both are trained and rolled out by an RK4 map."""
    hnn, baseline = valid_times(pair, "long")
    return (
        f"Trained and rolled out by an RK4 map, HNN's energy error is {opposed(pair, 'held_out', 'energy_error')}."
        f"{unreadable(pair)}{share_of_encoders(pair)}{elsewhere(pair)}{from_pictures(pair)} Over the long horizon rollouts "
        f"are valid for {hnn} (HNN) and {baseline} periods (baseline)."
    )


def valid_times(pair: Pair, starts: str) -> tuple[str, str]:
    """The valid times of HNN and of the baseline, in periods, on a set of starts that all pixel cells have."""
    sets = pair.both(starts)
    assert sets is not None
    hnn, baseline = (format_interval(one["valid_time"]) for one in sets)
    return hnn, baseline


def from_pictures(pair: Pair) -> str:
    """The energy errors over the long horizon as read from decoded pictures; empty where there is no such reading."""
    if pair.both("pictures_long") is None:
        return ""
    energy = opposed(pair, "pictures_long", "energy_error")
    return f" Read from the decoded pictures, the energy error over the long horizon is {energy}."


def unreadable(pair: Pair) -> str:
    """The reason why the states of a pixel task are not judged, where a probe cannot read them; else empty."""
    if pair.verdict("held_out", "energy_error") != UNREADABLE:
        return ""
    r2 = min(one.held_out["probe_r2"].mean or 0.0 for one in (pair.hnn, pair.baseline))
    return (
        f" The states cannot be read from the latent ones (R² {number(r2)}), so nothing is concluded: frames may not tell "
        "the parts of the system apart, `autoencoder.latent` may be too small, or the training too short."
    )


def share_of_encoders(pair: Pair) -> str:
    """The ratio of the energy errors of the two encoders before any rollout; empty if it is not known."""
    floor = pair.difference("floor", "energy_error")
    if floor is None or floor.interval.mean is None:
        return ""
    ratio = f"{times(floor.interval)} than" if floor.verdict in ("better", "worse") else "not distinguishable from"
    return (
        " Before any rollout, the errors of the energies that HNN's encoder reads from the true frames are "
        f"{ratio} those of the baseline's encoder."
    )
