"""Write the lock files by uv: one version of each package, with the hashes of all files of it that the index serves.

python locks/write_locks.py           # the newest versions that pyproject.toml allows
python locks/write_locks.py --keep    # the versions that are locked, where pyproject.toml allows them
"""

import hashlib
import re
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
MAIN, BENCH, CHECKS = ROOT / "requirements.lock", ROOT / "bench" / "requirements.lock", ROOT / "locks" / "checks.lock"
TORCH, TORCH_CPU = ROOT / "locks" / "torch.lock", ROOT / "locks" / "torch-cpu.lock"
OF_TORCH = re.compile(r"(torch|triton|(nvidia|cuda)-.*)==")
"""PyTorch and the libraries of its CUDA build, which another index replaces by a CPU build without them."""

PYTHONS = ("3.11", "3.12", "3.13", "3.14")


def resolved(extra: str, constraints: Path | None) -> list[str]:
    """The requirements of the package with an extra, for all platforms, each with its hashes on further lines."""
    words = ["uv", "pip", "compile", "--quiet", "--universal", "--fork-strategy", "fewest", "--generate-hashes"]
    words += ["--no-header", "--no-annotate", "--extra", extra, "pyproject.toml"]
    words += ["--constraints", str(constraints)] if constraints else []
    printed = subprocess.run(words, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True).stdout
    return re.findall(r"^\S.*\n(?:[ ].*\n)*", printed, re.MULTILINE)


def pinned(text: str) -> list[str]:
    """The requirements of a lock file's text, each without its hashes."""
    return [line.removesuffix("\\").rstrip() for line in text.splitlines() if re.match(r"[\w.-]+==", line)]


def locked(*files: Path) -> list[str]:
    """The requirements of those lock files that exist."""
    return [line for file in files if file.is_file() for line in pinned(file.read_text(encoding="utf-8"))]


def cpu_build(version: str) -> str:
    """The requirement of the CPU build of PyTorch with the hashes of those that pip finds for this platform."""
    wanted, hashes = f"torch=={version}+cpu", set()
    for python in PYTHONS:
        with tempfile.TemporaryDirectory() as folder:
            words = ["download", "--quiet", "--no-deps", "--only-binary=:all:", "--python-version", python, "--dest", folder]
            subprocess.run([sys.executable, "-m", "pip", *words, wanted], stderr=subprocess.DEVNULL, check=False)
            hashes |= {hashlib.sha256(file.read_bytes()).hexdigest() for file in Path(folder).iterdir()}
    return " \\\n    ".join([wanted, *(f"--hash=sha256:{one}" for one in sorted(hashes))]) + "\n"


def write(file: Path, about: str, requirements: list[str]) -> None:
    """Write a lock file that begins with a comment."""
    file.write_text(f"# {about} Written by `make lock`.\n" + "".join(requirements), encoding="utf-8")
    print(f"{file.relative_to(ROOT)}: {len(requirements)} packages")


def write_locks(keep: bool) -> None:
    """Resolve everything that the project needs, then what the bench and the checks need beside it, and write all files."""
    with tempfile.TemporaryDirectory() as folder:
        constraints = Path(folder) / "constraints.txt"
        constraints.write_text("\n".join(locked(MAIN, TORCH, BENCH, CHECKS)) if keep else "")
        everything = resolved("dev", constraints)
        write(MAIN, "All but PyTorch, for which see locks/README.md.", [one for one in everything if not OF_TORCH.match(one)])
        torch = [one for one in everything if OF_TORCH.match(one)]
        write(TORCH, "PyTorch as the plain index has it; on Linux its CUDA build, with the libraries of that.", torch)
        (version,) = (one.split("==")[1].split()[0] for one in torch if one.startswith("torch=="))
        cpu = cpu_build(version)
        if "--hash" not in cpu and locked(TORCH_CPU) == [f"torch=={version}+cpu"]:
            print(f"no CPU build of torch {version} can be found here: {TORCH_CPU.name} stays as it is")
        else:
            write(TORCH_CPU, "The CPU build of PyTorch, with the hashes of those that were found.", [cpu])
        names = {"pip", *(one.split("==")[0] for one in everything)}  # every environment has a pip of its own
        constraints.write_text("\n".join(pinned("".join(everything)) + (locked(BENCH, CHECKS) if keep else [])))
        for file, extra in ((BENCH, "bench"), (CHECKS, "checks")):
            further = [one for one in resolved(extra, constraints) if one.split("==")[0] not in names]
            write(file, f"What the extra `{extra}` needs beside requirements.lock.", further)


if __name__ == "__main__":
    write_locks("--keep" in sys.argv[1:])
