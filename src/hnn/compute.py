"""Where the fits of a cell and the chunks of a large computation run: in threads of this machine, or on a Dask cluster.

What comes out does not depend on it. Every item is computed by itself and with the same number of PyTorch's threads: how many
run at a time, and where, changes no byte.
"""

import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from joblib import Parallel, cpu_count, delayed

from hnn import cluster

if TYPE_CHECKING:
    from hnn.schema import Compute

__all__ = ["spread"]

A = TypeVar("A")
B = TypeVar("B")


def spread(function: Callable[[A], B], items: Sequence[A], *, threads: int, compute: "Compute") -> list[B]:
    """[function(item) for item in items], each with so many PyTorch threads, several at a time where `compute` says.

    The function is pure, and picklable with all that it refers to, as are items and results. What it raises is raised here as
    it is: of what runs beside it nothing is waited for, and what has not begun is dropped.
    """
    one = partial(alone, function, threads)
    with ctrl_c_ends_at_once():
        if compute.scheduler == "local":
            most = max(1, 2 * cpu_count() // threads) if compute.workers == "auto" else compute.workers
            return side_by_side(one, items, most)
        return cluster.spread(one, items, compute.scheduler)


def side_by_side(function: Callable[[A], B], items: Sequence[A], most: int) -> list[B]:
    """At most so many at a time, in threads: PyTorch computes outside Python's lock, and no process has to import it first.

    Two for each core are worth having, because cores are shared out evenly: three fits on two cores take a round and a half
    instead of two rounds.
    """
    parallel = Parallel(n_jobs=max(1, min(most, len(items))), backend="threading", batch_size=1)
    return list(parallel(delayed(function)(item) for item in items))


def alone(function: Callable[[A], B], threads: int, item: A) -> B:
    """function(item) with so many PyTorch threads, whatever is computed in other threads of this process."""
    import torch  # a cluster's scheduler imports this module too, and computes nothing

    torch.get_num_threads()  # if this thread's first look came later, it would find what another thread has set by then
    torch.set_num_threads(threads)
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
