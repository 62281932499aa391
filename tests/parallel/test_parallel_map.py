"""The parallel map on this machine: results in order, numbers of workers and threads, failures."""

import os
import pickle
import signal
import subprocess
import sys
import threading
import time
from dataclasses import replace
from functools import partial
from multiprocessing import Pipe, Value
from types import SimpleNamespace

import pytest
import torch
from conftest import RECIPE, ROOT, alive, network, observed, wait_for
from safetensors.torch import save
from threadpoolctl import threadpool_info

from hnn.core.errors import Refused
from hnn.parallel import pool, progress
from hnn.parallel.mapping import serial_map
from hnn.parallel.pool import parallel_map
from hnn.training.fit import fit

linux = pytest.mark.skipif(sys.platform != "linux", reason="forks are used on Linux only")


def options(workers="auto"):
    """The section `compute` for this machine."""
    return SimpleNamespace(scheduler="local", workers=workers)


def refuse(_):
    raise Refused("no")


def thread_counts(_):
    """Numbers of threads of PyTorch and of each BLAS in the present thread."""
    blas = [library for library in threadpool_info() if library["user_api"] == "blas"]
    return {torch.get_num_threads(), *(library["num_threads"] for library in blas)}


def trained_weights(seed):
    """The weights of a short fit in float32."""
    model, data = network("hnn", seed=seed).float(), observed("pendulum")
    generators = [torch.Generator().manual_seed(seed)]
    (fitted,) = fit([model], [data], data, replace(RECIPE, steps=20), batch=20, validation=0.0, generators=generators)
    return save(fitted.model.state_dict())


def test_serial_map_is_in_order():
    assert serial_map(abs, [-3, 1, -2]) == [3, 1, 2]


def test_parallel_map_is_in_order():
    item = lambda i: (time.sleep(0.02 * (4 - i)), i)[1]  # noqa: E731
    assert parallel_map(item, range(4), threads=1, compute=options(workers=4)) == [0, 1, 2, 3]


def test_parallel_map_of_no_items_is_empty():
    assert parallel_map(abs, [], threads=1, compute=options()) == []


def test_parallel_map_gives_the_same_bytes_for_any_number_of_workers():
    serial = serial_map(trained_weights, range(3))
    assert len(set(serial)) == 3
    for workers in (1, 3, "auto"):
        assert parallel_map(trained_weights, range(3), threads=1, compute=options(workers)) == serial


@pytest.mark.parametrize("workers", [1, 2, 3])
@pytest.mark.parametrize("threads", [1, 2])  # in forks, in threads
def test_parallel_map_computes_as_many_items_at_a_time_as_there_are_workers(workers, threads):
    def item(_):
        begin = time.monotonic()
        time.sleep(0.1)
        return begin, time.monotonic()

    spans = parallel_map(item, range(3 + workers), threads=threads, compute=options(workers))
    assert max(sum(begin <= moment < end for begin, end in spans) for moment, _ in spans) == workers


@pytest.mark.parametrize("workers", [1, 3])
def test_parallel_map_sets_the_number_of_threads_of_every_item(workers):
    for threads in (2, 1):
        assert parallel_map(thread_counts, range(3), threads=threads, compute=options(workers)) == [{threads}] * 3


def test_parallel_map_leaves_the_threads_of_the_parent_of_forks_unchanged():
    torch.set_num_threads(2)
    parallel_map(thread_counts, range(3), threads=1, compute=options(workers=3))
    assert torch.get_num_threads() == 2


def test_parallel_map_sets_threads_per_thread_whatever_other_threads_set():
    barrier = threading.Barrier(2)

    def count(threads):
        def item(_):
            barrier.wait()  # both have set their number before either computes
            torch.ones(9).add(1)
            return torch.get_num_threads()

        return parallel_map(item, [0], threads=threads, compute=options())

    counts = {}
    for threads in (1, 2):
        threading.Thread(target=lambda n=threads: counts.update({n: count(n)})).start()
    wait_for(lambda: len(counts) == 2)
    assert counts == {1: [1], 2: [2]}


@linux
def test_parallel_map_shares_many_items_among_a_few_forks():
    results = parallel_map(lambda i: (i, os.getpid()), range(200), threads=1, compute=options(workers=3))
    assert [i for i, _ in results] == list(range(200))
    assert 1 <= len({pid for _, pid in results}) <= 3


@pytest.mark.parametrize("workers", [1, 2])
def test_parallel_map_restores_the_interrupt_handler_after_an_exception(workers):
    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(Refused, match="no"):
        parallel_map(refuse, range(2), threads=1, compute=options(workers))
    assert signal.getsignal(signal.SIGINT) is before


