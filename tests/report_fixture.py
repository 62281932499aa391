"""Metrics as the stages write them, small and with numbers that are easy to follow, for the tests of the report."""


def about(mean, width=0.1):
    """A mean with its interval."""
    return {"mean": mean, "low": mean * (1 - width), "high": mean * (1 + width)}


def cell(energy, coordinate, conserved=None, **sets):
    """A cell with an energy and a coordinate error, the same in the sets that are not given."""
    found = {"energy_error": about(energy), "energy_mse": about(energy**2), "coordinate_error": about(coordinate)}
    found |= {"valid_time": about(2.0), "diverged": about(0.0)}
    if conserved is not None:
        found["conserved_error"] = about(conserved)
    rollout = dict(found) | {"table1": {"energy_mse": about(energy**2)}}
    rollout |= {name: found | (sets.get(name) or {}) for name in ("long", "outside") if sets.get(name, {}) is not None}
    return {"train": {"test_loss": about(0.03), "parameters": 10}, "rollout": rollout}


def floor(energy=1e-6):
    """What the exact field scores."""
    rollout = cell(energy, energy)["rollout"] | {"test_loss": about(0.029, 0)}
    rollout["integrator"] = {"method": "dop853", "tolerance": 1e-7, "error": 1e-6, "share": None, "honoured": True}
    return {"rollout": rollout}


def contract(honoured=True, **about):
    """What a set says of its integrator, and the mark where it was allowed to break the contract."""
    found = {"method": "rk4", "step": 0.5, "error": 0.02, "share": 0.001 if honoured else 0.2, "honoured": honoured} | about
    return {"integrator": found} | ({} if honoured else {"mismatch": True})


def difference(mean, verdict):
    """A paired difference and the verdict on it."""
    return about(mean) | {"verdict": verdict}


def compared(energy="better", coordinate="not distinguishable"):
    """The comparison of HNN with baseline, the same on all sets."""
    found = {"energy_error": difference(-0.3, energy), "coordinate_error": difference(0.005, coordinate)}
    return dict.fromkeys(("held_out", "long", "outside", "continuous"), found)


CELLS = {("pendulum", "baseline"): cell(0.4, 0.1), ("pendulum", "hnn"): cell(0.1, 0.105, 1e-7), ("pendulum", "truth"): floor()}
COMPARISONS = {"pendulum": {"hnn vs baseline": compared()}}


def seen(energy, valid=5.0, horizons=("10", "100", "200")):
    """One way of rolling out a pixel cell."""
    found = {name: about(energy) for name in ("energy_error", "energy_mse", "coordinate_error")}
    found |= {f"pixel_mse_{name}": about(energy / 10) for name in horizons}
    return found | {"valid_time": about(valid), "diverged": about(0.0, 0)}


def pixel_cell(energy, continuous, learned=False, mismatch=False):
    """A cell of a pixel task, rolled out by its map and as a continuous motion."""
    found = seen(energy) | {"long": seen(2 * energy, 20.0, ("10", "100", "200", "1000")), "floor": seen(0.001, 6.0)}
    found |= {"continuous": seen(continuous, 0.2) | ({"mismatch": True} if mismatch else {})}
    found |= {"table1": {"energy_mse": about(continuous)}}
    found |= {"probe_r2": about(0.999, 0), "canonical_error": about(0.03), "reconstruction_error": about(0.001)}
    return {"train": {"test_loss": about(0.01)}, "rollout": found | ({"conserved_error": about(1e-4)} if learned else {})}


PIXEL_CELLS = {
    ("pixel_pendulum", "baseline-rk4"): pixel_cell(0.1, 0.1),
    ("pixel_pendulum", "baseline-euler"): pixel_cell(0.1, 3.0, mismatch=True),
    ("pixel_pendulum", "hnn-rk4"): pixel_cell(0.1, 0.1, learned=True),
    ("pixel_pendulum", "hnn-euler"): pixel_cell(0.5, 0.2, learned=True, mismatch=True),
}


def pixels_compared(verdict="not distinguishable"):
    """The comparison of the two cells with a matched map."""
    published, matched = compared("better", "better"), compared(verdict, verdict)
    return {"pixel_pendulum": {"hnn-euler vs baseline-euler": published, "hnn-rk4 vs baseline-rk4": matched}}
