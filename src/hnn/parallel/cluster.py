"""A map over independent items on a Dask cluster.

joblib's Dask backend is not used: with a single worker it computes on this machine, and when all workers have died it waits
forever.

Scheduler and workers must have the same versions of all packages and of this source as this machine. Items of a worker that
dies are computed again by the others. Failures that remain are reported in one line.
"""

import hashlib
import logging
import pickle
import platform
import socket
import time
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import CancelledError
from contextlib import contextmanager
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from hnn.core.errors import Refused
from hnn.parallel.progress import steps_of

if TYPE_CHECKING:  # an installation without the extra has no Dask
    from distributed import Client, Future

__all__ = ["cluster_map"]

CONNECT = 5.0
"""Seconds to wait for the scheduler's answer, and for its first worker."""
POLL = 1.0
"""Seconds between checks that workers are left."""
LOST = 60.0
"""Seconds without any worker after which the map gives up."""

PACKAGES = "torch", "numpy", "scipy", "joblib", "dask", "distributed", "cloudpickle"
"""Packages whose versions must agree, because they compute results or transfer functions and results."""

A = TypeVar("A")
B = TypeVar("B")


def cluster_map(function: Callable[[A], B], items: Sequence[A], address: str) -> list[B]:
    """[function(item) for item in items] on the workers of the Dask scheduler at `address`.

    The function and its closure are sent once, as the result of a task on which all items depend: scattered data would be lost
    with the worker that holds it, but a task is run again.
    """
    with connection(address) as client:
        import cloudpickle  # installed with Dask
        import dask

        with dask.config.set({"distributed.admin.large-graph-warning-threshold": "1TB"}):  # the function is sent only once
            pickled = client.submit(bytes, cloudpickle.dumps(function), pure=False)
        futures = client.map(call_pickled, items, pickled=pickled, expected=versions(), pure=False)
        pending = {future: index for index, future in enumerate(futures)}
        del futures  # received results are released, so that they are not computed again when their worker dies
        arrivals = zip(steps_of(len(items), address, "item"), results_as_completed(pending, client, address), strict=True)
        results = dict(arrival for _, arrival in arrivals)
        return [results[index] for index in range(len(items))]


def call_pickled(item: Any, pickled: bytes, expected: Mapping[str, str]) -> Any:
    """Call the pickled function with the item, on a worker. Raises `Refused` if the worker joined late with other versions."""
    if differ := differences(expected, versions()):
        raise Refused(f"compute.scheduler: a worker that joined on {socket.gethostname()} has {differ}")
    return pickle.loads(pickled)(item)


@contextmanager
def connection(address: str) -> Iterator["Client"]:
    """A client of the scheduler. Raises `Refused` if it does not answer, has no workers or has other versions."""
    try:
        from distributed import Client
        from distributed.versions import VersionMismatchWarning
    except ImportError:
        raise Refused(
            f"compute.scheduler: given {address}, but Dask is not installed; "
            "pip install 'hnn-pipeline[dask]', or set it to local"
        ) from None
    logging.getLogger("distributed.client").setLevel(logging.CRITICAL)  # its tracebacks are replaced by one line
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", VersionMismatchWarning)  # `check_versions` reports it in one line
            client = Client(address, timeout=CONNECT)
    except Exception as error:  # any server may be at that address
        raise Refused(
            f"compute.scheduler: no Dask scheduler answers at {address} ({error}); "
            "start one with `dask scheduler`, correct the address, or set it to local"
        ) from None
    with client:
        try:
            client.wait_for_workers(1, timeout=CONNECT)
        except TimeoutError:
            raise Refused(
                f"compute.scheduler: {address} has no workers; start some with `dask worker {address}`, or set it to local"
            ) from None
        check_versions(client)
        yield client


def results_as_completed(pending: "dict[Future[Any], int]", client: "Client", address: str) -> Iterator[tuple[int, Any]]:
    """(index, result) of the items in the order of completion; `pending` is emptied.

    Raises the exception of an item, or `Refused` if scheduler or workers are lost.
    """
    from distributed import KilledWorker, wait
    from distributed.comm.core import CommClosedError

    last_seen = time.monotonic()  # of any worker
    try:
        while pending:
            try:
                done = wait(list(pending), timeout=POLL, return_when="FIRST_COMPLETED").done
            except TimeoutError:
                done = set()
            if done or client.ncores():
                last_seen = time.monotonic()
            elif time.monotonic() - last_seen > LOST:
                lost = f"all workers of {address} were lost, and none joined within {LOST:g} s"
                raise Refused(f"compute.scheduler: {lost}; their logs may say why")
            for future in done:
                yield pending.pop(future), future.result()
    except (CancelledError, CommClosedError):
        raise Refused(f"compute.scheduler: the scheduler at {address} was lost; its log may say why") from None
    except KilledWorker as error:
        raise Refused(f"compute.scheduler: several workers died while computing the same item: {error}") from None


def check_versions(client: "Client") -> None:
    """Raise `Refused` if the scheduler or a worker has other versions than this machine."""
    remote: dict[str, Any] = {}
    try:
        remote["the scheduler"] = client.run_on_scheduler(versions)
    except Exception as error:  # any exception that `versions` raised there
        remote["the scheduler"] = error
    for address, result in client.run(versions, on_error="return").items():
        remote[f"the worker {address}"] = result
    differ = [f"{name} has {text}" for name, result in remote.items() if (text := differences(versions(), result))]
    if differ:
        more = f" ({len(differ) - 1} more differ)" if differ[1:] else ""
        raise Refused(f"compute.scheduler: {differ[0]}{more}; install the same everywhere, and restart scheduler and workers")


def differences(here: Mapping[str, str], there: Mapping[str, str] | Exception) -> str:
    """Description of the versions that differ, empty if none does; `there` is an exception if hnn could not be imported."""
    if isinstance(there, Exception):
        return f"no importable hnn: {there}"
    return ", ".join(f"{name} {there.get(name)} (here {own})" for name, own in here.items() if there.get(name) != own)


@cache
def versions() -> dict[str, str]:
    """Versions on which results depend; cached, since a process keeps running the code that it has loaded."""
    package, digest = Path(__file__).parents[1], hashlib.sha256()
    for path in sorted(package.rglob("*.py")):
        digest.update(path.relative_to(package).as_posix().encode() + b"\n" + path.read_bytes())
    python = ".".join(platform.python_version_tuple()[:2])
    return {"Python": python, **{name: version(name) for name in PACKAGES}, "hnn": f"source {digest.hexdigest()[:8]}"}