@linux
def test_parallel_map_raises_the_exception_of_a_fork_with_its_traceback():
    with pytest.raises(Refused, match=r"in refuse\n {4}raise Refused") as error:
        parallel_map(refuse, range(2), threads=1, compute=options(workers=2))
    assert str(error.value) == "no"


@linux
def test_run_fork_sends_index_and_result_or_exception_of_each_item(monkeypatch):
    """In this process, with the request to end with the parent left out."""
    monkeypatch.setattr(pool, "end_with_parent", lambda: None)
    monkeypatch.setattr(progress, "position", None)
    receiver, sender = Pipe(duplex=False)
    pool.run_fork(sender, 3, lambda x: 1 / x, [2, 0], Value("i", 0))
    (first, result, _), (second, _, error) = (pickle.loads(receiver.recv_bytes()) for _ in range(2))
    assert (first, result, second) == (0, 0.5, 1)
    assert isinstance(error, ZeroDivisionError)
    assert progress.position == 3


@linux
def test_parallel_map_refuses_when_a_fork_is_killed_and_ends_the_others(tmp_path):
    def item(i):
        (tmp_path / str(os.getpid())).touch()
        time.sleep(0.3 if i == 0 else 60)
        os.kill(os.getpid(), signal.SIGKILL)

    with pytest.raises(Refused, match=r"ended from outside, with code -9; .*: compute\.workers$"):
        parallel_map(item, range(3), threads=1, compute=options(workers=3))
    assert not any(alive(int(file.name)) for file in tmp_path.iterdir())


@linux
def test_parallel_map_refuses_when_all_forks_exit_without_a_result():
    with pytest.raises(Refused, match=r"ended from outside, with code 0"):
        parallel_map(lambda _: os._exit(0), range(3), threads=1, compute=options(workers=2))


@linux
def test_forks_of_parallel_map_end_with_their_parent_even_if_it_is_killed(tmp_path):
    code = f"""
import os, pathlib, time
from types import SimpleNamespace
from hnn.parallel.pool import parallel_map
def item(i):
    pathlib.Path({str(tmp_path)!r}, str(os.getpid())).touch()
    time.sleep(60)
parallel_map(item, range(2), threads=1, compute=SimpleNamespace(scheduler="local", workers=2))
"""
    parent = subprocess.Popen([sys.executable, "-c", code], env=os.environ | {"PYTHONPATH": str(ROOT / "src")})
    wait_for(lambda: len(list(tmp_path.iterdir())) == 2)
    parent.kill()
    parent.wait()
    forks = [int(file.name) for file in tmp_path.iterdir()]
    wait_for(lambda: not any(map(alive, forks)))
    assert not any(map(alive, forks))


def test_a_stage_prints_one_line_if_an_item_of_parallel_map_fails_while_others_run():
    code = """
import time, torch
from types import SimpleNamespace
from stages import run
from hnn.core.errors import Refused
from hnn.parallel.pool import parallel_map
def item(i):
    if i == 0:
        time.sleep(0.3)
        raise Refused("no")
    while True:
        torch.ones(100, 100) @ torch.ones(100, 100)
run(lambda: parallel_map(item, range(3), threads=1, compute=SimpleNamespace(scheduler="local", workers=3)))
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout, done.stderr) == (1, "", "no\n")


@pytest.mark.parametrize(("cores", "threads", "workers"), [(1, 1, 2), (1, 2, 1), (4, 2, 4), (1, 4, 1)])
def test_auto_workers_are_two_per_core_divided_by_the_threads_of_each(monkeypatch, cores, threads, workers):
    monkeypatch.setattr(pool, "cpu_count", lambda: cores)
    monkeypatch.setattr(pool, "map_locally", lambda function, items, threads, workers: workers)
    assert parallel_map(abs, range(8), threads=threads, compute=options()) == workers


def test_auto_workers_are_fewer_where_that_needs_no_more_rounds(monkeypatch):
    monkeypatch.setattr(pool, "cpu_count", lambda: 2)
    monkeypatch.setattr(pool, "map_locally", lambda function, items, threads, workers: workers)
    assert [parallel_map(abs, range(n), threads=1, compute=options()) for n in (1, 3, 4, 5, 6, 7, 9)] == [1, 3, 4, 3, 3, 4, 3]


def test_parallel_map_with_bound_options_is_a_map():
    two_workers = partial(parallel_map, threads=1, compute=options(workers=2))
    assert two_workers(abs, [-1, -2]) == serial_map(abs, [-1, -2])
