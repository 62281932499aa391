"""Metrics as the stages write them, small and with round numbers, for the tests of the report."""

from hnn.core.cell import TRUTH, Cell
from hnn.core.statistics import FEW_SEEDS, Interval, is_geometric
from hnn.reporting.results import Comparison, Difference, Results

SEEDS = 5
REACH = 0.509
"""Five seeds at -2, -1, 0, 1, 2 times this part of half a 95 % interval from their mean have that interval."""


def about(mean, width=0.25, *, geometric=False, seeds=SEEDS):
    """The entry of a mean with its interval and the means of its seeds, as far from it as the interval says.

    The interval is `mean ± width · mean`, or `mean / (1 + width)` to `mean · (1 + width)`; one seed has none.
    """
    scale = {"geometric": True} if geometric and mean > 0 else {}
    if seeds == 1:
        return {"mean": mean, "low": None, "high": None, "seeds": [mean], "reason": FEW_SEEDS} | scale
    apart = [(k - (seeds - 1) / 2) * REACH for k in range(seeds)]
    if scale:
        low, high, values = mean / (1 + width), mean * (1 + width), [mean * (1 + width) ** k for k in apart]
    else:
        low, high, values = mean - abs(width * mean), mean + abs(width * mean), [mean + width * mean * k for k in apart]
    return {"mean": mean, "low": low, "high": high, "seeds": values} | scale


def entries(seeds=SEEDS, **means):
    """The entries of several means by name, on the scales on which they are averaged."""
    return {name: about(mean, geometric=is_geometric(name), seeds=seeds) for name, mean in means.items()}


def metrics(energy, coordinate, conserved=None, seeds=SEEDS, **sets):
    """A cell with an energy and a coordinate error, the same in the sets that are not given."""
    means = {"energy_error": energy, "energy_mse": energy**2, "coordinate_error": coordinate, "valid_time": 2.0}
    means |= {"diverged": 0.0} | ({} if conserved is None else {"conserved_error": conserved})
    found = entries(seeds, **means)
    rollout = dict(found) | {"table1": {"energy_mse": about(energy**2, seeds=seeds)}}
    rollout |= {name: found | (sets.get(name) or {}) for name in ("long", "outside") if sets.get(name, {}) is not None}
    return {"train": entries(seeds, test_loss=0.03) | {"parameters": 10, "steps": 100}, "rollout": rollout}


def floor(energy=1e-6):
    """The metrics of the exact field, which has one seed."""
    rollout = metrics(energy, energy, energy, seeds=1)["rollout"] | entries(1, test_loss=0.029)
    rollout["integrator"] = {"method": "dop853", "tolerance": 1e-7, "error": 1e-6, "share": None, "honoured": True}
    return {"rollout": rollout}


def contract(honoured=True, **about):
    """The integrator entry of a set, and the mark where the contract is broken."""
    found = {"method": "rk4", "step": 0.5, "error": 0.02, "share": 0.001 if honoured else 0.2, "honoured": honoured} | about
    return {"integrator": found} | ({} if honoured else {"mismatch": True})


def pixel_set(energy, valid=5.0, horizons=("10", "100", "200"), coordinate=0.1, seeds=SEEDS):
    """The metrics of one way of rolling out a pixel cell."""
    means = {"energy_error": energy, "energy_mse": energy, "coordinate_error": coordinate}
    means |= {f"pixel_mse_{name}": energy / 10 for name in horizons} | {"valid_time": valid, "diverged": 0.0}
    return entries(seeds, **means)


def without_latents(entry):
    """The metrics that are read from pictures."""
    return {name: entry[name] for name in ("energy_error", "coordinate_error", "valid_time", "diverged")}


def pixel_metrics(energy, continuous, learned=False, mismatch=False, seeds=SEEDS):
    """The metrics of a pixel cell, rolled out by its map and as a continuous motion."""
    about_it = {"coordinate": 0.105 if learned else 0.1, "seeds": seeds}
    found = pixel_set(energy, **about_it) | {
        "long": pixel_set(2 * energy, 20.0, ("10", "100", "200", "1000"), **about_it),
        "floor": pixel_set(0.001, 6.0, **about_it | {"coordinate": 0.001}),
    }
    from_pictures = {"pictures": found, "pictures_long": found["long"], "pictures_floor": found["floor"]}
    found |= {name: without_latents(entry) for name, entry in from_pictures.items()}
    found |= {"continuous": pixel_set(continuous, 0.2, **about_it) | ({"mismatch": True} if mismatch else {})}
    found |= {"table1": {"energy_mse": about(continuous, seeds=seeds)}}
    found |= {"probe_r2": about(0.999, 0.0, seeds=seeds), "linear_r2": about(0.98, 0.0, seeds=seeds)}
    found |= {"symetric": about(1.0, 0.0, seeds=seeds)} | entries(seeds, canonical_error=0.03, reconstruction_error=0.001)
    learned_energy = entries(seeds, conserved_error=1e-4) if learned else {}
    return {"train": entries(seeds, test_loss=0.01), "rollout": found | learned_energy}


