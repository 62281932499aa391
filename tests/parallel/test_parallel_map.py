"""Where something is computed changes no byte of it: in threads, on a Dask cluster, on one that loses a worker."""

import gc
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from conftest import RECIPE, ROOT, network, observed
from safetensors.torch import save
from threadpoolctl import threadpool_info

from bench import cluster as measured
from bench.loopback import started
from hnn.core.errors import Refused
from hnn.parallel import cluster
from hnn.parallel.pool import parallel_map
from hnn.params.sections import Compute
from hnn.training.fit import fit
from hnn.training.loop import NonFiniteLoss
from hnn.training.seeds import fit_seeds

CPU = torch.device("cpu")
HERE = {"PYTHONPATH": os.pathsep.join([str(ROOT / "src"), str(ROOT / "tests")])}


def at(scheduler="local", workers="auto"):
    return Compute(scheduler=scheduler, workers=workers)


@pytest.fixture(autouse=True)
def no_garbage():
    """A client of Dask that never connected waits for a lock when it is collected: not while the next one holds it."""
    gc.collect()
    gc.disable()
    yield
    gc.enable()
    gc.collect()


@pytest.fixture(autouse=True)
def float32():
    """Workers are processes of their own, and know PyTorch's default type."""
    torch.set_default_dtype(torch.float32)


@pytest.fixture(scope="module")
def two_workers():
    with started(HERE, HERE) as found:
        yield found


def cell(steps, learning_rate=1e-2, folder=None):
    """A fit of groups of seeds, as the training stages have it; with a folder, where each leaves its seed and process."""
    observations = observed("pendulum")

    def some(seeds):
        for seed in seeds:
            if folder is not None:
                (folder / f"{seed}-{os.getpid()}").touch()
        recipe = replace(RECIPE, steps=steps, learning_rate=learning_rate, schedule="constant")
        how = {"batch": 20, "validation": 0.0}
        models = [network("hnn", seed=seed).float() for seed in seeds]
        batches = [torch.Generator().manual_seed(seed) for seed in seeds]
        labels = [f"seed {seed}" for seed in seeds] if learning_rate > 1 else None
        return fit(models, observations, observations, recipe, **how, generators=batches, labels=labels)

    return some


def weights(found):
    return [save(f.model.state_dict()) for f in found]


def test_fits_side_by_side_give_the_bytes_of_one_after_the_other():
    alone = fit_seeds(cell(50), 4, 1, CPU, at(workers=1))
    assert len(set(weights(alone))) == 4
    assert weights(alone) == weights(fit_seeds(cell(50), 4, 1, CPU, at(workers=4)))
    assert [f.losses for f in alone] == [f.losses for f in fit_seeds(cell(50), 4, 1, CPU, at())]


def test_groups_are_single_seeds_on_the_cpu_and_all_seeds_on_a_gpu_however_many_workers_there_are():
    for workers in ("auto", 1, 3):
        assert fit_seeds(lambda seeds: [list(seeds)], 3, 1, CPU, at(workers=workers)) == [[0], [1], [2]]
        assert fit_seeds(lambda seeds: [list(seeds)], 3, 1, torch.device("cuda"), at(workers=workers)) == [[0, 1, 2]]


@pytest.mark.parametrize("workers", [1, 2, 3])
@pytest.mark.parametrize("threads", [1, 2])  # in processes, in threads
def test_so_many_run_at_a_time_as_there_are_workers(workers, threads):
    def item(_):
        begun = time.monotonic()
        time.sleep(0.1)
        return begun, time.monotonic()

    found = parallel_map(item, range(6), threads=threads, compute=at(workers=workers))
    assert max(sum(begun <= moment < ended for begun, ended in found) for moment, _ in found) == workers


