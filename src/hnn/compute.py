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
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache, partial
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from typing import TYPE_CHECKING, Any, TypeVar, cast

from joblib import Parallel, cpu_count, delayed
from threadpoolctl import ThreadpoolController

from hnn import cluster, progress
from hnn.errors import Refused

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
    let_blas_have(threads)  # here, so that no fork has to, and since other threads than the first one may not
    if threads == 1 and sys.platform == "linux":
        return in_forks(partial(alone, function, threads), items, most)
    parallel = Parallel(n_jobs=most, backend="threading", batch_size=1)
    return list(parallel(delayed(alone)(function, threads, item) for item in items))


def in_forks(function: Callable[[A], B], items: Sequence[A], most: int) -> list[B]:
    """[function(item) for item in items], each in a fork of this process, so many at a time; they end with it however it ends.

    A pool of concurrent.futures takes three times as long to begin and to hand over results.
    """
    waiting, running = deque(enumerate(items)), dict[Connection, tuple[int, int, BaseProcess]]()
    found: dict[int, B] = {}
    try:
        while waiting or running:
            while waiting and len(running) < most:
                i, item = waiting.popleft()
                place = min(set(range(most)) - {place for _, place, _ in running.values()})
                pipe, process = forked(partial(function, item), place)
                running[pipe] = i, place, process
            for ready in wait(list(running)):
                pipe = cast(Connection, ready)
                i, _, process = running.pop(pipe)
                found[i] = answered(pipe, process)
    finally:
        for _, _, process in running.values():
            process.kill()
            process.join()
    return [found[i] for i in range(len(items))]


def forked(work: Callable[[], Any], place: int) -> tuple[Connection, BaseProcess]:
    """A fork of this process that does the work, and the pipe that it will answer through."""
    context = multiprocessing.get_context("fork")
    ours, theirs = context.Pipe(duplex=False)
    process = context.Process(target=answer, args=(theirs, place, work))
    with warnings.catch_warnings():
        # Python warns of locks that other threads hold in the moment of the fork; those of PyTorch and BLAS wait idly.
        warnings.filterwarnings("ignore", "This process .* is multi-threaded", DeprecationWarning)
        process.start()
    theirs.close()  # so that a fork that dies ends the pipe
    return ours, process


def answer(pipe: Connection, place: int, work: Callable[[], Any]) -> None:
    """What a fork does: it dies when its parent does, has a line for its progress bars, and sends what came out.

    Pickled here, tensors travel as bytes, not as shared memory, of which a system has little.
    """
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    progress.place = place
    try:
        came_out = pickle.dumps((work(), None))
    except Exception as error:
        error.add_note(traceback.format_exc())
        came_out = pickle.dumps((None, error))
    pipe.send_bytes(came_out)


def answered(pipe: Connection, process: BaseProcess) -> Any:
    """What a fork sent; raises what was raised there, and `Refused` if it died."""
    with pipe:
        try:
            result, error = pickle.loads(pipe.recv_bytes())
        except EOFError:
            process.join()
            raise Refused(
                f"a process that computed a part of it was ended from outside, with code {process.exitcode}; "
                "if memory has run out (code -9), let fewer run at a time: compute.workers"
            ) from None
    process.join()
    if error is not None:
        raise error
    return result


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