def of_states(seeds=SEEDS):
    """The metrics of a task of states."""
    return {
        Cell("pendulum", "baseline"): metrics(0.4, 0.1, seeds=seeds),
        Cell("pendulum", "hnn"): metrics(0.1, 0.105, 1e-7, seeds=seeds),
        Cell("pendulum", TRUTH): floor(),
    }


def of_pixels(seeds=SEEDS):
    """The metrics of a task of frames."""
    return {
        Cell("pixel_pendulum", "baseline", "rk4"): pixel_metrics(0.4, 0.4, seeds=seeds),
        Cell("pixel_pendulum", "baseline", "euler"): pixel_metrics(1.2, 0.8, mismatch=True, seeds=seeds),
        Cell("pixel_pendulum", "hnn", "rk4"): pixel_metrics(0.1, 0.1, learned=True, seeds=seeds),
        Cell("pixel_pendulum", "hnn", "euler"): pixel_metrics(0.3, 0.2, learned=True, mismatch=True, seeds=seeds),
    }


def law(fits=True):
    """The formula of a learned energy; the best of one term where none fits."""
    terms = [
        {"name": "(1 - cos q)", "coefficient": about(3.01, 0.004)},
        {"name": "1/|q1 - q2|", "coefficient": about(-0.99, 0.02)},
    ]
    errors = entries(energy_error=0.02, coordinate_error=0.05)
    library = [term["name"] for term in terms]
    true = {"(1 - cos q)": 3.0, "1/|q1 - q2|": -1.0}
    if fits:
        return {
            "terms": terms,
            "true": true,
            "field_r2": about(0.999, 0.0),
            "r2": about(0.998, 0.0),
            "library": library,
            "errors": errors,
        }
    return {
        "terms": terms[:1],
        "true": None,
        "field_r2": about(0.7, 0.1),
        "r2": about(0.6, 0.1),
        "library": library,
        "errors": {},
    }


METRICS, PIXEL_METRICS = of_states(), of_pixels()
RATIOS = {"better": (0.25, 0.2, 0.3125), "worse": (4.0, 3.2, 5.0), "not distinguishable": (1.05, 0.8, 1.4)}
P_VALUES = {"better": 1e-5, "worse": 1e-5, "not distinguishable": 0.6}


def difference(verdict):
    """The comparison of an error with a plausible ratio for its verdict; without numbers for one that is a reason."""
    if verdict not in RATIOS:
        return Difference(Interval(geometric=True, reason=verdict), None, verdict)
    return Difference(Interval(*RATIOS[verdict], geometric=True), P_VALUES[verdict], verdict)


def comparison(cell, energy="better", coordinates="not distinguishable", reference=None):
    """The comparison of a cell with its baseline, with the same verdicts on all sets."""
    lost = Difference(Interval(0.0, -0.5, 0.5), 1.0, "not distinguishable")
    if energy not in RATIOS:
        lost = Difference(Interval(reason=energy), None, energy)
    differences = {"energy_error": difference(energy), "coordinate_error": difference(coordinates), "diverged": lost}
    sets = ("held_out", "long", "continuous" if cell.from_pixels else "outside")
    return Comparison(cell, reference or cell.references[0], dict.fromkeys(sets, differences))


def results(files=METRICS, comparisons=None, verdict=None):
    """The results of these metrics files; by default each HNN is better in energy and not distinguishable in coordinates.

    `verdict` is that of all comparisons.
    """
    if comparisons is None:
        verdicts = (verdict, verdict) if verdict else ()
        compared = [cell for cell in files if cell.model == "hnn" and set(cell.references) <= set(files)]
        comparisons = [comparison(cell, *verdicts) for cell in compared]
    return Results.parse(files, comparisons)