def threads_of_both(_):
    """How many threads PyTorch has here, and each BLAS of NumPy and SciPy."""
    return {torch.get_num_threads(), *(pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas")}


@pytest.mark.parametrize("workers", [1, 3])
def test_so_many_threads_compute_as_are_asked_for(workers):
    for threads in (2, 1):
        assert parallel_map(threads_of_both, range(3), threads=threads, compute=at(workers=workers)) == [{threads}] * 3


def test_forks_leave_our_number_of_threads_alone():
    torch.set_num_threads(2)
    parallel_map(threads_of_both, range(3), threads=1, compute=at(workers=3))
    assert torch.get_num_threads() == 2


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux forks safely")
def test_forks_die_with_the_process_that_made_them_even_if_it_is_killed(tmp_path):
    code = f"""
import os, pathlib, time
from hnn.compute import spread
from hnn.sections import Compute
def item(i):
    pathlib.Path({str(tmp_path)!r}, str(os.getpid())).touch()
    time.sleep(60)
spread(item, range(2), threads=1, compute=Compute(scheduler="local", workers=2))
"""
    running = subprocess.Popen([sys.executable, "-c", code], env=os.environ | HERE)
    wait_for(lambda: len(list(tmp_path.iterdir())) == 2)
    running.kill()
    running.wait()
    wait_for(lambda: not any(alive(int(file.name)) for file in tmp_path.iterdir()))


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux forks safely")
def test_a_fork_that_is_killed_is_told_of_and_takes_the_others_with_it(tmp_path):
    def item(i):
        (tmp_path / str(os.getpid())).touch()
        time.sleep(0.3 if i == 0 else 60)
        os.kill(os.getpid(), signal.SIGKILL)

    with pytest.raises(Refused, match=r"ended from outside, with code -9; .*: compute\.workers$"):
        parallel_map(item, range(3), threads=1, compute=at(workers=3))
    assert not any(alive(int(file.name)) for file in tmp_path.iterdir())


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux forks safely")
def test_forks_that_leave_without_a_word_are_told_of_too():
    with pytest.raises(Refused, match=r"ended from outside, with code 0"):
        parallel_map(lambda _: os._exit(0), range(3), threads=1, compute=at(workers=2))


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux forks safely")
def test_a_few_forks_share_many_items():
    found = parallel_map(lambda i: (i, os.getpid()), range(200), threads=1, compute=at(workers=3))
    assert [i for i, _ in found] == list(range(200))
    assert 1 <= len({pid for _, pid in found}) <= 3


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux forks safely")
def test_where_a_fork_failed_is_told_with_what_it_raised():
    with pytest.raises(Refused, match=r"in refuse\n {4}raise Refused") as error:
        parallel_map(refuse, range(2), threads=1, compute=at(workers=2))
    assert str(error.value) == "no"


def alive(pid):
    """Whether a process runs; one that only waits to be asked for its status does not."""
    try:
        return " Z " not in Path(f"/proc/{pid}/stat").read_text()
    except FileNotFoundError:
        return False


def wait_for(condition, seconds=20):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_the_number_of_threads_holds_in_each_thread_whatever_others_set():
    both = threading.Barrier(2)

    def count(threads):
        def item(_):
            both.wait()  # both have set theirs before either computes
            torch.ones(9).add(1)
            return torch.get_num_threads()

        return parallel_map(item, [0], threads=threads, compute=at())

    found = {}
    for threads in (1, 2):
        threading.Thread(target=lambda n=threads: found.update({n: count(n)})).start()
    deadline = time.monotonic() + 20
    while len(found) < 2 and time.monotonic() < deadline:
        time.sleep(0.01)
    assert found == {1: [1], 2: [2]}


def test_nothing_to_do_is_done():
    assert parallel_map(abs, [], threads=1, compute=at()) == []


def test_results_are_in_order_and_ctrl_c_is_python_s_again():
    before = signal.getsignal(signal.SIGINT)
    assert parallel_map(lambda i: (time.sleep(0.02 * (4 - i)), i)[1], range(4), threads=1, compute=at(workers=4)) == [
        0,
        1,
        2,
        3,
    ]
    with pytest.raises(Refused, match="no"):
        parallel_map(refuse, [0], threads=1, compute=at())
    assert signal.getsignal(signal.SIGINT) is before


def refuse(item):
    raise Refused("no")


def test_a_stage_whose_fit_fails_while_others_run_says_its_line_and_exits_with_1():
    code = """
import time, torch
from stages import run
from hnn.compute import spread
from hnn.descent import NonFiniteLoss
from hnn.errors import Refused
from hnn.sections import Compute
def item(i):
    if i == 0:
        time.sleep(0.3)
        raise Refused("no")
    while True:
        torch.ones(100, 100) @ torch.ones(100, 100)
run(lambda: spread(item, range(3), threads=1, compute=Compute(scheduler="local", workers=3)))
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout, done.stderr) == (1, "", "no\n")


def test_a_cell_on_two_workers_has_the_bytes_of_here(two_workers):
    here = fit_seeds(cell(50), 3, 1, CPU, at())
    there = fit_seeds(cell(50), 3, 1, CPU, at(two_workers.address))
    assert weights(there) == weights(here)
    assert [(f.curve, f.losses) for f in there] == [(f.curve, f.losses) for f in here]


def test_a_worker_computes_with_as_many_threads_as_are_asked_for(two_workers):
    for threads in (1, 2):
        count = parallel_map(threads_of_both, range(4), threads=threads, compute=at(two_workers.address))
        assert count == [{threads}] * 4


def test_what_a_fit_raises_on_a_worker_is_raised_here_as_it_is(two_workers):
    with pytest.raises(NonFiniteLoss, match=r"^seed [0-7]: loss (inf|nan) at step \d+ of 20, learning rate 1e\+38") as error:
        fit_seeds(cell(20, learning_rate=1e38), 8, 1, CPU, at(two_workers.address))
    assert "\n" not in str(error.value)


def test_a_worker_killed_in_the_middle_changes_no_byte(tmp_path):
    with started(HERE, HERE) as found:
        killed = []

        def kill():
            while len({path.name.split("-")[1] for path in tmp_path.iterdir()}) < 2:  # until both compute
                time.sleep(0.02)
            found.workers[0].send_signal(signal.SIGKILL)
            killed.append({int(path.name.split("-")[0]) for path in tmp_path.iterdir()})

        threading.Thread(target=kill, daemon=True).start()
        there = weights(fit_seeds(cell(150, folder=tmp_path), 8, 1, CPU, at(found.address)))
        assert found.workers[0].poll() == -signal.SIGKILL
    assert len(killed[0]) < 8
    again = [path.name.split("-")[0] for path in tmp_path.iterdir()]
    assert len(again) > len(set(again)) == 8  # a fit of the dead worker began once more on the other
    assert there == weights(fit_seeds(cell(150), 8, 1, CPU, at()))


def test_when_no_worker_is_left_for_long_one_line_says_so(monkeypatch, tmp_path):
    monkeypatch.setattr(cluster, "LOST", 1.0)
    with started(HERE) as found:

        def kill():
            while not any(tmp_path.iterdir()):
                time.sleep(0.02)
            found.workers[0].kill()

        threading.Thread(target=kill, daemon=True).start()
        refused(f"all workers of {found.address} were lost, and none came in 1 s", cell(10**6, folder=tmp_path), found.address)


def test_a_scheduler_that_ends_in_the_middle_is_one_line(tmp_path):
    with started(HERE) as found:

        def kill():
            while not any(tmp_path.iterdir()):
                time.sleep(0.02)
            found.scheduler.kill()

        threading.Thread(target=kill, daemon=True).start()
        refused(f"the scheduler at {found.address} was lost", cell(10**6, folder=tmp_path), found.address)


def refused(message, function, address):
    """Computing there is refused in one line that begins with the key and has the message."""
    with pytest.raises(Refused) as error:
        fit_seeds(function, 2, 1, CPU, at(address))
    assert str(error.value).startswith("compute.scheduler: ")
    assert message in str(error.value)
    assert "\n" not in str(error.value)


def test_a_scheduler_that_is_not_there_is_one_line(monkeypatch):
    monkeypatch.setattr(cluster, "CONNECT", 0.5)
    refused("no Dask scheduler answers at tcp://127.0.0.1:1 (Timed out", cell(1), "tcp://127.0.0.1:1")
    refused("no Dask scheduler answers at tls://127.0.0.1:1 (TLS expects", cell(1), "tls://127.0.0.1:1")


def test_a_scheduler_without_workers_is_one_line(monkeypatch):
    monkeypatch.setattr(cluster, "CONNECT", 4.0)
    with started() as found:
        refused(f"has no workers; start some with `dask worker {found.address}`", cell(1), found.address)


def test_without_dask_one_line_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    refused("pip install 'hnn-pipeline[dask]'", cell(1), "tcp://127.0.0.1:1")


def test_versions_that_differ_are_named(tmp_path):
    shutil.copytree(ROOT / "src/hnn", tmp_path / "hnn")
    with (tmp_path / "hnn/losses.py").open("a") as file:
        file.write("# a remark\n")
    with started({"PYTHONPATH": str(tmp_path)}, HERE) as found:
        mine = cluster.versions()["hnn"]
        refused(f"(here {mine}); install the same everywhere", cell(1), found.address)


def test_a_place_without_the_package_and_a_worker_that_joins_late_are_compared_too():
    mine = cluster.versions()
    assert set(mine) == {"Python", *cluster.PACKAGES, "hnn"}
    assert cluster.differences(mine, mine) == ""
    assert cluster.differences(mine, mine | {"torch": "1.0"}) == f"torch 1.0 (here {mine['torch']})"
    assert "No module named 'hnn'" in cluster.differences(mine, ModuleNotFoundError("No module named 'hnn'"))
    with pytest.raises(Refused, match=r"a worker that joined on \S+ has Python 3\.\d+ \(here 2\.7\)$"):
        cluster.unpacked(0, b"", mine | {"Python": "2.7"})


def test_the_page_shows_the_committed_measurements():
    found, page = json.loads(measured.RESULTS.read_text()), measured.PAGE.read_text()
    assert measured.BEGIN + measured.table(found) + measured.END in page, "run `python -m bench.cluster`"
    assert found["same_bytes"]
    assert found["seeds"] == measured.SEEDS
