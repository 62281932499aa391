"""A Dask cluster of real processes on this machine, for `bench.cluster` and for the tests."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from distributed import Client

__all__ = ["Cluster", "started"]

HOST, PATIENCE = "127.0.0.1", 60.0
SOURCE = Path(__file__).parents[1] / "src"

Process = subprocess.Popen[bytes]


@dataclass(frozen=True)
class Cluster:
    """A scheduler, its workers of one thread each, and the folder with their logs."""

    address: str
    scheduler: Process
    workers: list[Process]
    folder: Path


@contextmanager
def started(*workers: Mapping[str, str]) -> Iterator[Cluster]:
    """A scheduler on a free port and a worker for each mapping of environment variables; all end with the context."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory()))
        scheduler = stack.enter_context(
            running(folder, {}, "scheduler", "--port", "0", "--scheduler-file", f"{folder}/address")
        )
        address = address_in(folder / "address", scheduler)
        words = "worker", address, "--nthreads", "1", "--no-nanny", "--death-timeout", "30", "--local-directory", str(folder)
        processes = [stack.enter_context(running(folder, variables, *words)) for variables in workers]
        if workers:
            with Client(address, set_as_default=False) as client:
                client.wait_for_workers(len(workers), timeout=PATIENCE)
        yield Cluster(address, scheduler, processes, folder)


@contextmanager
def running(folder: Path, variables: Mapping[str, str], *words: str) -> Iterator[Process]:
    """A command of Dask, which logs into the folder and imports this source unless variables say otherwise."""
    command = [sys.executable, "-m", "dask", *words, "--host", HOST, "--no-dashboard"]
    with (folder / f"{words[0]}.log").open("ab") as log:
        env = {**os.environ, "PYTHONPATH": str(SOURCE), **variables}
        process = subprocess.Popen(command, env=env, stdout=log, stderr=log)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def address_in(path: Path, scheduler: Process) -> str:
    """The address that the scheduler writes into its file once it listens."""
    while scheduler.poll() is None:
        try:
            return str(json.loads(path.read_text())["address"])
        except (FileNotFoundError, ValueError):  # not there yet, or not complete
            time.sleep(0.05)
    raise RuntimeError((path.parent / "scheduler.log").read_text())
