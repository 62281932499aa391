"""A parallel map over independent items on this machine or on a Dask cluster.

Results do not depend on where they are computed: items are independent and use the same number of threads, so neither
the number of workers nor their place changes a byte.
"""

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
from math import ceil
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from typing import Any, Literal, Protocol, TypeVar, cast

from joblib import Parallel, cpu_count, delayed
from threadpoolctl import ThreadpoolController

from hnn.core.errors import Refused
from hnn.core.process import end_with_parent
from hnn.parallel import cluster, progress

__all__ = ["ComputeOptions", "parallel_map"]

A = TypeVar("A")
B = TypeVar("B")


class ComputeOptions(Protocol):
    """The section `compute` of params.yaml."""

    @property
    def scheduler(self) -> str:
        """`local`, or the address of a Dask scheduler."""

    @property
    def workers(self) -> Literal["auto"] | int:
        """Number of items computed at a time on this machine; `auto` is two per core, divided by the threads of each, or
        fewer where as many rounds do."""


def parallel_map(function: Callable[[A], B], items: Sequence[A], *, threads: int, compute: ComputeOptions) -> list[B]:
    """[function(item) for item in items], several items at a time, each with the given number of threads.

    The function must be pure; on a cluster, function, items and results must be picklable. An exception of the function is
    raised here unchanged: running items are not waited for, and items that have not begun are dropped.

    >>> from types import SimpleNamespace
    >>> parallel_map(abs, [-1, 2, -3], threads=1, compute=SimpleNamespace(scheduler="local", workers=2))
    [1, 2, 3]
    """
    with default_interrupt():
        if compute.scheduler == "local":
            most = max(1, 2 * cpu_count() // threads)
            workers = balanced(len(items), most) if compute.workers == "auto" else compute.workers
            return map_locally(function, items, threads, workers)
        return cluster.cluster_map(partial(call_with_threads, function, threads), items, compute.scheduler)


def balanced(items: int, most: int) -> int:
    """The least number of workers that need no more rounds than `most` do, so that the last round is not left to one alone.

    >>> balanced(5, 4), balanced(8, 4), balanced(2, 4), balanced(0, 4)
    (3, 4, 2, 0)
    """
    rounds = max(1, ceil(items / most))
    return ceil(items / rounds)


def map_locally(function: Callable[[A], B], items: Sequence[A], threads: int, workers: int) -> list[B]:
    """`parallel_map` on this machine: in forked processes where forking is safe, else in threads.

    Forks scale better, because the steps of small networks are short and threads compete for Python's lock between them; they
    also share all loaded modules. Forking is safe on Linux only, and with a single PyTorch thread, because PyTorch's thread
    pool does not survive a fork.
    """
    workers = min(workers, len(items))
    if workers <= 1:
        return [call_with_threads(function, threads, item) for item in items]
    limit_blas_threads(threads)  # once, before forking, and because other threads than the main one may not
    if threads == 1 and sys.platform == "linux":
        return map_in_forks(partial(call_with_threads, function, threads), items, workers)
    parallel = Parallel(n_jobs=workers, backend="threading", batch_size=1)
    return list(parallel(delayed(call_with_threads)(function, threads, item) for item in items))


def map_in_forks(function: Callable[[A], B], items: Sequence[A], workers: int) -> list[B]:
    """[function(item) for item in items] in forks of this process, which end with it even if it is killed.

    A pool of concurrent.futures takes three times as long to start and to transfer results.
    """
    context = multiprocessing.get_context("fork")
    taken, results = context.Value("i", 0), dict[int, B]()
    running: dict[Connection, BaseProcess] = {}
    try:
        for position in range(workers):
            receiver, sender = context.Pipe(duplex=False)
            running[receiver] = context.Process(target=run_fork, args=(sender, position, function, items, taken))
            with warnings.catch_warnings():
                # Python warns of locks that other threads may hold during the fork; those of PyTorch and BLAS are idle.
                warnings.filterwarnings("ignore", "This process .* is multi-threaded", DeprecationWarning)
                running[receiver].start()
            sender.close()  # so that the pipe ends when the fork ends
        while len(results) < len(items):
            for pipe in wait(list(running)):
                results |= receive(cast(Connection, pipe), running)
    finally:
        for process in running.values():
            process.kill()  # after success all forks have finished their items
            process.join()
    return [results[i] for i in range(len(items))]


def run_fork(pipe: Connection, position: int, function: Callable[[A], B], items: Sequence[A], taken: Any) -> None:
    """The main function of a fork: compute items until none is left, and send (index, result, exception) of each.

    Results are pickled here, so that tensors are sent as bytes and not in shared memory, which is limited.
    """
    end_with_parent()
    progress.position = position
    while (i := next_index(taken)) < len(items):
        try:
            message = pickle.dumps((i, function(items[i]), None))
        except Exception as error:
            error.add_note(traceback.format_exc())
            message = pickle.dumps((i, None, error))
        pipe.send_bytes(message)


def next_index(taken: Any) -> int:
    """The index of the next item, from the counter that all forks share."""
    with taken.get_lock():
        taken.value += 1
        return int(taken.value) - 1


def receive(pipe: Connection, running: dict[Connection, BaseProcess]) -> dict[int, Any]:
    """{index: result} of the next message of a fork.

    Raises the exception of the function, or `Refused` if the fork was ended from outside. Empty if the fork has ended because
    no item was left.
    """
    try:
        i, result, error = pickle.loads(pipe.recv_bytes())
    except EOFError:
        process = running.pop(pipe)
        process.join()
        if process.exitcode == 0 and running:  # another fork still computes the missing items
            return {}
        raise Refused(
            f"a worker process was ended from outside, with code {process.exitcode}; "
            "if memory has run out (code -9), run fewer at a time: compute.workers"
        ) from None
    if error is not None:
        raise error
    return {i: result}


def call_with_threads(function: Callable[[A], B], threads: int, item: A) -> B:
    """function(item) with the given number of threads of PyTorch and of NumPy's BLAS in the present thread."""
    import torch  # a cluster's scheduler imports this module too, and computes nothing

    torch.get_num_threads()  # the first call in a thread copies the number last set in any thread: it must come before the set
    torch.set_num_threads(threads)
    limit_blas_threads(threads)
    return function(item)


def limit_blas_threads(threads: int) -> None:
    """Set the number of threads of NumPy's BLAS if it differs: setting it wakes OpenBLAS's threads, which then busy-wait."""
    blas = threadpools().select(user_api="blas")
    if any(library["num_threads"] != threads for library in blas.info()):
        blas.limit(limits=threads)


@lru_cache
def threadpools() -> ThreadpoolController:
    """The loaded libraries that have thread pools; cached, because the search takes long."""
    return ThreadpoolController()


@contextmanager
def default_interrupt() -> Iterator[None]:
    """Let Ctrl-C end the process at once: threads inside PyTorch would not see a KeyboardInterrupt, and no file is open."""
    if threading.current_thread() is not threading.main_thread():  # Python allows signal handlers in the main thread only
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_DFL)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
