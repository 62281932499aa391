"""Metrics as the stages write them, small and with round numbers, for the tests of the report."""

from hnn.core.cell import TRUTH, Cell
from hnn.core.statistics import Interval
from hnn.reporting.results import Comparison, Difference, Results


def about(mean, width=0.1):
    """A mean with its interval."""
    half = width * abs(mean)
    return {"mean": mean, "low": mean - half, "high": mean + half}


def metrics(energy, coordinate, conserved=None, **sets):
    """A cell with an energy and a coordinate error, the same in the sets that are not given."""
    found = {"energy_error": about(energy), "energy_mse": about(energy**2), "coordinate_error": about(coordinate)}
    found |= {"valid_time": about(2.0), "diverged": about(0.0)}
    if conserved is not None:
        found["conserved_error"] = about(conserved)
    rollout = dict(found) | {"table1": {"energy_mse": about(energy**2)}}
    rollout |= {name: found | (sets.get(name) or {}) for name in ("long", "outside") if sets.get(name, {}) is not None}
    return {"train": {"test_loss": about(0.03), "parameters": 10, "steps": 100}, "rollout": rollout}


def floor(energy=1e-6):
    """The metrics of the exact field."""
    rollout = metrics(energy, energy, energy)["rollout"] | {"test_loss": about(0.029, 0)}
    rollout["integrator"] = {"method": "dop853", "tolerance": 1e-7, "error": 1e-6, "share": None, "honoured": True}
    return {"rollout": rollout}


def contract(honoured=True, **about):
    """The integrator entry of a set, and the mark where the contract is broken."""
    found = {"method": "rk4", "step": 0.5, "error": 0.02, "share": 0.001 if honoured else 0.2, "honoured": honoured} | about
    return {"integrator": found} | ({} if honoured else {"mismatch": True})


def pixel_set(energy, valid=5.0, horizons=("10", "100", "200")):
    """The metrics of one way of rolling out a pixel cell."""
    found = {name: about(energy) for name in ("energy_error", "energy_mse", "coordinate_error")}
    found |= {f"pixel_mse_{name}": about(energy / 10) for name in horizons}
    return found | {"valid_time": about(valid), "diverged": about(0.0, 0)}


def pixel_metrics(energy, continuous, learned=False, mismatch=False):
    """The metrics of a pixel cell, rolled out by its map and as a continuous motion."""
    found = pixel_set(energy) | {
        "long": pixel_set(2 * energy, 20.0, ("10", "100", "200", "1000")),
        "floor": pixel_set(0.001, 6.0),
    }
    found |= {"continuous": pixel_set(continuous, 0.2) | ({"mismatch": True} if mismatch else {})}
    found |= {"table1": {"energy_mse": about(continuous)}}
    found |= {"probe_r2": about(0.999, 0), "canonical_error": about(0.03), "reconstruction_error": about(0.001)}
    return {"train": {"test_loss": about(0.01)}, "rollout": found | ({"conserved_error": about(1e-4)} if learned else {})}


METRICS = {
    Cell("pendulum", "baseline"): metrics(0.4, 0.1),
    Cell("pendulum", "hnn"): metrics(0.1, 0.105, 1e-7),
    Cell("pendulum", TRUTH): floor(),
}
PIXEL_METRICS = {
    Cell("pixel_pendulum", "baseline", "rk4"): pixel_metrics(0.4, 0.4),
    Cell("pixel_pendulum", "baseline", "euler"): pixel_metrics(0.1, 3.0, mismatch=True),
    Cell("pixel_pendulum", "hnn", "rk4"): pixel_metrics(0.1, 0.1, learned=True),
    Cell("pixel_pendulum", "hnn", "euler"): pixel_metrics(0.5, 0.2, learned=True, mismatch=True),
}


def comparison(cell, energy="better", coordinates="not distinguishable"):
    """The comparison of a cell with its baseline, with the same verdicts on all sets."""
    differences = {
        "energy_error": Difference(Interval.parse(about(-0.3)), energy),
        "coordinate_error": Difference(Interval.parse(about(0.005)), coordinates),
    }
    return Comparison(cell, cell.baseline, dict.fromkeys(("held_out", "long", "outside", "continuous"), differences))


def results(files=METRICS, comparisons=None):
    """The results of these metrics files; by default each HNN is better in energy and not distinguishable in coordinates."""
    if comparisons is None:
        comparisons = [comparison(cell) for cell in files if cell.model == "hnn" and cell.baseline in files]
    return Results.parse(files, comparisons)
