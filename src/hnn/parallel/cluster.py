"""Many computations on a Dask cluster: what travels, what must agree, what can be lost.

Not through joblib's Dask backend: with a single worker it computes here instead, and when all have died it waits for ever.

Scheduler and workers run the same versions as this machine and the same source of this package, or nothing is computed. A
worker that dies is made up for by the others. What cannot be mended is said in one line.
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

CONNECT, LOOK, LOST = 5.0, 1.0, 60.0
"""Seconds: to wait for a scheduler to answer, and for its first worker; between looks at who is left; that all may be gone."""

PACKAGES = "torch", "numpy", "scipy", "joblib", "dask", "distributed", "cloudpickle"
"""What computes, and what carries functions and results."""

A = TypeVar("A")
B = TypeVar("B")


def cluster_map(function: Callable[[A], B], items: Sequence[A], address: str) -> list[B]:
    """[function(item) for item in items] on the workers of the scheduler at that address.

    The function travels once, with all that it refers to, as the result of a task that the others wait for: scattered data
    would be lost with the worker that holds it, but a task is run again.
    """
    with connection(address) as client:
        import cloudpickle  # Dask brings it along
        import dask

        with dask.config.set({"distributed.admin.large-graph-warning-threshold": "1TB"}):  # for those who send it many times
            parcel = client.submit(bytes, cloudpickle.dumps(function), pure=False)
        futures = client.map(unpacked, items, parcel=parcel, expected=versions(), pure=False)
        places = {future: place for place, future in enumerate(futures)}
        del futures  # what has come is not computed again when the worker that had it dies
        arrivals = zip(steps_of(len(items), address, "item"), results(places, client, address), strict=True)
        found = dict(arrival for _, arrival in arrivals)
        return [found[place] for place in range(len(items))]


def unpacked(item: Any, parcel: bytes, expected: Mapping[str, str]) -> Any:
    """What the function in the parcel makes of the item, on a worker, which may have joined since versions were compared."""
    if differ := differences(expected, versions()):
        raise Refused(f"compute.scheduler: a worker that joined on {socket.gethostname()} has {differ}")
    return pickle.loads(parcel)(item)


@contextmanager
def connection(address: str) -> Iterator["Client"]:
    """A client of the scheduler, which is there and has workers, with the same versions everywhere; otherwise `Refused`."""
    try:
        from distributed import Client
        from distributed.versions import VersionMismatchWarning
    except ImportError:
        raise Refused(
            f"compute.scheduler: given {address}, but Dask is not installed; "
            "pip install 'hnn-pipeline[dask]', or set it to local"
        ) from None
    logging.getLogger("distributed.client").setLevel(logging.CRITICAL)  # what it would tell at length is one line here
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", VersionMismatchWarning)  # `check_versions` says it in one line
            client = Client(address, timeout=CONNECT)
    except Exception as error:  # whatever is at that address, if anything is, may answer anything
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


def results(places: "dict[Future[Any], int]", client: "Client", address: str) -> Iterator[tuple[int, Any]]:
    """(place, result) as they come; raises what an item raised, or `Refused` when there is nobody left to wait for."""
    from distributed import KilledWorker, wait
    from distributed.comm.core import CommClosedError

    seen = time.monotonic()
    try:
        while places:
            try:
                done = wait(list(places), timeout=LOOK, return_when="FIRST_COMPLETED").done
            except TimeoutError:
                done = set()
            if done or client.ncores():
                seen = time.monotonic()
            elif time.monotonic() - seen > LOST:
                lost = f"all workers of {address} were lost, and none came in {LOST:g} s"
                raise Refused(f"compute.scheduler: {lost}; their logs may say why")
            for future in done:
                yield places.pop(future), future.result()
    except (CancelledError, CommClosedError):
        raise Refused(f"compute.scheduler: the scheduler at {address} was lost; its log may say why") from None
    except KilledWorker as error:
        raise Refused(f"compute.scheduler: workers died one after another of the same item: {error}") from None


def check_versions(client: "Client") -> None:
    """Raise `Refused` if the scheduler or a worker has other versions than there are here."""
    found: dict[str, Any] = {}
    try:
        found["the scheduler"] = client.run_on_scheduler(versions)
    except Exception as error:  # whatever was raised there
        found["the scheduler"] = error
    for address, there in client.run(versions, on_error="return").items():
        found[f"the worker {address}"] = there
    differ = [f"{who} has {text}" for who, there in found.items() if (text := differences(versions(), there))]
    if differ:
        more = f" ({len(differ) - 1} more differ)" if differ[1:] else ""
        raise Refused(f"compute.scheduler: {differ[0]}{more}; install the same everywhere, and restart scheduler and workers")


def differences(here: Mapping[str, str], there: Mapping[str, str] | Exception) -> str:
    """What differs between the versions of two places, or why those of the other are not known; empty if nothing does."""
    if isinstance(there, Exception):
        return f"no hnn to compare with: {there}"
    return ", ".join(f"{name} {there.get(name)} (here {mine})" for name, mine in here.items() if there.get(name) != mine)


@cache
def versions() -> dict[str, str]:
    """What bytes depend on besides the processor; looked up once, since a process goes on with the code that it has loaded."""
    package, digest = Path(__file__).parents[1], hashlib.sha256()
    for path in sorted(package.rglob("*.py")):
        digest.update(path.relative_to(package).as_posix().encode() + b"\n" + path.read_bytes())
    python = ".".join(platform.python_version_tuple()[:2])
    return {"Python": python, **{name: version(name) for name in PACKAGES}, "hnn": f"source {digest.hexdigest()[:8]}"}
