"""`make reproduction`: the whole pipeline under other arithmetic, and with planted changes, each judged by `hnn check`.

Every run is a clone of the last commit in a temporary folder, without DVC's cache. Results are kept in data/reproduction, one
file for each run of a commit, so that an interrupted command goes on where it stopped.
"""

import os
import platform
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

from hnn.commands import summaries
from hnn.core.errors import Refused
from hnn.files import formats, paths
from hnn.reporting.templating import template

__all__ = ["PLANTED", "VARIANTS", "Outcome", "Run", "judge", "main"]

PAGE = Path("docs") / "reproduction.md"
RESULTS = paths.DATA / "reproduction"
PARAMS = "params.yaml"

ONE_PIXEL_CELL = {PARAMS: (("  - rk4\n  - euler # as published\n", "  - rk4\n"),)}
"""The step map euler left out, so that one cell of each model is trained from pixels."""

Edits = Mapping[str, tuple[tuple[str, str], ...]]
"""By file: texts, and what they are replaced with."""


@dataclass(frozen=True)
class Run:
    """A run of the pipeline that differs from the committed one."""

    name: str
    about: str
    environment: Mapping[str, str] = field(default_factory=dict)
    edits: Edits = field(default_factory=dict)


@dataclass(frozen=True)
class Outcome:
    """The judgement of `hnn check` on a run."""

    name: str
    about: str
    reproduced: bool | None
    """None if the pipeline stopped, so that there was nothing to check."""
    sentence: str
    differing: list[str]
    """Numbers that differ beyond chance, without the number of steps, which is a setting."""
    verdicts: list[str]
    """Verdicts that changed."""

    @property
    def headlines(self) -> list[str]:
        """The changed verdicts on the errors of energy and coordinates from held-out starts, which README begins with."""
        return [one for one in self.verdicts if ", held_out: energy_error " in one or ", held_out: coordinate_error " in one]


LIBRARIES = {"MKL_ENABLE_INSTRUCTIONS": "SSE4_2", "OPENBLAS_CORETYPE": "Haswell", "ONEDNN_MAX_CPU_ISA": "SSE41"}
ATEN = {"ATEN_CPU_CAPABILITY": "default"}
TWO_THREADS = (("threads: 1 #", "threads: 2 #"),)

VARIANTS = (
    Run("aten", "PyTorch's kernels without vector instructions", ATEN, ONE_PIXEL_CELL),
    Run("libraries", "matrix products of MKL, oneDNN and OpenBLAS for older processors", LIBRARIES, ONE_PIXEL_CELL),
    Run("both", "both of these", ATEN | LIBRARIES, ONE_PIXEL_CELL),
    Run("threads", "two threads", {}, {PARAMS: ONE_PIXEL_CELL[PARAMS] + TWO_THREADS}),
)
"""Other arithmetic, which `hnn check` should pass."""

TASKS = "  - mass_spring\n  - pendulum\n  - two_body\n"
STATES = ((TASKS, "  - mass_spring\n  - pendulum\n"), ("  - damped_pendulum\n", "  []\n"), ("  - pixel_pendulum\n", "  []\n"))
PIXELS = (
    (f"state_tasks: # simulated systems whose states are observed\n{TASKS}", "state_tasks: []\n"),
    ("  - damped_pendulum\n", "  []\n"),
)
SIGN = ("weights - torch.linalg.solve", "weights + torch.linalg.solve")

PLANTED = (
    Run("half-steps", "half the training steps", {}, {PARAMS: (*STATES, ("  steps: 1000\n", "  steps: 500\n"))}),
    Run(
        "weight-decay",
        "a weight decay of 1e-3",
        {},
        {PARAMS: (*STATES, ("  weight_decay: 0.0\n", "  weight_decay: 1.0e-3\n"))},
    ),
    Run(
        "noise",
        "a noise of 0.12 for 0.1",
        {},
        {PARAMS: (*STATES, ("noise_q: 0.1 ", "noise_q: 0.12 "), ("noise_p: 0.1\n", "noise_p: 0.12\n"))},
    ),
    Run(
        "sign",
        "the least squares of the output layer with the wrong sign in training from pixels",
        {},
        {PARAMS: (*PIXELS, *ONE_PIXEL_CELL[PARAMS]), "src/hnn/training/output_layer.py": (SIGN,)},
    ),
)
"""Changes that `hnn check` should catch."""


def edited(folder: Path, edits: Edits) -> None:
    """Make the replacements in the files of a folder; raises `Refused` for a text that is not there."""
    for name, replacements in edits.items():
        text = (folder / name).read_text(encoding="utf-8")
        for old, new in replacements:
            if old not in text:
                raise Refused(f"{name} does not have the text {old!r}, which a run replaces")
            text = text.replace(old, new)
        formats.write_text(folder / name, text)


def judge(run: Run) -> Outcome:
    """Make a run of the last commit from nothing in a temporary folder, and judge it; raises `Refused` without a verdict."""
    with TemporaryDirectory(prefix="hnn-reproduction-", ignore_cleanup_errors=True) as temporary:
        copy = Path(temporary) / "project"
        subprocess.run(["git", "clone", "--quiet", ".", str(copy)], check=True)
        edited(copy, run.edits)
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}"
        environment = {**os.environ, **run.environment, "PATH": path}
        environment.pop("PYTHONPATH", None)

        def call(*words: str) -> subprocess.CompletedProcess[str]:
            """Run a module of Python in the copy."""
            python = [sys.executable, "-m", *words]
            return subprocess.run(
                python, cwd=copy, env=environment, capture_output=True, text=True, encoding="utf-8", check=False
            )

        made = call("dvc", "repro", "--quiet")
        if made.returncode:
            reasons = [
                line for line in made.stderr.splitlines() if line and "step/s" not in line and not line.startswith("ERROR")
            ]
            return Outcome(run.name, run.about, None, f"The pipeline stops: {(reasons or ['no reason given'])[-1]}", [], [])
        done = call("hnn", "check")
        lines = done.stdout.splitlines()
        if not lines:
            raise Refused(f"{run.name}: {done.stderr.strip()}")
        differing = [line for line in lines if " -> " in line and " steps: " not in line and line[:8] != "verdict "]
        verdicts = [line.removeprefix("verdict ") for line in lines if line.startswith("verdict ")]
        return Outcome(run.name, run.about, done.returncode == 0, lines[-1], differing, verdicts)


def outcome(run: Run, commit: str) -> Outcome:
    """The outcome of a run, from its file if it was made before at this commit."""
    path = RESULTS / commit / f"{run.name}.json"
    if not path.is_file():
        formats.write_json(path, asdict(judge(run)))
    return Outcome(**formats.read_json(path))


def processor() -> str:
    """The processor and the vector instructions that PyTorch uses on it by itself."""
    import torch

    lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines() if Path("/proc/cpuinfo").is_file() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return f"{names[0] if names else platform.processor()}, {torch.backends.cpu.get_cpu_capability()}"


def main() -> None:
    """Make all runs that are missing, and write docs/reproduction.md."""
    try:
        commit = summaries.git("rev-parse", "--short", "HEAD").strip()
        variants, planted = ([outcome(run, commit) for run in runs] for runs in (VARIANTS, PLANTED))
    except Refused as error:
        sys.exit(str(error))
    values = {"variants": variants, "planted": planted, "processor": processor(), "commit": commit}
    formats.write_text(PAGE, template("reproduction.md").render(values))
    for one in variants + planted:
        print(f"{one.name:14}{one.sentence}")
    print(PAGE)


if __name__ == "__main__":
    main()
