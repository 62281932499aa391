"""A small copy of the project after `dvc repro` on tiny parameters, for the tests that run the pipeline (a pytest plug-in)."""

import hashlib
import math
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from filelock import FileLock

from hnn.files.paths import TIMES
from hnn.params.loading import read_raw

ROOT = Path(__file__).parents[1]
RECORDER = str(ROOT / "tests/recorder")
"""On PYTHONPATH: stages write the modules that they have loaded into `RECORDS`."""
RECORDS = ".dvc/tmp/loaded"
HIDDEN = 8
"""Hidden units of the tiny parameters."""


@pytest.fixture(scope="session")
def env(tmp_path_factory):
    """The variables of the commands: this Python first on PATH, and nothing of the person who runs the tests."""
    person = {f"GIT_{who}_{what}": "a@b.c" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    kept = {key: os.environ[key] for key in ("HOME", "LANG", "TMPDIR") if key in os.environ}
    return (
        kept
        | person
        | {
            "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]),
            "GIT_CONFIG_GLOBAL": os.devnull,
            "DVC_NO_ANALYTICS": "1",
            "DVC_SITE_CACHE_DIR": str(tmp_path_factory.mktemp("site")),
        }
    )


class Project:
    """A copy of the project and what a person does in it."""

    def __init__(self, folder, env):
        self.folder, self.env = folder, env

    def __truediv__(self, path):
        return self.folder / path

    def try_run(self, *command, **variables):
        """(exit status, all that it prints) of a command."""
        done = subprocess.run(
            command, cwd=self.folder, env=self.env | variables, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        return done.returncode, done.stdout

    def run(self, *command, **variables):
        """What a command prints, which must succeed."""
        status, printed = self.try_run(*command, **variables)
        assert status == 0, f"{command}\n{printed}"
        return printed

    def dvc(self, *words, **variables):
        return self.run("dvc", *words, **variables)

    def hnn(self, *words):
        return self.run("python", *words, PYTHONPATH="src")

    def commit(self):
        self.run("git", "add", "--all")
        self.run("git", "commit", "--quiet", "--message", "results")

    def edit(self, change):
        """Change the parameters by a function of them."""
        params = read_raw(self / "params.yaml")
        change(params)
        (self / "params.yaml").write_text(yaml.safe_dump(params, sort_keys=False))

    def append(self, path, text):
        (self / path).write_text((self / path).read_text() + text)

    def files(self):
        """The checksum of every file below data/ and metrics/ but the times of stages."""
        found = [path for top in ("data", "metrics") for path in (self / top).rglob("*") if path.is_file()]
        sums = {str(path.relative_to(self.folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in found}
        return {name: one for name, one in sums.items() if name != str(TIMES)}


def tiny(params):
    """Parameters that keep every key and take next to no time."""
    params |= {
        "state_tasks": ["mass_spring"],
        "friction_tasks": [],
        "pixel_tasks": ["pixel_pendulum"],
        "models": ["baseline", "hnn"],
        "step_maps": ["rk4"],
        "seeds": 2,
    }
    params["compute"]["workers"] = 1  # so that one process loads all modules of a stage
    params["model"]["hidden"] = HIDDEN
    params["simulate"] |= {"starts": 3, "long_horizon_factor": 2, "long_horizon_points": 5}
    params["ingest"]["starts"] = 2
    params["train"]["steps"] = 20
    params["train_pixels"] |= {"steps": 20, "batch": 10, "dynamics_only_steps": 5, "relative": False}
    params["rollout"] |= {"tolerance": 1e-4}
    params["render"] |= {"pixels": 8, "supersampling": 1}
    params["autoencoder"]["hidden"] = HIDDEN
    params["pretrain"] |= {"steps": 0, "batch": 10}
    for task in params["tasks"].values():
        if "pretrain" in task:  # a frame every 0.15 s, since small frames show less of a motion
            task["simulate"] |= {"train": 4, "test": 2, "duration": 1.5, "points": 11, "horizon": 1.8, "horizon_points": 13}
            task["simulate"] |= {"long_horizon_factor": 2, "long_horizon_points": 25}
            continue
        task["train"] = {}
        if "simulate" in task:
            task["simulate"] |= {"train": 4, "test": 2, "duration": 1.0, "points": 5, "horizon": 2.0, "horizon_points": 5}
        else:
            task["ingest"]["horizon_points"] = 5


def once(tmp_path_factory, name, build):
    """The folder `name`, built by the first test process that asks for it and shared by all."""
    base = tmp_path_factory.getbasetemp()
    shared = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
    with FileLock(shared / f"{name}.lock"):
        if not (shared / name).is_dir():
            build(shared / f"{name}.new")
            (shared / f"{name}.new").rename(shared / name)
    return shared / name


@pytest.fixture(scope="session")
def finished(tmp_path_factory, env):
    """A repository with the code as it is here, after `dvc repro` on tiny parameters, all committed: not to be changed."""

    def build(folder):
        listed = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
        names = subprocess.run(listed, cwd=ROOT, check=True, capture_output=True, text=True).stdout.split("\0")
        for name in names:
            if name != "dvc.lock" and not name.startswith(("metrics/", "tests/")) and (ROOT / name).is_file():
                (folder / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(ROOT / name, folder / name)
        project = Project(folder, env)
        project.edit(tiny)
        project.run("git", "init", "--quiet", "--initial-branch", "main")
        project.commit()
        project.dvc("repro", PYTHONPATH=RECORDER)
        project.commit()

    return once(tmp_path_factory, "finished", build)


RIG = ("new", "rig", "runs/a.csv", "runs/b.csv", "runs/c.csv", "--test", "c")
"""Words of the command that makes a task of the recording in `recorded`."""


def record(folder, amplitude):
    """Write a run of a pendulum with friction as a spreadsheet would, by Euler's method in fine steps."""
    rows, q, v = [], amplitude, 0.0
    for i in range(12000):
        if i % 40 == 0:
            rows.append(f"{0.001 * i:.3f},{q:.6f},{v:.6f}")
        v += 0.001 * (-9.0 * math.sin(q) - 0.1 * v)
        q += 0.001 * v
    folder.parent.mkdir(exist_ok=True)
    folder.write_text("time [s],angle [rad],rate [rad/s]\n" + "\n".join(rows) + "\n")


@pytest.fixture(scope="session")
def recorded(finished, tmp_path_factory, env):
    """A copy of `finished` with a recording of one's own, after its report was made: not to be changed."""

    def build(folder):
        project = Project(shutil.copytree(finished, folder, symlinks=True), env)
        for name, amplitude in (("a", 0.9), ("b", 0.5), ("c", 0.7)):
            record(project / "runs" / f"{name}.csv", amplitude)
        project.edit(lambda params: params["recording"].update(hidden=6, steps=30, segments=[0.5], iterations=4))
        project.hnn("-m", "hnn", *RIG)
        project.commit()
        project.dvc("repro", "report_recording@rig", PYTHONPATH=RECORDER)
        project.commit()

    return once(tmp_path_factory, "recorded", build)


@pytest.fixture
def project(finished, tmp_path, env):
    """A copy of `finished` to work in."""
    return Project(shutil.copytree(finished, tmp_path / "project", symlinks=True), env)


def ran(log):
    """The names of the stages that a log of DVC says were run."""
    return set(re.findall(r"Running stage '([^']+)'", log))
