"""The whole pipeline from nothing, in a clone of its own with an empty cache, and again with nothing changed."""

import os
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter

from bench.ours import ROOT
from bench.row import Row

__all__ = ["repro"]


def seconds(command: list[str], folder: Path) -> float:
    """Seconds of a command in a folder, with this Python's environment active; its output is shown if it fails."""
    environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
    environment.pop("PYTHONPATH", None)  # the clone uses its own code
    start = perf_counter()
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"`{' '.join(command)}` failed in a fresh clone:\n{done.stdout}{done.stderr}")
    return perf_counter() - start


def repro() -> dict[str, Row]:
    """Both rows, of the committed state."""
    with TemporaryDirectory() as folder:
        clone = Path(folder) / "clone"
        seconds(["git", "clone", "--quiet", str(ROOT), str(clone)], ROOT)
        cold, noop = (seconds(["dvc", "repro"], clone) for _ in range(2))
    nothing = {"reference_s": None, "ratio": None, "reference": "–"}
    return {
        "repro_cold_s": {
            **nothing,
            "ours_s": cold,
            "ours": "dvc repro in a fresh clone of the last commit, with an empty cache",
        },
        "repro_noop_s": {**nothing, "ours_s": noop, "ours": "dvc repro there once more"},
    }
