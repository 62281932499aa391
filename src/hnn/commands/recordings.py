"""`make recordings`: docs/recordings.md, recordings that others measured, run by the commands that users type.

Each runs in a clone of the last commit in a temporary folder. The archives are not part of the project: a recording whose
archive is missing keeps its part of the page, or the place where the archive is found stands there.
"""

import os
import re
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Sequence
from contextlib import chdir
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from hnn.core.cell import Cell
from hnn.core.errors import Refused
from hnn.datasets.recordings import VARIABLE
from hnn.files import paths
from hnn.files.formats import write_text
from hnn.files.recordings import read_predictions
from hnn.params.loading import load_params
from hnn.reporting.formatting import number
from hnn.reporting.templating import template

__all__ = ["EXAMPLES", "Example", "free_runs", "main", "page"]

PAGE = Path("docs") / "recordings.md"
PARTS = Path("docs") / "recordings"
"""The parts of the page, one for each recording, and their figures."""


@dataclass(frozen=True)
class Example:
    """A recording of others with the words of the command `new`."""

    name: str
    file: str
    """Below the folder of archives."""
    words: tuple[str, ...]
    about: str
    where: str
    member: str | None = None
    """The file within a ZIP archive."""
    rest: float | None = None
    """Position at rest, about which the size of a motion is measured as in published errors; None: not compared."""
    published: str = ""
    """What others reached, in the same measure."""


DYNAMICSLAB = "github.com/dynamicslab/MultiArm-Pendulum"
SCHMIDT = "the supplement of Schmidt, Lipson, Science 324:81 (2009)"

EXAMPLES = (
    Example(
        "measured_pendulum",
        "multiarm_pendulum/single.mat",
        ("--test", "Y_vad"),
        "A pendulum in free swing, sampled at 1 kHz: four runs for identification, two for validation (arXiv:2205.06231).",
        DYNAMICSLAB,
        rest=np.pi,
        published="θ'' = a sin θ - b θ' - c sign θ' by regression 0.047 and 0.074, by trajectories 0.0185 and 0.054; without "
        "friction 0.29 and 0.36; 100 tanh features regressed on filtered accelerations 0.165 and 0.25",
    ),
    Example(
        "measured_double_pendulum",
        "multiarm_pendulum/double.mat",
        ("--test", "Y_vad"),
        "The double pendulum of the same rig: 26 and 4 runs of 2.7 s.",
        DYNAMICSLAB,
    ),
    Example(
        "real_linear",
        "invar_datasets.zip",
        (),
        "A mass between springs on an air track, motion-tracked.",
        SCHMIDT,
        member="real_linear_h_1.txt",
    ),
    Example(
        "real_double_pendulum",
        "invar_datasets.zip",
        (),
        "A double pendulum, motion-tracked, with gaps.",
        SCHMIDT,
        member="real_double_pend_h_1.txt",
    ),
)


def archives() -> Path:
    """The folder of archives."""
    return Path(os.environ.get(VARIABLE) or paths.EXTERNAL).resolve()


def found(example: Example, folder: Path) -> Path | None:
    """The file of a recording, unpacked into `folder` if it is in an archive; None where it is not there."""
    path = archives() / example.file
    if not path.is_file() or example.member is None:
        return path if path.is_file() else None
    with zipfile.ZipFile(path) as archive:
        member = next((name for name in archive.namelist() if Path(name).name == example.member), None)
        if member is None:
            raise Refused(f"{path}: has no member {example.member}")
        target = folder / example.member
        target.write_bytes(archive.read(member))
    return target


def run(example: Example, file: Path, clone: Path) -> str:
    """Run the commands in a clone of the project; return the part of the page, and copy its figures."""
    source = Path.cwd()
    subprocess.run(["git", "clone", "--quiet", source, clone], check=True)
    environment = os.environ | {"PYTHONPATH": str(clone / "src")}

    def command(*words: str) -> str:
        """Standard output of a command run in the clone; `Refused` if it fails."""
        done = subprocess.run(words, cwd=clone, env=environment, capture_output=True, text=True, check=False)
        if done.returncode:
            raise Refused(f"{' '.join(words)} ended with status {done.returncode}: {done.stderr.strip()[-500:]}")
        return done.stdout

    printed = command(sys.executable, "-m", "hnn", "new", example.name, str(file), *example.words)
    command("dvc", "repro", f"report_recording@{example.name}")
    with chdir(clone):
        report = paths.recording_report_path(example.name, ".md").read_text(encoding="utf-8")
        compared = free_runs(example)
    figures = clone / paths.recording_figure_path(example.name, "").parent
    (PARTS / example.name).mkdir(parents=True, exist_ok=True)
    for figure in re.findall(rf"\({example.name}/([^)]+)\)", report):
        shutil.copy(figures / figure, PARTS / example.name / figure)
    findings = printed.partition("\nWritten:")[0].strip()
    body = (
        re.sub(r"^#+ .*\n", "", report, count=1)
        .replace("\n## ", "\n### ")
        .replace(f"({example.name}/", f"(recordings/{example.name}/")
    )
    words = " ".join([example.name, file.name, *example.words])
    values = {
        "example": example,
        "words": words,
        "findings": findings.splitlines(),
        "body": body.strip(),
        "compared": compared,
    }
    return str(template("recording_part.md").render(values))


def free_runs(example: Example) -> list[dict[str, str]]:
    """By model and held-out trial: root mean square of the error of positions over that of positions about their rest."""
    if example.rest is None:
        return []
    rows = []
    for model in load_params().recorded_models:
        predictions, _ = read_predictions(Cell(example.name, model))
        row = {"model": model}
        for trial, one in predictions.items():
            n = one.x.shape[-1] // 2
            size = np.sqrt(np.square(one.x[:, :n] - example.rest).mean())
            errors = np.sqrt(np.square(one.rollout[..., :n] - one.x[:, :n]).mean((1, 2))) / size
            low, middle, high = np.quantile(errors, [0.0, 0.5, 1.0])
            row[trial] = f"{number(float(middle))} ({number(float(low))} to {number(float(high))})"
        rows.append(row)
    return rows


def page(parts: Sequence[str]) -> str:
    """docs/recordings.md."""
    return str(template("recordings.md").render(parts=parts))


def main(names: Sequence[str]) -> None:
    """Run the named recordings, or all, and write the page of all."""
    unknown = set(names) - {example.name for example in EXAMPLES}
    if unknown:
        raise Refused(f"given {min(unknown)}, allowed: {', '.join(example.name for example in EXAMPLES)}")
    for example in EXAMPLES:
        with TemporaryDirectory() as folder:
            file = found(example, Path(folder)) if not names or example.name in names else None
            if file is None:
                continue
            print(f"{example.name} …", flush=True)
            write_text(PARTS / f"{example.name}.md", run(example, file, Path(folder) / "clone"))
    files = {example: PARTS / f"{example.name}.md" for example in EXAMPLES}
    write_text(
        PAGE,
        page(
            [
                path.read_text(encoding="utf-8")
                if path.is_file()
                else f"## {example.name}\n\n{example.about} Not run yet: its archive is in {example.where}.\n"
                for example, path in files.items()
            ]
        ),
    )


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except Refused as error:
        sys.exit(str(error))
