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
import traceback
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache, partial
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from typing import TYPE_CHECKING, Any, TypeVar, cast

from joblib import Parallel, cpu_count, delayed
from threadpoolctl import ThreadpoolController

from hnn.core.errors import Refused
from hnn.parallel import cluster, progress

if TYPE_CHECKING:
    from hnn.params.sections import Compute

__all__ = ["parallel_map"]

A = TypeVar("A")
B = TypeVar("B")

PR_SET_PDEATHSIG = 1  # of prctl, Linux


def parallel_map(function: Callable[[A], B], items: Sequence[A], *, threads: int, compute: "Compute") -> list[B]:
    """[function(item) for item in items], each with so many PyTorch threads, several at a time where `compute` says.

    The function is pure, and picklable with all that it refers to, as are items and results. What it raises is raised here as
    it is: of what runs beside it nothing is waited for, and what has not begun is dropped.
    """
    with ctrl_c_ends_at_once():
        if compute.scheduler == "local":
            most = max(1, 2 * cpu_count() // threads) if compute.workers == "auto" else compute.workers
            return side_by_side(function, items, threads, most)
        return cluster.cluster_map(partial(alone, function, threads), items, compute.scheduler)


def side_by_side(function: Callable[[A], B], items: Sequence[A], threads: int, most: int) -> list[B]:
    """At most so many at a time: in forked processes where they are safe, else in threads.

    Steps of small networks are short, and threads wait for each other's hold of Python's lock between them. A fork has all
    that is loaded here, so that no process imports anything; but on Linux only, and not with several PyTorch threads, whose
    pool does not survive it.
    """
    most = min(most, len(items))
    if most <= 1:
        return [alone(function, threads, item) for item in items]
    let_blas_have(threads)  # here, so that no fork has to, and since other threads than the first one may not
    if threads == 1 and sys.platform == "linux":
        return in_forks(partial(alone, function, threads), items, most)
    parallel = Parallel(n_jobs=most, backend="threading", batch_size=1)
    return list(parallel(delayed(alone)(function, threads, item) for item in items))


def in_forks(function: Callable[[A], B], items: Sequence[A], most: int) -> list[B]:
    """[function(item) for item in items], shared by so many forks of this process, which end with it however it ends.

    A pool of concurrent.futures takes three times as long to begin and to hand over results.
    """
    context = multiprocessing.get_context("fork")
    taken, found = context.Value("i", 0), dict[int, B]()
    running: dict[Connection, BaseProcess] = {}
    try:
        for place in range(most):
            ours, theirs = context.Pipe(duplex=False)
            running[ours] = context.Process(target=share, args=(theirs, place, function, items, taken))
            with warnings.catch_warnings():
                # Python warns of locks that other threads hold in the moment of the fork; those of PyTorch and BLAS wait idly.
                warnings.filterwarnings("ignore", "This process .* is multi-threaded", DeprecationWarning)
                running[ours].start()
            theirs.close()  # so that a fork that ends ends the pipe
        while len(found) < len(items):
            for pipe in wait(list(running)):
                found |= received(cast(Connection, pipe), running)
    finally:
        for process in running.values():
            process.kill()  # one that has nothing left to take is at its end anyway
            process.join()
    return [found[i] for i in range(len(items))]


def share(pipe: Connection, place: int, function: Callable[[A], B], items: Sequence[A], taken: Any) -> None:
    """What a fork does: it dies when its parent does, has a line for its progress bars, takes items and sends what comes out.

    Pickled here, tensors travel as bytes, not as shared memory, of which a system has little.
    """
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    progress.place = place
    while (i := one_more(taken)) < len(items):
        try:
            came_out = pickle.dumps((i, function(items[i]), None))
        except Exception as error:
            error.add_note(traceback.format_exc())
            came_out = pickle.dumps((i, None, error))
        pipe.send_bytes(came_out)


def one_more(taken: Any) -> int:
    """How many items were taken before."""
    with taken.get_lock():
        taken.value += 1
        return int(taken.value) - 1


def received(pipe: Connection, running: dict[Connection, BaseProcess]) -> dict[int, Any]:
    """What a fork sent, by the item's index; raises what was raised there, and `Refused` if the fork died."""
    try:
        i, result, error = pickle.loads(pipe.recv_bytes())
    except EOFError:
        process = running.pop(pipe)
        process.join()
        if process.exitcode == 0 and running:  # nothing was left to take; the last one would not be asked again
            return {}
        raise Refused(
            f"a process that computed a part of it was ended from outside, with code {process.exitcode}; "
            "if memory has run out (code -9), let fewer run at a time: compute.workers"
        ) from None
    if error is not None:
        raise error
    return {i: result}


def alone(function: Callable[[A], B], threads: int, item: A) -> B:
    """function(item) with so many threads of PyTorch and of NumPy's BLAS, whatever is computed in others of this process."""
    import torch  # a cluster's scheduler imports this module too, and computes nothing

    torch.get_num_threads()  # if this thread's first look came later, it would find what another thread has set by then
    torch.set_num_threads(threads)
    let_blas_have(threads)
    return function(item)


def let_blas_have(threads: int) -> None:
    """Let NumPy's BLAS have so many threads from now on, if it has not: to tell OpenBLAS wakes its threads, and they spin."""
    blas = loaded().select(user_api="blas")
    if any(library["num_threads"] != threads for library in blas.info()):
        blas.limit(limits=threads)


@lru_cache
def loaded() -> ThreadpoolController:
    """The libraries with threads of their own that this process has loaded by now: they take their time to be found."""
    return ThreadpoolController()


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
