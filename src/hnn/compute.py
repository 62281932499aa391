"""Where the fits of a cell and the chunks of a large computation run: on this machine, or on a Dask cluster.

What comes out does not depend on it. Every item is computed by itself and with the same number of threads: how many run at a
time, and where, changes no byte.
"""

import ctypes
import multiprocessing
import pickle
import signal
import sys
import threading
import warnings
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from joblib import Parallel, cpu_count, delayed
from threadpoolctl import threadpool_limits

from hnn import cluster, progress

if TYPE_CHECKING:
    from hnn.sections import Compute

__all__ = ["spread"]

A = TypeVar("A")
B = TypeVar("B")

PR_SET_PDEATHSIG = 1  # of prctl, Linux


def spread(function: Callable[[A], B], items: Sequence[A], *, threads: int, compute: "Compute") -> list[B]:
    """[function(item) for item in items], each with so many PyTorch threads, several at a time where `compute` says.

    The function is pure, and picklable with all that it refers to, as are items and results. What it raises is raised here as
    it is: of what runs beside it nothing is waited for, and what has not begun is dropped.
    """
    with ctrl_c_ends_at_once():
        if compute.scheduler == "local":
            most = max(1, 2 * cpu_count() // threads) if compute.workers == "auto" else compute.workers
            return side_by_side(function, items, threads, most)
        return cluster.spread(partial(alone, function, threads), items, compute.scheduler)


def side_by_side(function: Callable[[A], B], items: Sequence[A], threads: int, most: int) -> list[B]:
    """At most so many at a time: in forked processes where they are safe, else in threads.

    Steps of small networks are short, and threads wait for each other's hold of Python's lock between them. A fork has all
    that is loaded here, so that no process imports anything; but on Linux only, and not with several PyTorch threads, whose
    pool does not survive it.
    """
    most = min(most, len(items))
    if most <= 1:
        return [alone(function, threads, item) for item in items]
    if threads == 1 and sys.platform == "linux":
        return in_forks(partial(alone, function, threads), items, most)
    parallel = Parallel(n_jobs=most, backend="threading", batch_size=1)
    return list(parallel(delayed(alone)(function, threads, item) for item in items))


work: tuple[Callable[[Any], Any], Sequence[Any]]
"""What the forks are made for: they find it here, so that it need not be picklable."""


def in_forks(function: Callable[[A], B], items: Sequence[A], most: int) -> list[B]:
    """[function(item) for item in items], in so many forks of this process, which end with it however it ends."""
    global work
    work, before = (function, items), set(multiprocessing.active_children())
    fork, place = multiprocessing.get_context("fork"), multiprocessing.Value("i", 0)
    with warnings.catch_warnings():
        # Python warns of locks that other threads hold in the moment of the fork; PyTorch's and OpenBLAS's threads wait idly.
        warnings.filterwarnings("ignore", "This process .* is multi-threaded", DeprecationWarning)
        pool = ProcessPoolExecutor(most, fork, begin, (place,))
        futures = [pool.submit(pickled, i) for i in range(len(items))]
    try:
        return [pickle.loads(future.result()) for future in futures]
    except BaseException:
        for process in set(multiprocessing.active_children()) - before:
            process.kill()
        raise
    finally:
        pool.shutdown(cancel_futures=True)


def begin(place: Any) -> None:
    """A fork's first act: to die when its parent does, and to take a line for its progress bars."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    with place.get_lock():
        progress.place, place.value = place.value, place.value + 1


def pickled(i: int) -> bytes:
    """The result of one item. Pickled here, tensors travel as bytes, not as shared memory, of which a system has little."""
    function, items = work
    return pickle.dumps(function(items[i]))


def alone(function: Callable[[A], B], threads: int, item: A) -> B:
    """function(item) with so many threads of PyTorch and of NumPy's BLAS, whatever is computed in others of this process."""
    import torch  # a cluster's scheduler imports this module too, and computes nothing

    torch.get_num_threads()  # if this thread's first look came later, it would find what another thread has set by then
    torch.set_num_threads(threads)
    with threadpool_limits(threads, "blas"):
        return function(item)


@contextmanager
def ctrl_c_ends_at_once() -> Iterator[None]:
    """Let Ctrl-C end the process: nothing is written yet, and threads that are within PyTorch hear of nothing else."""
    if threading.current_thread() is not threading.main_thread():  # elsewhere Python allows no change
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_DFL)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
