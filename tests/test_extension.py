"""A system, a model and a metric, added as CONTRIBUTING says, run through the pipeline and pass the contract tests."""

import re
import shutil

import numpy as np
import pandas as pd
import pytest
from tiny_project import ROOT, ran

SYSTEM = '''"""Three equal masses in a row, joined to each other and to two walls by equal springs."""

from dataclasses import dataclass
from math import pi, sqrt
from typing import ClassVar

import torch
from torch import Tensor

from hnn.core.phase_space import split
from hnn.systems.base import System

__all__ = ["ThreeSprings"]


class Extensions:
    """Of the four springs; a class beside the system."""

    @staticmethod
    def of(q: Tensor) -> Tensor:
        """Shape (…, 4) at positions q (…, 3)."""
        return torch.cat([q[..., :1], q.diff(dim=-1), -q[..., 2:]], -1)


@dataclass(frozen=True)
class ThreeSprings(System):
    """H = |p|^2/(2m) + k (q1^2 + (q2 - q1)^2 + (q3 - q2)^2 + q3^2)/2."""

    degrees: ClassVar[int] = 3
    separable: ClassVar[bool] = True

    mass: float  # kg
    stiffness: float  # N / m

    def hamiltonian(self, x: Tensor) -> Tensor:
        q, p = split(x)
        return p.square().sum(-1) / (2 * self.mass) + self.stiffness * Extensions.of(q).square().sum(-1) / 2

    def period(self, x: Tensor) -> Tensor:
        """Of the slowest mode, whose frequency is sqrt((2 - sqrt 2) k/m)."""
        return torch.full_like(x[..., 0], 2 * pi / sqrt((2 - sqrt(2)) * self.stiffness / self.mass))
'''

MODEL = '''"""A Hamiltonian network with a quadratic energy beside the learned one."""

import torch
from torch import Tensor

from hnn.core.phase_space import rotate
from hnn.models.base import Model
from hnn.networks.mlp import MLP

__all__ = ["QuadraticHamiltonianNetwork"]


class QuadraticHamiltonianNetwork(Model):
    """dx/dt = J grad H with H = |x|^2/2 + a scalar network."""

    conservative = True

    def __init__(self, degrees: int, *, hidden: int, layers: int, activation: str, generator: torch.Generator) -> None:
        super().__init__()
        self.energy = MLP(2 * degrees, 1, hidden=hidden, layers=layers, activation=activation, generator=generator)

    def hamiltonian(self, x: Tensor) -> Tensor:
        return x.square().sum(-1) / 2 + self.energy(x).squeeze(-1)

    def time_derivative(self, x: Tensor) -> Tensor:
        return rotate(x + self.energy.gradient(x))
'''

METRIC = '''

def final_distance(model: ndarray, true: ndarray) -> ndarray:
    """Relative distance from the true motion at the last time, (seeds, starts)."""
    return relative_distance(model, true)[..., -1]
'''

TASK = {
    "system": {"name": "three_springs", "mass": 1.0, "stiffness": 1.0},
    "simulate": {
        **{"train": 4, "test": 2, "duration": 1.0, "points": 5, "noise_q": 0.0, "noise_p": 0.0},
        "distribution": {"shape": "ring", "low": 0.5, "high": 1.0},
        **{"horizon": 2.0, "horizon_points": 5},
    },
    "train": {},
    "rollout": {},
}


@pytest.fixture
def extended(project):
    """The tiny project with all three added, in the files that CONTRIBUTING names and no others."""
    (project / "src/hnn/systems/three_springs.py").write_text(SYSTEM)
    (project / "src/hnn/models/quadratic_hnn.py").write_text(MODEL)
    project.append("src/hnn/evaluation/metrics.py", METRIC)
    entry = '        "coordinate_error": metrics.coordinate_error(x, motion.x),\n'
    evaluate = project / "src/hnn/evaluation/evaluate.py"
    assert evaluate.read_text().count(entry) == 1
    evaluate.write_text(evaluate.read_text().replace(entry, entry + entry.replace("coordinate_error", "final_distance")))
    definitions = project / "src/hnn/reporting/definitions.py"
    meaning = '    "final_distance": ("1", "distance from the true motion at the last time, over the size of the motion"),\n'
    definitions.write_text(definitions.read_text().replace('    "phase_error"', meaning + '    "phase_error"', 1))
    project.edit(lambda params: params["tasks"].update(three_springs=TASK))
    project.edit(
        lambda params: params.update(state_tasks=["three_springs"], pixel_tasks=[], models=["baseline", "quadratic_hnn"])
    )
    guide = (ROOT / "CONTRIBUTING.md").read_text()
    for line in project.run("git", "status", "--porcelain").splitlines():
        path = line[3:].replace("three_springs", "<name>").replace("quadratic_hnn", "<name>")
        assert f"`{path}`" in guide, path
    return project


def test_an_added_system_model_and_metric_run_through_the_pipeline_to_the_report(extended):
    log = extended.dvc("repro")
    assert {f"{stage}@three_springs-quadratic_hnn" for stage in ("train", "rollout")} <= ran(log)
    summary = pd.read_csv(extended / "metrics/summary.csv").set_index(["model", "quantity"])["mean"]
    assert summary["truth", "final_distance"] < 1e-3 < summary["quadratic_hnn", "final_distance"]
    assert np.isnan(summary["baseline", "phase_error"])  # no plane of rotation
    report = (extended / "metrics/report.md").read_text()
    assert "quadratic_hnn" in report
    assert "`final_distance` (1)" in report
    assert "three_springs-film" not in report  # not drawn


def test_an_added_system_and_model_pass_the_contract_tests(extended):
    shutil.copytree(ROOT / "tests", extended / "tests", dirs_exist_ok=True)
    shutil.copy(ROOT / "params.yaml", extended / "params.yaml")  # some tests of params need its pixel task
    extended.edit(lambda params: params["tasks"].update(three_springs=TASK))
    extended.edit(lambda params: params["state_tasks"].append("three_springs"))
    tests = "tests/systems", "tests/models", "tests/params", "tests/test_structure.py"
    of_these = "three_springs or quadratic_hnn or accepts or test_structure"
    printed = extended.run("python", "-m", "pytest", "-v", "-n", "0", *tests, "-k", of_these)
    assert len(re.findall(r"three_springs.* PASSED", printed)) > 5
    assert len(re.findall(r"quadratic_hnn.* PASSED", printed)) > 5
